"""What every page of the gallery promises in its markup, before any browser sees it."""

import re
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from .gallery import ALL_STATES, PAGES, ROOT, Receipt, RecipientRow, environment, render

MACRO_FILES = sorted((ROOT / "templates" / "macros").glob("*.html"))
# Macros that only other macros of their file (or of forms.html) call.
HELPERS = {
    "recipient_verdict",
    "verdict_button",
    "described",
    "help_line",
    "error_line",
    "source_line",
    "label_line",
    "recipient_row",
    "address_row",
    "panel_frame",
    "face",
    "receipt_in_list",
}
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Document(HTMLParser):
    """Every start tag with its attributes, and the words inside the elements asked for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.mismatched: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.mismatched.append(tag)

    def values(self, attribute: str) -> list[str]:
        """Give the words of an attribute over the whole document."""
        return [word for _, attrs in self.tags for word in (attrs.get(attribute) or "").split()]


def macro(source: str, **context: object) -> str:
    """Render a snippet that uses the macros, as a page would."""
    return environment().from_string(source).render(context)


@pytest.mark.parametrize("page", PAGES)
def test_every_tag_of_a_page_is_closed_where_it_was_opened(page: str) -> None:
    document = Document(render(page))

    assert (document.mismatched, document.open) == ([], [])


@pytest.mark.parametrize("page", PAGES)
def test_a_page_keeps_to_the_content_policy(page: str) -> None:
    document = Document(render(page))

    inline = [
        (tag, name)
        for tag, attrs in document.tags
        for name in attrs
        if name == "style" or name.startswith("on") or (tag == "script" and "src" not in attrs)
    ]
    assert inline == []
    assert "style" not in {tag for tag, _ in document.tags}


@pytest.mark.parametrize("page", PAGES)
def test_ids_are_unique_and_whatever_points_to_one_finds_it(page: str) -> None:
    document = Document(render(page))
    ids = Counter(document.values("id"))
    pointers = ["for", "popovertarget", "aria-describedby", "aria-labelledby", "aria-controls"]

    assert [name for name, times in ids.items() if times > 1] == []
    assert [word for pointer in pointers for word in document.values(pointer) if word not in ids] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_one_heading_one_main_and_a_skip_link_to_it(page: str) -> None:
    document = Document(render(page))
    tags = Counter(tag for tag, _ in document.tags)

    assert (tags["h1"], tags["main"]) == (1, 1)
    first_link = next(attrs for tag, attrs in document.tags if tag == "a")
    assert first_link["href"] == "#main"


@pytest.mark.parametrize("page", PAGES)
def test_every_field_has_a_label_and_every_post_a_token(page: str) -> None:
    html = render(page)
    document = Document(html)
    labelled = set(document.values("for"))

    unlabelled = [
        attrs.get("name")
        for tag, attrs in document.tags
        if tag in ("input", "select", "textarea")
        and attrs.get("type") not in ("hidden", "radio", "checkbox")
        and attrs.get("id") not in labelled
        and "aria-label" not in attrs
    ]
    assert unlabelled == []
    posts = re.findall(r'<form[^>]*method="post".*?</form>', html, flags=re.DOTALL)
    assert [form[:80] for form in posts if 'name="csrf_token"' not in form] == []


def test_the_title_says_that_a_page_has_errors() -> None:
    assert "<title>Error: Log in · MyPortal</title>" in render("login")
    assert "<title>My tickets · MyPortal</title>" in render("tickets")


def test_somebody_not_logged_in_sees_no_navigation() -> None:
    tags = {tag for tag, _ in Document(render("login")).tags}

    assert "nav" not in tags
    assert "header" not in tags


def test_the_place_in_the_navigation_is_marked() -> None:
    html = render("modules")

    assert re.search(r'<a href="/admin" aria-current="page">', html)
    assert not re.search(r'<a href="/tickets" aria-current', html)


def test_every_badge_differs_by_its_icon_and_says_its_word() -> None:
    drawn = {
        state: macro("{% from 'macros/badge.html' import badge %}{{ badge(r) }}", r=Receipt(state, word))
        for state, word in ALL_STATES
    }
    icons = {re.sub(r".*?(<svg.*</svg>).*", r"\1", html, flags=re.DOTALL) for html in drawn.values()}

    assert len(icons) == len(ALL_STATES)
    for state, word in ALL_STATES:
        assert f'<span class="badge-word">{word}</span>' in drawn[state]
        assert 'aria-hidden="true"' in drawn[state]


def test_every_badge_has_a_frame_of_its_own_in_the_style_sheet() -> None:
    style = (ROOT / "app" / "static" / "components.css").read_text(encoding="utf-8")

    unstyled = [state for state, _ in ALL_STATES if state != "queued" and f".badge-{state}" not in style]
    assert unstyled == []


@pytest.mark.parametrize(
    ("state", "word", "text"), [("read", "Read by 1 of 3", "✓ Read by 1 of 3"), ("sent", "Sent 10:32", "📧 Sent 10:32")]
)
@pytest.mark.parametrize("detail_id", [None, "d7"])
def test_read_and_sent_have_their_sign_as_text_that_no_screen_reader_says(
    state: str, word: str, text: str, detail_id: str | None
) -> None:
    html = macro("{% from 'macros/badge.html' import badge %}{{ badge(r) }}", r=Receipt(state, word, detail_id))

    assert re.sub(r"<[^>]+>", "", html).startswith(text)
    sign = f'<span class="badge-sign" aria-hidden="true">{text[0]} </span>'
    assert f'{sign}<span class="badge-word">{word}</span>' in html


def test_a_list_badge_opens_a_panel_that_leads_to_the_reply_until_it_is_filled() -> None:
    source = (
        "{% from 'macros/badge.html' import receipt_in_list %}{{ receipt_in_list(r, '/tickets/1#reply-7', panel) }}"
    )
    receipt = Receipt("read", "Read", "d7")
    rows = [RecipientRow("To", "ann@example.org", "read", "Read")]

    empty = macro(source, r=receipt, panel=None)
    full = macro(source, r=receipt, panel={"rows": rows, "timeline": []})
    assert 'id="d7"' in empty
    assert 'href="/tickets/1#reply-7"' in empty
    assert ("data-receipt-wanted" in empty, "data-receipt-wanted" in full) == (True, False)
    assert "recipient-email" in full
    # A frame would be fetched, and read out, as a reply's badge on its own ticket page.
    assert "data-receipt-frame" not in empty + full


def test_a_badge_without_details_is_words_and_one_with_details_a_button() -> None:
    source = "{% from 'macros/badge.html' import badge %}{{ badge(r) }}"

    assert "<button" not in macro(source, r=Receipt("read", "Read"))
    assert '<button type="button" class="badge badge-read" popovertarget="d7"' in macro(
        source, r=Receipt("read", "Read", "d7")
    )


def test_an_icon_is_a_drawing_an_emoji_or_a_piece_of_a_puzzle() -> None:
    source = "{% from 'macros/icons.html' import icon %}{{ icon(name) }}"

    assert "📊" in macro(source, name="📊")
    assert macro(source, name="bar-chart-of-a-plugin") == macro(source, name="puzzle")
    assert macro(source, name="chart") != macro(source, name="puzzle")


def test_a_ticket_state_of_another_kind_still_has_a_dot_and_its_word() -> None:
    html = macro("{% from 'macros/ticket.html' import state_dot %}{{ state_dot('merged', 'Merged') }}")

    assert "state-open" in html
    assert ">Merged</span>" in html


def test_what_people_wrote_is_escaped_in_every_piece() -> None:
    evil = '"><script>alert(1)</script>'
    pieces = macro(
        """
        {% from "macros/forms.html" import text, textarea, select, secret, error_summary %}
        {% from "macros/ui.html" import avatar, address, empty, chips, flashes %}
        {% from "macros/badge.html" import badge %}
        {% from "macros/ticket.html" import ticket_row %}
        {{ text("a", evil, evil, help=evil, error=evil, source=evil) }}{{ textarea("b", evil, evil) }}
        {{ select("c", evil, [(evil, evil)], evil) }}{{ secret("d", evil, tail=evil) }}
        {{ error_summary({"a": evil}) }}
        {{ avatar(evil) }}{{ address(evil ~ "@x") }}{{ empty(evil, evil) }}
        {{ chips([{"href": evil, "label": evil}], evil) }}
        {{ flashes([("error", evil)]) }}{{ badge({"state": "read", "word": evil, "detail_id": evil}) }}
        {{ ticket_row("#", "open", evil, evil, evil, evil, now, assignee=evil, priority=evil) }}
        """,
        evil=evil,
        now=datetime(2024, 5, 3, tzinfo=UTC),
    )

    assert "<script" not in pieces
    assert pieces.count("&lt;script&gt;") > 20


def test_a_saved_secret_is_never_in_the_page_and_an_error_opens_its_field() -> None:
    source = "{% from 'macros/forms.html' import secret %}{{ secret('key', 'Key', tail='7f', error=error) }}"

    calm = macro(source, error="")
    assert "Saved, ends in <code>…7f</code>" in calm
    assert 'value=""' in calm
    assert '<details class="secret-replace">' in calm
    assert '<details class="secret-replace" open>' in macro(source, error="Refused.")


def test_help_error_and_source_are_tied_to_their_field() -> None:
    html = macro("{% from 'macros/forms.html' import url %}{{ url('u', 'URL', 'x', help='H', error='E', source='S') }}")

    assert 'type="url" id="f-u" name="u" value="x"' in html
    assert 'aria-describedby="f-u-help f-u-error f-u-source" aria-invalid="true"' in html


def test_a_message_of_the_app_may_hold_a_form_but_only_as_markup() -> None:
    source = "{% from 'macros/ui.html' import flashes %}{{ flashes(messages) }}"
    undo = "<form><button>Undo</button></form>"

    assert undo in macro(source, messages=[("success", Markup(undo))])  # noqa: S704
    assert "&lt;form&gt;" in macro(source, messages=[("success", undo)])


@pytest.mark.parametrize("path", MACRO_FILES, ids=lambda path: path.stem)
def test_each_macro_stands_in_the_comment_on_top_of_its_file(path: Path) -> None:
    comment, _, rest = path.read_text(encoding="utf-8").partition("-#}")

    macros = set(re.findall(r"macro (\w+)\(", rest)) - HELPERS
    assert macros
    assert {name for name in macros if f"{name}(" not in comment} == set()
