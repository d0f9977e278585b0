"""Tests of the reports see opens and clicks: the Plausible module is on."""

from tests.plausible.conftest import gus, gus_client, plausible, portal, portal_settings, world

__all__ = ["gus", "gus_client", "plausible", "portal", "portal_settings", "world"]
