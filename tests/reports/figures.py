"""What the summary holds, and what counting anew makes of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.reports.models import ITEM_MEASURES, MEASURES
from app.reports.rebuild import Progress, rebuild
from app.runtime import Runtime


async def summary(portal: Runtime) -> dict[tuple[Any, ...], dict[str, int]]:
    """All of it that is not zero, by key, over all shards."""
    found: dict[tuple[Any, ...], dict[str, int]] = {}
    async with portal.database.connection() as conn:
        days = await conn.fetch_all("SELECT * FROM report_days")
        items = await conn.fetch_all("SELECT * FROM report_items")
    for rows, keys, measures in (
        (days, ("detailed", "tag_id", "day", "agent_id", "department_id"), MEASURES),
        (items, ("kind", "name", "detailed", "tag_id", "day", "agent_id", "department_id"), ITEM_MEASURES),
    ):
        for row in rows:
            figures = found.setdefault(tuple(row[key] for key in keys), dict.fromkeys(measures, 0))
            for name in measures:
                figures[name] += row[name]
    left = {key: {name: value for name, value in one.items() if value} for key, one in found.items()}
    return {key: one for key, one in left.items() if one}


async def total(portal: Runtime, *, tag: int = 0) -> dict[str, int]:
    """The figures of all mails together."""
    found = dict.fromkeys(MEASURES, 0)
    for key, figures in (await summary(portal)).items():
        if len(key) == 5 and key[:2] == (0, tag):
            for name, value in figures.items():
                found[name] += value
    return {name: value for name, value in found.items() if value}


async def empty(portal: Runtime) -> None:
    """Forget the summary, as if nothing had ever been counted."""
    async with portal.database.transaction() as conn:
        for statement in ("DELETE FROM report_days", "DELETE FROM report_items"):
            await conn.execute(statement)


async def counted_anew(portal: Runtime, since: date | None = None) -> list[Progress]:
    """Count anew; what was done of each day."""
    return [one async for one in rebuild(portal.database, portal.plugins, since=since)]
