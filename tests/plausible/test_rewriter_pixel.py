"""What the pixel looks like, and where it stands."""

import pytest

from plugins.plausible.rewriter import PixelPlace, PixelPosition, rewrite

PIXEL_URL = "https://portal.example.com/api/email-tracking/pixel/abc.gif"
PIXEL = (
    f'<img src="{PIXEL_URL}" width="1" height="1" alt="" role="presentation" '
    'style="display:block;width:1px;height:1px;border:0">'
)


def place(html: str, position: PixelPosition = "end") -> tuple[PixelPlace, str]:
    """Where the pixel went, and the document with a ¤ in its place."""
    done = rewrite(html, link=lambda _: "https://t/", pixel_url=PIXEL_URL, pixel_position=position)
    assert done.html.count(PIXEL) == 1
    return done.pixel, done.html.replace(PIXEL, "¤")


def test_the_pixel_is_loaded_but_neither_seen_nor_read_aloud() -> None:
    done = rewrite("<p>x</p>", link=None, pixel_url=f"{PIXEL_URL}?a=1&b=2")

    assert done.html == "<p>x</p>" + PIXEL.replace(".gif", ".gif?a=1&amp;b=2")
    assert "none" not in PIXEL
    assert "hidden" not in PIXEL


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<html><body>x</body></html>", (PixelPlace.BEFORE_BODY_END, "<html><body>x¤</body></html>")),
        ("<body>x</body><!-- </body> -->", (PixelPlace.BEFORE_BODY_END, "<body>x¤</body><!-- </body> -->")),
        ("<html>x</html>", (PixelPlace.BEFORE_HTML_END, "<html>x¤</html>")),
        ("<p>x</p><!-- y", (PixelPlace.BEFORE_DEAD_PART, "<p>x</p>¤<!-- y")),
        ("<p>x</p><style>y", (PixelPlace.BEFORE_DEAD_PART, "<p>x</p>¤<style>y")),
        ("<p>x</p></", (PixelPlace.BEFORE_DEAD_PART, "<p>x</p>¤</")),
        ("<p>x</p>", (PixelPlace.END, "<p>x</p>¤")),
        ("x", (PixelPlace.END, "x¤")),
        ("<style></body></style>x", (PixelPlace.END, "<style></body></style>x¤")),
    ],
)
def test_at_the_end_it_stands_where_it_lives(html: str, expected: tuple[PixelPlace, str]) -> None:
    assert place(html) == expected


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<BODY class='>'>x</BODY>", (PixelPlace.AFTER_BODY_START, "<BODY class='>'>¤x</BODY>")),
        ("<body>x<body>y", (PixelPlace.AFTER_BODY_START, "<body>¤x<body>y")),
        ("<p>x</p>", (PixelPlace.START, "¤<p>x</p>")),
        ("\ufeff<p>x</p>", (PixelPlace.START, "\ufeff¤<p>x</p>")),
        ("<!doctype html><p>x</p>", (PixelPlace.END, "<!doctype html><p>x</p>¤")),
        (" <head></head>x</html>", (PixelPlace.BEFORE_HTML_END, " <head></head>x¤</html>")),
    ],
)
def test_at_the_start_it_goes_before_the_text_but_never_before_a_head(
    html: str, expected: tuple[PixelPlace, str]
) -> None:
    assert place(html, "start") == expected


def test_auto_chooses_the_start_for_bodies_that_gmail_would_cut() -> None:
    short, long = f"<body>{'x' * 80_000}</body>", f"<body>{'x' * 91_000}</body>"

    assert place(short, "auto")[0] is PixelPlace.BEFORE_BODY_END
    assert place(long, "auto")[0] is PixelPlace.AFTER_BODY_START


def test_auto_counts_bytes_and_the_tracking_urls() -> None:
    assert place(f"<body>{'ü' * 50_000}</body>", "auto")[0] is PixelPlace.AFTER_BODY_START

    many_links = "<body>" + "<a href=https://x>y</a>" * 1000 + "</body>"
    done = rewrite(many_links, link=lambda _: "https://t/" + "z" * 100, pixel_url=PIXEL_URL, pixel_position="auto")
    assert done.pixel is PixelPlace.AFTER_BODY_START


def test_the_pixel_goes_before_links_that_follow_the_body() -> None:
    html = "<body>x</body><a href=https://x.example/>y</a>"

    assert place(html)[1] == "<body>x¤</body><a href=https://t/>y</a>"


@pytest.mark.parametrize("html", ["", " \r\n\t", "\xa0\n"])
def test_an_empty_body_stays_empty(html: str) -> None:
    done = rewrite(html, link=lambda _: "https://t/", pixel_url=PIXEL_URL)

    assert (done.html, done.pixel) == (html, PixelPlace.EMPTY)


def test_without_a_pixel_url_there_is_no_pixel() -> None:
    done = rewrite("<body>x</body>", link=None, pixel_url=None)

    assert (done.html, done.pixel) == ("<body>x</body>", PixelPlace.OFF)
