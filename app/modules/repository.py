"""SQL of the integration modules."""

from __future__ import annotations

from app.database import Connection, utcnow
from app.hookspecs import ModuleInfo


async def register(conn: Connection, info: ModuleInfo) -> None:
    """Make the module's row, or bring its name, description and icon up to date; settings stay."""
    sql = """
        INSERT INTO integration_modules (slug, name, description, icon, settings, updated_at)
        VALUES (%(slug)s, %(name)s, %(description)s, %(icon)s, '{}', %(now)s)
        ON DUPLICATE KEY UPDATE name = %(name)s, description = %(description)s, icon = %(icon)s
    """
    values = {"slug": info.slug, "name": info.name, "description": info.description, "icon": info.icon}
    await conn.execute(sql, {**values, "now": utcnow()})


async def record_error(conn: Connection, *, slug: str, message: str, count: int) -> None:
    """Note that a plugin failed `count` times since the last note, with its last words."""
    sql = """
        UPDATE integration_modules
           SET error_count = error_count + %(count)s, last_error = %(message)s, last_error_at = %(now)s
         WHERE slug = %(slug)s
    """
    await conn.execute(sql, {"slug": slug, "message": message[:1000], "count": count, "now": utcnow()})
