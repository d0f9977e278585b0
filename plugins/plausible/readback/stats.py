"""What Plausible counts: the questions to its Stats API v2, and what its answers say.

`event:name` needs no goal, and an explicit range holds today, which "7d" does not since release 3.0.0.
Source: https://plausible.io/docs/stats-api and the instance's own code; see docs/plausible.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from plugins.plausible.readback.caller import Caller
from plugins.plausible.readback.troubles import Api, Trouble, no_data

PATH = "/api/v2/query"
Number = Annotated[int, Field(ge=0)]


@dataclass(frozen=True)
class Window:
    """Days of the site, both inclusive."""

    first: date
    last: date

    @property
    def range(self) -> list[str]:
        """As the API takes it."""
        return [self.first.isoformat(), self.last.isoformat()]


@dataclass(frozen=True)
class Counted:
    """Of one name on one day."""

    events: int
    visitors: int


@dataclass(frozen=True)
class Counts:
    """What Plausible counts. What is not in `by` counts nothing there."""

    by: Mapping[tuple[date, str], Counted]
    offsets: tuple[int, int] | None
    """Minutes from UTC at the window's two ends, as the site counts its days; None where the answer does not say."""


class _Row(BaseModel):
    dimensions: tuple[date, str]
    metrics: tuple[Number, Number]


class _Echo(BaseModel):
    date_range: tuple[datetime, datetime] | None = None


class _Answer(BaseModel):
    results: list[_Row]
    query: _Echo = _Echo()


class _OneRow(BaseModel):
    metrics: tuple[Number]


class _OneAnswer(BaseModel):
    results: list[_OneRow]


class _GoalRow(BaseModel):
    dimensions: tuple[str]


class _GoalAnswer(BaseModel):
    results: list[_GoalRow]


async def counts(caller: Caller, key: str, names: Sequence[str], window: Window) -> Counts:
    """Events and visitors by day and name. Raises Trouble."""
    found = await _ask(
        caller,
        key,
        {
            "metrics": ["visitors", "events"],
            "date_range": window.range,
            "dimensions": ["time:day", "event:name"],
            "filters": [["is", "event:name", list(names)]],
        },
    )
    try:
        answer = _Answer.model_validate(found)
    except ValidationError:
        raise no_data(is_page=False) from None
    by = {
        (row.dimensions[0], row.dimensions[1]): Counted(events=row.metrics[1], visitors=row.metrics[0])
        for row in answer.results
    }
    ends = answer.query.date_range
    offsets = None
    if ends is not None and all(one.tzinfo is not None for one in ends):
        offsets = (_minutes(ends[0]), _minutes(ends[1]))
    return Counts(by, offsets)


async def visitors_today(caller: Caller, key: str) -> int:
    """How many visitors the site had today: the smallest question to which a key is needed. Raises Trouble."""
    found = await _ask(caller, key, {"metrics": ["visitors"], "date_range": "day"})
    try:
        [row] = _OneAnswer.model_validate(found).results
    except ValueError:
        raise no_data(is_page=False) from None
    return row.metrics[0]


async def has_goal(caller: Caller, key: str, name: str, window: Window) -> bool | None:
    """Whether events of this name, of which there must be some in the window, meet a goal; None where nobody knows.

    Asked by what the events meet, because a goal may be shown under another name than its event's.
    """
    try:
        found = await _ask(
            caller,
            key,
            {
                "metrics": ["events"],
                "date_range": window.range,
                "dimensions": ["event:goal"],
                "filters": [["is", "event:name", [name]]],
            },
        )
        return bool(_GoalAnswer.model_validate(found).results)
    except ValidationError:
        return None
    except Trouble as trouble:
        if trouble.quiet is not None:
            raise
        return None


async def _ask(caller: Caller, key: str, query: dict[str, Any]) -> Any:
    body = {"site_id": caller.site, **query}
    return await caller.call(Api.STATS, "POST", PATH, auth=f"Bearer {key}", body=body)


def _minutes(moment: datetime) -> int:
    return int((moment.utcoffset() or timedelta()).total_seconds() // 60)
