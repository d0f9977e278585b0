"""The days of a site at Plausible, which dates an event when it comes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class SiteDays:
    """Days as the site counts them. Moments are aware."""

    zone: ZoneInfo

    def day(self, moment: datetime) -> date:
        """The day of a moment."""
        return moment.astimezone(self.zone).date()

    def begin(self, moment: datetime) -> datetime:
        """When the day of a moment began, in UTC."""
        return self._midnight(self.day(moment))

    def end(self, moment: datetime) -> datetime:
        """When the day of a moment ends, in UTC."""
        return self._midnight(self.day(moment) + timedelta(days=1))

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, datetime.min.time(), self.zone).astimezone(UTC)
