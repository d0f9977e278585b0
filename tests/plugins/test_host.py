"""A plugin may fail in any way; the portal and the other plugins go on."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app import plugin_calls, plugin_host, plugin_privacy
from app.database import utcnow
from app.hookspecs import (
    Arrived,
    ArrivedMail,
    ContactData,
    Delivery,
    DeliveryReport,
    MailEventQuery,
    ModuleInfo,
    ModuleSettings,
    MyPortalSpec,
    PageView,
    Prepared,
    QueuedMail,
    Recipient,
    WorkDone,
    hookimpl,
)
from app.plugin_discovery import discover
from app.plugin_host import PluginHost, PreparedCopy
from app.plugin_privacy import PluginFailed
from tests.plugins.broken import (
    FailsToStart,
    Hangs,
    Misspelt,
    Nonsense,
    Raises,
    Shouts,
    SyncWhereAsyncIsMeant,
)

BOB = Recipient(1, "to", "bob@customer.test", "t" * 43)
DELIVERY = Delivery(mail_id=1, reply_id=7, recipient=BOB, html="<p>hello</p>", enable_tracking=True)
MAIL = ArrivedMail(1, "bounce", utcnow(), "", "Undelivered", "", (), (), (), (), b"")
REPORT = DeliveryReport(mail_id=1, reply_id=7, recipient=BOB, happened_at=utcnow(), state="sent")


def host_of(*plugins: Any) -> tuple[PluginHost, list[tuple[str, str, str]]]:
    """A host with these plugins enabled, and the failures it reports."""
    failures: list[tuple[str, str, str]] = []
    found = {plugin.module_info().slug: plugin for plugin in plugins}
    return PluginHost(found, on_error=lambda *words: failures.append(words)), failures


@pytest.fixture
def short_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (plugin_calls, plugin_host):
        monkeypatch.setattr(module, "DEADLINE", 0.2)


async def test_a_plugin_that_raises_in_every_hook_costs_only_its_own_part() -> None:
    host, failures = host_of(Raises(), Shouts())
    assert host.commands(taken=()) == {}
    assert host.blueprints() == []
    assert host.direct_routes() == []
    assert host.jobs() == []
    assert await host.readiness() == []
    assert host.migration_folders() == {}
    assert host.template_folders() == {}
    assert [item.label for item in await host.navigation()] == ["Shouts"]
    assert await host.page_scripts(PageView("public", "/login"), https=True) == []
    assert await host.receipt_states() == {"read"}
    assert await host.tracking_notice() is None
    assert (await host.tracking_policy()).able == frozenset(), "what its settings forbid is not known"
    assert await host.reply_activity([7]) == {}
    assert await host.mailing_activity("news:1") is None
    await host.demo_data()
    assert await host.mailing_copies("news:1", after=0, limit=9) == []
    await host.email_queued(QueuedMail(1, 7, "Hi", True, (BOB,)))
    await host.email_sent(REPORT)
    await host.email_failed(REPORT)
    await host.settings_changed("raises", {}, {})
    said = await host.settings_check("raises", ModuleSettings(), ModuleSettings())
    assert said == {"": "They could not be checked: RuntimeError: settings_check"}
    for asked in (
        host.export_contact("raises", PERSON),
        host.erase_contact("raises", PERSON),
        host.purge_old("raises"),
        host.apply_privacy("raises"),
        host.copy_counts(None, [1]),  # type: ignore[arg-type]
    ):
        with pytest.raises(PluginFailed, match="RuntimeError"):
            await asked
    assert await host.privacy_disclosure() == ([], ["raises"])
    assert await host.mail_events("raises", MailEventQuery(utcnow(), utcnow(), 10)) is None
    prepared = await host.prepare_delivery(DELIVERY)
    assert (prepared.html, prepared.reports) == ("<P>HELLO</P>", frozenset({"opens"}))
    assert await host.mail_arrived(MAIL) is None
    assert await host.restore_html("<P>HI</P>") == "<p>hi</p>"
    assert await host.restore_text("HI") == "hi"
    assert not (await host.check("raises"))[0].ok
    assert (await host.check("raises", thorough=True))[0].message == "RuntimeError: test"
    hooks = {name for name, _ in inspect.getmembers(Raises, inspect.isfunction)} - {"module_info"}
    assert {hook for _, hook, _ in failures} == hooks


def test_the_plugin_that_raises_has_every_hook_so_that_a_new_one_is_not_forgotten() -> None:
    own = {name for name, _ in inspect.getmembers(FailsToStart, inspect.isfunction)}
    assert own == set(HOOKS)
    assert set(HOOKS) - set(vars(Raises)) == {"started"}, "which FailsToStart covers"


@pytest.mark.parametrize(
    "answer", ["base_url: wrong", ["base_url"], {"base_url": None}, {"base_url": ""}, {7: "wrong"}]
)
async def test_settings_of_which_nothing_understandable_is_said_are_not_saved(answer: object) -> None:
    class Mumbles:
        @hookimpl
        def module_info(self) -> ModuleInfo:
            return ModuleInfo("mumbles", "Mumbles", "Says what nobody understands.", "😶")

        @hookimpl
        async def settings_check(self, before: ModuleSettings, after: ModuleSettings) -> Mapping[str, str]:
            return answer  # type: ignore[return-value]

    host, failures = host_of(Mumbles())
    said = await host.settings_check("mumbles", ModuleSettings(), ModuleSettings())
    assert set(said) == {""}
    assert "a fault of the module" in said[""]
    assert [hook for _, hook, _ in failures] == ["settings_check"]


async def test_a_plugin_that_fails_to_start_is_off_and_says_why() -> None:
    host, _ = host_of(FailsToStart(), Shouts())
    host.start({"no-start": None, "shouts": None})  # type: ignore[dict-item]
    assert host.broken == {"no-start": "RuntimeError: no licence"}
    assert (await host.check("no-start"))[0].message == "RuntimeError: no licence"
    assert (await host.prepare_delivery(DELIVERY)).html == "<P>HELLO</P>"


@pytest.mark.usefixtures("short_deadline")
async def test_a_plugin_that_hangs_is_left_behind_and_then_left_alone() -> None:
    host, failures = host_of(Hangs(), Shouts())
    assert (await host.prepare_delivery(DELIVERY)).html == "<P>HELLO</P>"
    assert [hook for _, hook, _ in failures] == ["prepare_delivery"]
    assert (await host.prepare_delivery(DELIVERY)).html == "<P>HELLO</P>"
    assert [item.label for item in await host.navigation()] == ["Shouts"]
    assert len(failures) == 1, "while it rests, it is not called again"


@pytest.mark.usefixtures("short_deadline")
async def test_a_body_is_stored_as_it_was_where_a_plugin_hangs_over_it() -> None:
    host, failures = host_of(Hangs(), Shouts())
    assert await host.restore_html("<P>HI</P>") == "<p>hi</p>"
    assert [hook for _, hook, _ in failures] == ["restore_html"]
    assert await host.restore_html("<P>HI</P>") == "<p>hi</p>"
    assert len(failures) == 1, "while it rests, it is not called again"


async def test_bodies_are_restored_by_plugins_that_are_off_too() -> None:
    host, _ = host_of(Shouts())
    host.is_enabled = lambda slug: False
    assert await host.restore_html("<P>HI</P>") == "<p>hi</p>"
    assert await host.restore_text("HI") == "hi"


@pytest.mark.parametrize("body", ["", "already low"])
async def test_a_body_that_holds_nothing_of_a_plugins_stays(body: str) -> None:
    host, failures = host_of(Shouts())
    assert await host.restore_html(body) == body
    assert failures == []


@pytest.mark.usefixtures("short_deadline")
async def test_a_hook_that_ignores_its_cancellation_does_not_hold_up_the_mail() -> None:
    host, failures = host_of(Hangs())
    await host.email_sent(REPORT)
    assert [hook for _, hook, _ in failures] == ["email_sent"]


async def test_nonsense_is_not_believed() -> None:
    host, failures = host_of(Nonsense(), Shouts())
    assert host.commands(taken=()) == {}
    assert host.blueprints() == []
    assert (await host.prepare_delivery(DELIVERY)).html == "<P>HELLO</P>"
    assert await host.receipt_states() == {"read"}
    assert await host.reply_activity([7]) == {}
    assert [item.label for item in await host.navigation()] == ["Shouts"]
    assert await host.restore_html("<P>HI</P>") == "<p>hi</p>"
    assert await host.restore_text("HI") == "hi"
    said = await host.settings_check("nonsense", ModuleSettings(), ModuleSettings())
    assert list(said) == [""], "an answer that is none must not let the save through"
    assert len(failures) == 9


@pytest.mark.parametrize(("plugin", "words"), [(SyncWhereAsyncIsMeant(), "async def"), (Misspelt(), "email_snet")])
async def test_a_plugin_that_breaks_the_contract_is_refused_with_words(plugin: Any, words: str) -> None:
    host, _ = host_of(plugin, Shouts())
    assert set(host.modules()) == {"shouts"}
    assert words in next(iter(host.broken.values()))


async def test_a_disabled_plugin_is_not_asked() -> None:
    host, _ = host_of(Shouts())
    host.is_enabled = lambda slug: False
    assert (await host.prepare_delivery(DELIVERY)).html == "<p>hello</p>"
    assert await host.navigation() == []


async def test_two_plugins_change_a_copy_one_after_the_other() -> None:
    class Adds:
        @hookimpl
        def module_info(self) -> ModuleInfo:
            return ModuleInfo("adds", "Adds", "Adds a word.", "➕")

        @hookimpl
        def prepare_delivery(self, delivery: Delivery) -> Any:
            return Prepared(delivery.html + "bye", frozenset({"clicks"}))

    host, _ = host_of(Shouts(), Adds())
    prepared = await host.prepare_delivery(DELIVERY)
    assert (prepared.html, prepared.reports) == ("<P>HELLO</P>BYE", frozenset({"opens", "clicks"}))


class Answers:
    """Answers `prepare_delivery` with the text part it was made with."""

    def __init__(self, slug: str, text: Any) -> None:
        self.slug = slug
        self.text = text
        self.given: list[str] = []

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo(self.slug, self.slug, "Answers.", "✉️")

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Any:
        self.given.append(delivery.text)
        return Prepared(delivery.html + self.slug, text=self.text)


async def test_each_plugin_is_given_the_text_part_that_the_one_before_made() -> None:
    first, second, third = Answers("a", "tracked"), Answers("b", None), Answers("c", "signed")
    host, failures = host_of(first, second, third)
    prepared = await host.prepare_delivery(replace(DELIVERY, text="plain"))
    assert (first.given, second.given, third.given) == (["plain"], ["tracked"], ["tracked"])
    assert (prepared.text, failures) == ("signed", [])


async def test_a_text_part_that_nobody_changed_is_left_to_the_portal() -> None:
    host, _ = host_of(Answers("a", None))
    assert (await host.prepare_delivery(replace(DELIVERY, text="plain"))).text is None


@pytest.mark.parametrize("text", ["", " \n", 7, b"bytes"])
async def test_an_empty_or_wrong_text_part_costs_the_plugins_whole_answer(text: Any) -> None:
    host, failures = host_of(Answers("a", text))
    assert await host.prepare_delivery(replace(DELIVERY, text="plain")) == PreparedCopy(DELIVERY.html)
    assert [hook for _, hook, _ in failures] == ["prepare_delivery"]


class Notes:
    """Answers `prepare_delivery` with a note."""

    def __init__(self, slug: str, note: Any) -> None:
        self.slug = slug
        self.note = note

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo(self.slug, self.slug, "Notes.", "📝")

    @hookimpl
    def prepare_delivery(self, delivery: Delivery) -> Any:
        return Prepared(delivery.html + self.slug, note=self.note)


async def test_each_plugin_has_a_note_of_its_own() -> None:
    host, failures = host_of(Notes("a", "one"), Notes("b", ""), Notes("c", "three"))
    assert (await host.prepare_delivery(DELIVERY)).notes == {"a": "one", "c": "three"}
    assert failures == []


@pytest.mark.parametrize(
    ("note", "words"),
    [("n" * 16_001, "16,001 characters"), (b"bytes", "bytes, not str"), ("\ud800", "surrogate")],
    ids=["long", "bytes", "surrogate"],
)
async def test_a_note_that_cannot_be_kept_costs_the_note_and_not_the_copy(note: Any, words: str) -> None:
    host, failures = host_of(Notes("a", note), Notes("b", "n" * 16_000))
    prepared = await host.prepare_delivery(DELIVERY)
    assert (prepared.html, set(prepared.notes)) == ("<p>hello</p>ab", {"b"})
    [(slug, hook, message)] = failures
    assert (slug, hook) == ("a", "prepare_delivery")
    assert words in message


PERSON = ContactData(7, "Bob", ("bob@example.org",), (1, 2))


class Odd:
    """Answers the hooks about people's data with something else than promised."""

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo("odd", "Odd", "Answers oddly.", "🎲")

    @hookimpl
    async def export_contact(self, contact: ContactData) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {"rows": "text"}  # type: ignore[dict-item]

    @hookimpl
    async def erase_contact(self, contact: ContactData) -> WorkDone:
        return None  # type: ignore[return-value]

    @hookimpl
    async def purge_old(self) -> WorkDone:
        await asyncio.sleep(60)
        return WorkDone()


