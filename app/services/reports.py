"""What the reports count, and the order of single events: for modules that learn of opens, clicks and deliveries."""

from app.events.positions import position, read_position
from app.hookspecs import CopyCounts, ItemCounts
from app.reports.counting import SHARDS, Places, add

__all__ = ["SHARDS", "CopyCounts", "ItemCounts", "Places", "add", "position", "read_position"]
