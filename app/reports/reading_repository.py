"""SQL that reads the summary, never a mail or an event."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.database import Connection
from app.reports.models import EVERYTHING, ITEM_MEASURES, MEASURES, Figures, Filter
from app.sql import in_list

MOST_TAGS = 1000


def _sums(measures: tuple[str, ...]) -> str:
    # As floating point, which is exact up to 2^53: sums of whole numbers are decimals to the server, which adds those
    # several times slower, and that is most of what a report over a year costs.
    return ", ".join(f"CAST(GREATEST(0, SUM({name} + 0e0)) AS SIGNED) AS {name}" for name in measures)


_SUMS, _ITEM_SUMS = _sums(MEASURES), _sums(ITEM_MEASURES)


def _where(wanted: Filter, tags: tuple[int, ...], *, detailed: bool = False) -> tuple[str, dict[str, Any]]:
    named, values = in_list("tag", tags)
    detailed = detailed or (wanted.agent_id, wanted.department_id, wanted.departments) != (None, None, None)
    conditions = [f"detailed = {int(detailed)}", f"tag_id IN {named}", "day BETWEEN %(first)s AND %(last)s"]
    values |= {"first": wanted.first, "last": wanted.last}
    if wanted.agent_id is not None:
        conditions.append("agent_id = %(agent)s")
        values["agent"] = wanted.agent_id
    if wanted.department_id is not None:
        conditions.append("department_id = %(department)s")
        values["department"] = wanted.department_id
    if wanted.departments is not None:
        allowed, found = in_list("allowed", sorted(wanted.departments) or [-1])
        conditions.append(f"department_id IN {allowed}")
        values |= found
    return " AND ".join(conditions), values


def _tag(wanted: Filter) -> tuple[int, ...]:
    return (wanted.tag_id if wanted.tag_id else EVERYTHING,)


async def total(conn: Connection, wanted: Filter) -> Figures:
    """All of it together."""
    where, values = _where(wanted, _tag(wanted))
    row = await conn.fetch_one(f"SELECT {_SUMS} FROM report_days WHERE {where}", values)  # noqa: S608
    return Figures(**{name: int(value or 0) for name, value in (row or {}).items()})


async def by_column(conn: Connection, wanted: Filter, column: str, tags: tuple[int, ...] = ()) -> dict[Any, Figures]:
    """By one of 'day', 'agent_id', 'department_id' and, for these tags, 'tag_id'."""
    where, values = _where(wanted, tags or _tag(wanted), detailed=column in ("agent_id", "department_id"))
    rows = await conn.fetch_all(
        f"SELECT {column} AS part, {_SUMS} FROM report_days WHERE {where} GROUP BY {column}",  # noqa: S608
        values,
    )
    return {row.pop("part"): Figures(**{name: int(value) for name, value in row.items()}) for row in rows}


async def by_item(conn: Connection, wanted: Filter, kind: str, limit: int) -> list[tuple[str, Figures]]:
    """By link or program, the busiest first."""
    where, values = _where(wanted, _tag(wanted))
    rows = await conn.fetch_all(
        f"""
        SELECT MAX(name) AS name, {_ITEM_SUMS} FROM report_items WHERE kind = %(kind)s AND {where}
         GROUP BY item_key
        HAVING SUM(opens) + SUM(clicks) + SUM(machine_opens) + SUM(machine_clicks) + SUM(unknown_clicks) > 0
         ORDER BY SUM(opens) + SUM(clicks) DESC, SUM(unknown_clicks) DESC,
                  SUM(machine_opens) + SUM(machine_clicks) DESC, item_key
         LIMIT %(limit)s
        """,  # noqa: S608
        {**values, "kind": kind, "limit": limit},
    )
    return [(row.pop("name"), Figures(**{name: int(value) for name, value in row.items()})) for row in rows]


async def first_day(conn: Connection) -> date | None:
    """The first day of which there is a figure; None where there is none at all."""
    found: date | None = await conn.fetch_value("SELECT MIN(day) FROM report_days WHERE detailed = 0 AND tag_id = 0")
    return found


async def names(conn: Connection) -> tuple[dict[int, str], dict[int, str], dict[int, str]]:
    """Agents, departments with their addresses, and tags, by id."""
    agents = await conn.fetch_all("SELECT id, name FROM users ORDER BY name, id")
    departments = await conn.fetch_all(
        """
        SELECT d.id, d.name, (SELECT MIN(m.address) FROM mailboxes AS m WHERE m.department_id = d.id) AS address
          FROM departments AS d ORDER BY d.name, d.id
        """
    )
    tags = await conn.fetch_all(f"SELECT id, name FROM tags ORDER BY name LIMIT {MOST_TAGS}")  # noqa: S608
    return (
        {row["id"]: row["name"] for row in agents},
        {row["id"]: f"{row['name']} ({row['address']})" if row["address"] else row["name"] for row in departments},
        {row["id"]: row["name"] for row in tags},
    )
