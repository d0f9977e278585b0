"""The module Announcements: one text for many customers, a mail of its own for each."""

from plugins.announcements.module import Announcements

plugin = Announcements()
