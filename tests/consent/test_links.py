"""The opt-out link and the lines it stands in."""

from __future__ import annotations

import pytest

from app.consent.footer import in_html, in_text, without_tokens
from app.consent.links import PATH, OptOutLinks

LINKS = OptOutLinks(["first" * 10, "earlier" * 10])
BOTH = frozenset({"opens", "clicks"})


def test_a_link_names_one_copy_for_ever_also_under_the_next_key() -> None:
    token = OptOutLinks(["earlier" * 10]).token(7)
    assert LINKS.read(token) == LINKS.read(LINKS.token(7)) == 7
    assert OptOutLinks(["first" * 10]).read(token) is None


@pytest.mark.parametrize(
    "change", ["8{rest}", "07{rest}", "7{rest}=", "7{rest} ", "-7{rest}", "7", "", "7-", "７{rest}"]
)
def test_a_tampered_token_names_nobody(change: str) -> None:
    assert LINKS.read(change.format(rest=LINKS.token(7).removeprefix("7"))) is None


def test_each_character_of_the_signature_counts() -> None:
    token = LINKS.token(7)
    for place in range(2, len(token)):
        other = "A" if token[place] != "A" else "B"
        assert LINKS.read(f"{token[:place]}{other}{token[place + 1 :]}") is None


def test_the_form_of_one_link_is_not_that_of_another() -> None:
    one, other = LINKS.token(7), LINKS.token(8)
    assert LINKS.is_form(one, LINKS.form(one))
    assert not LINKS.is_form(one, LINKS.form(other))
    assert not LINKS.is_form(one, one.partition("-")[2])
    assert not LINKS.is_form(one, "é")


@pytest.mark.parametrize(
    ("html", "before"),
    [
        ("<p>Hi</p>", "<p>Hi</p>"),
        ("<html><body><p>Hi</p></BODY ></html>", "<html><body><p>Hi</p>"),
        ("<body>Hi<!-- </body> -->there</body>", "<body>Hi<!-- </body> -->there"),
        ("<html>Hi</html>", "<html>Hi"),
    ],
)
def test_the_footer_stands_at_the_end_of_the_body(html: str, before: str) -> None:
    made = in_html(html, BOTH, "https://p.test/privacy/t")
    assert made.startswith(f"{before}<p style=")
    assert made.endswith(html.removeprefix(before))
    assert made.count('href="https://p.test/privacy/t"') == 1


def test_the_text_part_has_it_too() -> None:
    assert in_text("Hi\n", frozenset({"opens"}), "https://p.test/privacy/t") == (
        "Hi\n\nWe can see when this mail is opened.\nTurn this off: https://p.test/privacy/t\n"
    )


def test_a_quote_that_comes_back_decides_nothing() -> None:
    token, foreign = LINKS.token(7), f"7-{'x' * 24}"
    for body in (
        f'<blockquote><a href="https://p.test/privacy/{token}">Turn this off</a></blockquote>',
        f"> Turn this off: https://p.test/privacy/{token}\n",
        f"https://gateway.test/?url=https%3A%2F%2Fp.test%2Fprivacy%2F{token}&data=1",
    ):
        made = without_tokens(f"{body} {foreign}", [PATH], lambda one: LINKS.read(one) is not None)
        assert made == f"{body.replace(token, 'removed')} {foreign}"


def test_a_long_body_of_near_misses_takes_no_time() -> None:
    body = "privacy " + "1" * 200_000 + "1-" * 100_000
    assert without_tokens(body, [PATH], lambda _: False) == body
