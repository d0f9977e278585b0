"""SQL of the integration modules."""

from __future__ import annotations

from app.database import Connection, Row, utcnow
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


async def rows(conn: Connection) -> list[Row]:
    """All modules with who saved them last."""
    return await conn.fetch_all(
        """
        SELECT m.slug, m.name, m.description, m.icon, m.enabled, m.version, m.updated_at, u.name AS updated_by,
               m.error_count, m.last_error, m.last_error_at
          FROM integration_modules AS m LEFT JOIN users AS u ON u.id = m.updated_by
         ORDER BY m.name
        """
    )


async def set_enabled(conn: Connection, *, slug: str, enabled: bool, user_id: int | None) -> bool:
    """Switch a module; False where it was so already. Its noted failures are forgotten: a new start."""
    sql = """
        UPDATE integration_modules
           SET enabled = %(enabled)s, version = version + 1, updated_at = %(now)s, updated_by = %(user_id)s,
               error_count = 0, last_error = '', last_error_at = NULL
         WHERE slug = %(slug)s AND enabled <> %(enabled)s
    """
    values = {"slug": slug, "enabled": enabled, "user_id": user_id, "now": utcnow()}
    return await conn.execute(sql, values) == 1


async def save_settings(conn: Connection, *, slug: str, settings: str, version: int, user_id: int | None) -> bool:
    """Replace the stored settings; False where somebody else saved since `version` was read."""
    sql = """
        UPDATE integration_modules
           SET settings = %(settings)s, version = version + 1, updated_at = %(now)s, updated_by = %(user_id)s,
               error_count = 0, last_error = '', last_error_at = NULL
         WHERE slug = %(slug)s AND version = %(version)s
    """
    values = {"slug": slug, "settings": settings, "version": version, "user_id": user_id, "now": utcnow()}
    return await conn.execute(sql, values) == 1
