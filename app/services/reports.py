"""What the reports count: for modules that learn of opens and clicks."""

from app.hookspecs import CopyCounts, ItemCounts
from app.reports.counting import SHARDS, Places, add

__all__ = ["SHARDS", "CopyCounts", "ItemCounts", "Places", "add"]
