"""SQL of failed logins."""

from __future__ import annotations

from datetime import datetime

from app.accounts.throttle_rules import Attempt, Failures
from app.database import Connection, Row, utcnow


async def insert_failure(conn: Connection, *, account: bytes, address: str) -> int:
    """Count one try as failed, until it turns out otherwise."""
    sql = "INSERT INTO login_failures (account_hash, address, failed_at) VALUES (%(account)s, %(address)s, %(now)s)"
    return await conn.insert(sql, {"account": account, "address": address, "now": utcnow()})


async def failures_before(conn: Connection, attempt: Attempt, *, since: datetime) -> Failures:
    """What failed since a moment and before this attempt. An unknown address ('') is not counted by itself."""
    values = {"account": attempt.account, "address": attempt.address, "since": since, "id": attempt.id}
    account = await _of_account(conn, values)
    address: Row = await _of_address(conn, values) if attempt.address else {"total": 0, "last": None}
    return Failures(
        of_account=account["total"],
        of_pair=account["here"],
        of_address=address["total"],
        last_of_pair=account["last_here"],
        last_of_address=address["last"],
    )


async def _of_account(conn: Connection, values: Row) -> Row:
    sql = """
        SELECT COUNT(*) AS total, COUNT(CASE WHEN address = %(address)s THEN 1 END) AS here,
               MAX(CASE WHEN address = %(address)s THEN failed_at END) AS last_here
          FROM login_failures
         WHERE account_hash = %(account)s AND failed_at > %(since)s AND id < %(id)s
    """
    return (await conn.fetch_all(sql, values))[0]


async def _of_address(conn: Connection, values: Row) -> Row:
    sql = """
        SELECT COUNT(*) AS total, MAX(failed_at) AS last FROM login_failures
         WHERE address = %(address)s AND failed_at > %(since)s AND id < %(id)s
    """
    return (await conn.fetch_all(sql, values))[0]


async def delete_failure(conn: Connection, failure_id: int) -> None:
    """Take one counted try back."""
    await conn.execute("DELETE FROM login_failures WHERE id = %(id)s", {"id": failure_id})


async def delete_failures_of_pair(conn: Connection, attempt: Attempt) -> None:
    """Forget what one address did wrong on one account."""
    sql = "DELETE FROM login_failures WHERE account_hash = %(account)s AND address = %(address)s"
    await conn.execute(sql, {"account": attempt.account, "address": attempt.address})


async def delete_failures_until(conn: Connection, moment: datetime) -> int:
    """Forget old failures, a bounded number of them."""
    sql = "DELETE FROM login_failures WHERE failed_at < %(moment)s LIMIT 1000"
    return await conn.execute(sql, {"moment": moment})