async def test_what_is_no_answer_is_never_taken_for_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugin_privacy, "PATIENCE", 0.05)
    host, failures = host_of(Odd())
    with pytest.raises(PluginFailed, match="no list of rows"):
        await host.export_contact("odd", PERSON)
    with pytest.raises(PluginFailed, match="WorkDone is promised"):
        await host.erase_contact("odd", PERSON)
    with pytest.raises(PluginFailed, match="did not return"):
        await host.purge_old("odd")
    with pytest.raises(PluginFailed, match="not installed"):
        await host.purge_old("gone")
    assert {slug for slug, _, _ in failures} == {"odd"}


async def test_who_could_not_start_still_has_to_answer_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    host, _ = host_of(FailsToStart())
    host.start({"no-start": None})  # type: ignore[dict-item]
    assert host.answering("erase_contact") == ["no-start"]
    with pytest.raises(PluginFailed, match="no licence"):
        await host.erase_contact("no-start", PERSON)


HOOKS = [name for name, _ in inspect.getmembers(MyPortalSpec, inspect.isfunction)]


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_is_documented_with_its_signature(hook: str) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text()
    spec = getattr(MyPortalSpec, hook)
    arguments = ", ".join(name for name in inspect.signature(spec).parameters if name != "self")
    kind = "async def" if inspect.iscoroutinefunction(spec) else "def"
    assert re.search(rf"^### `{kind} {hook}\({re.escape(arguments)}\)`$", guide, re.MULTILINE)


@pytest.mark.parametrize("slug", sorted(discover()))
def test_each_built_in_hook_has_the_annotations_of_its_spec(slug: str) -> None:
    plugin = discover()[slug]
    for name in HOOKS:
        method = getattr(type(plugin), name, None)
        if method is not None:
            assert inspect.signature(method) == inspect.signature(getattr(MyPortalSpec, name)), name


@pytest.mark.parametrize("words", ["", "  ", "x" * 501, None])
async def test_a_mail_is_not_taken_by_who_does_not_say_what_it_was(words: Any) -> None:
    class Takes:
        @hookimpl
        def module_info(self) -> ModuleInfo:
            return ModuleInfo("takes", "Takes", "Takes mails.", "📥")

        @hookimpl
        async def mail_arrived(self, mail: ArrivedMail) -> Arrived | None:
            return Arrived(words)

    host, failures = host_of(Takes())
    assert await host.mail_arrived(MAIL) is None
    assert "the mail was not taken" in failures[0][2]
