"""Instances that are slow, whose certificate is wrong, whose address is written another way; and the module off."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from app.hookspecs import Job
from app.modules.service import ModuleError
from app.services import modules
from app.tags import repository as tags
from app.worker import _of_module
from plugins.plausible.sync import job
from tests.plausible.recording import rows
from tests.plausible.sync.conftest import SITE, World
from tests.support.certificates import certificates
from tests.support.plausible import PlausibleServer

pytestmark = pytest.mark.usefixtures("at_noon")


async def test_a_slow_instance_gets_every_event_once(world: World) -> None:
    world.plausible.faults.slow(0.2)
    await world.read(6)
    await world.run(times=2)
    await world.check(accepted=6)
    assert len(world.plausible.events) == 6


@pytest.mark.parametrize("fault", ["another name", "expired", "unknown authority"])
async def test_a_wrong_certificate_is_told_and_waited_out(world: World, fault: str, tmp_path: Path) -> None:
    name = "other.example" if fault == "another name" else "localhost"
    _, context = certificates(tmp_path, name=name, days=-1 if fault == "expired" else 1)
    settings = world.portal.modules["plausible"].settings
    await world.read(1)
    async with PlausibleServer(edition="ce", site=SITE, tls=context) as wrong:
        changed = settings.model_copy(update={"base_url": wrong.base_url})
        worker = job.Sync(world.portal.database, world.portal.settings.key, lambda: changed, now=world.now)  # type: ignore[arg-type,return-value]
        world.workers.append(worker)
        await world.run(worker)
        found = await world.check(waiting=1)
        assert "CERTIFICATE_VERIFY_FAILED" in found.problem
        assert not wrong.requests
    await world.run()
    await world.check(accepted=1)


async def test_the_address_and_the_site_may_be_written_in_other_ways(world: World) -> None:
    await world.set(base_url=f" {world.plausible.base_url.replace('http', 'HTTP')}/ ", site_domain=SITE.upper())
    await world.read(1)
    await world.run()
    await world.check(accepted=1)
    assert world.plausible.events[0].domain == SITE


async def test_an_address_with_a_path_is_refused_with_the_reason(world: World) -> None:
    with pytest.raises(ModuleError) as caught:
        await world.set(base_url=f"{world.plausible.base_url}/plausible")
    assert "without a path" in str(caught.value.fields)


async def test_a_module_that_is_off_sends_nothing_and_keeps_its_backlog(world: World) -> None:
    await world.read(2)
    worker = world.worker()
    work = _of_module(world.portal, "plausible", Job("sync", job.INTERVAL, worker.run))
    await modules.set_enabled("plausible", enabled=False, user=None)
    await world.portal.modules.refresh()
    await world.hurry()
    await work()
    assert not world.plausible.requests
    await world.check(waiting=2)
    await modules.set_enabled("plausible", enabled=True, user=None)
    await world.portal.modules.refresh()
    await work()
    await world.check(accepted=2)


async def test_a_module_that_was_off_until_the_next_day_sends_nothing_of_the_day_before(world: World) -> None:
    await world.read(2)
    await modules.set_enabled("plausible", enabled=False, user=None)
    world.shift += timedelta(days=1)
    await modules.set_enabled("plausible", enabled=True, user=None)
    await world.run()
    await world.check(too_old=2)
    assert not world.posts


async def test_no_subject_body_or_department_is_in_the_bytes(world: World) -> None:
    await world.read(2)
    async with world.portal.database.transaction() as conn:
        await conn.execute("UPDATE tickets SET subject = 'canary-ticket'")
        await conn.execute("UPDATE ticket_replies SET body_html = '<p>canary-html</p>', body_text = 'canary-text'")
        await conn.execute(
            "UPDATE outgoing_emails SET subject = 'canary-subject', html_body = '<p>canary-mail</p>', "
            "text_body = 'canary-mail', message_id = CONCAT('<canary-', id, '@portal.test>')"
        )
        department = await conn.insert(
            "INSERT INTO departments (name, created_at, updated_at) VALUES ('canary-department', %(now)s, %(now)s)",
            {"now": world.now()},
        )
        await conn.execute("UPDATE tickets SET department_id = %(id)s", {"id": department})
        for ticket in await conn.fetch_all("SELECT id FROM tickets"):
            await tags.put(conn, ticket["id"], (await tags.ensure(conn, ["canary-tag"])).values())
    await world.run()
    await world.check(accepted=2)
    raw = b"".join(request.raw for request in world.plausible.requests)
    assert b"canary" not in raw.lower()
    await world.set(send_department=True)
    await world.read(1)
    async with world.portal.database.transaction() as conn:
        await conn.execute("UPDATE tickets SET department_id = %(id)s", {"id": department})
    await world.run()
    assert world.plausible.events[-1].props["department"] == "canary-department"
    assert "tags" not in world.plausible.events[-1].props


async def test_tags_are_sent_where_that_is_chosen(world: World) -> None:
    await world.set(send_tags=True)
    await world.read(2)
    [ticket, _] = await rows(world.portal.database, "SELECT id FROM tickets ORDER BY id")
    async with world.portal.database.transaction() as conn:
        await tags.put(conn, ticket["id"], (await tags.ensure(conn, ["vip", "refund"])).values())
    await world.run()
    assert sorted(event.props.get("tags", "") for event in world.plausible.events) == ["", "refund, vip"]


async def test_a_program_that_puts_a_new_line_into_its_name_is_sent_all_the_same(world: World) -> None:
    await world.set(visitor_mode="real", ip_mode="full")
    agent = "Mozilla/5.0 Gecko/20100101 Thunderbird/140.2.0"
    await world.read(1, user_agent=f"{agent}\r\nX-Forwarded-For: 1.2.3.4", ip_address="198.51.100.77")
    await world.run()
    await world.check(accepted=1)
    assert world.plausible.events[0].client_ip == "198.51.100.77"
