"""The shared corpus of real mail: every link, a live pixel, and not one other character."""

import pytest

from bench import mail_corpus, rewrite_truth
from plugins.plausible.rewriter import PixelPosition, restore, rewrite

PIXEL_URL = "https://portal.example.com/pixel.gif"

pytestmark = pytest.mark.skipif(not mail_corpus.available(), reason=f"no mail corpus at {mail_corpus.CORPUS}")


@pytest.fixture(scope="module")
def mails() -> dict[str, str]:
    return dict(mail_corpus.bodies())


@pytest.mark.parametrize("position", ["end", "start", "auto"])
def test_every_mail_comes_back_character_by_character(mails: dict[str, str], position: PixelPosition) -> None:
    for name, html in mails.items():
        made: dict[str, str] = {}

        def link(url: str, made: dict[str, str] = made) -> str:
            made[f"https://click.test/{len(made)}/?a=1&b=2"] = url
            return f"https://click.test/{len(made) - 1}/?a=1&b=2"

        done = rewrite(html, link=link, pixel_url=PIXEL_URL, pixel_position=position)

        assert restore(done.html, destination=made.get, is_pixel=PIXEL_URL.__eq__) == html, name
        assert len(done.links) == len(made), name


def test_restoring_changes_nothing_in_a_mail_that_has_nothing_of_ours(mails: dict[str, str]) -> None:
    for name, html in mails.items():
        assert restore(html, destination=lambda _: None, is_pixel=lambda _: False) == html, name


def test_the_links_are_those_that_html5lib_and_outlook_see_and_the_pixel_lives(mails: dict[str, str]) -> None:
    # Every tenth, for html5lib is slow; python -m bench.rewrite looks at them all.
    for name, html in list(mails.items())[::10]:
        done = rewrite(html, link=lambda _: "https://click.test/", pixel_url=PIXEL_URL)

        assert set(done.links) == rewrite_truth.links(html), name
        assert rewrite_truth.pixel_is_live(done.html, PIXEL_URL), name
