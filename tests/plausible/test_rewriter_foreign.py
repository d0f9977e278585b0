"""SVG and MathML in a mail: other rules inside, and none of them leaks out."""

import pytest

from bench import rewrite_truth
from plugins.plausible.rewriter import rewrite

LINK = '<a href="https://x.example/">x</a>'
PIXEL_URL = "https://portal.example.com/pixel.gif"


@pytest.mark.parametrize(
    ("drawing", "links"),
    [
        ("<svg><title/><path/></svg>", 1),
        ("<svg><style/></svg>", 1),
        ("<svg><script/></svg>", 1),
        ("<SVG><STYLE>a{}</STYLE></SVG>", 1),
        ("<svg/><style></style>", 1),
        ("<svg><style><a href=https://y.example/></style></svg>", 2),
        ("<svg><g><![CDATA[ > <a href=https://no.example/> ]]></g></svg>", 1),
        ("<![CDATA[ <a href=https://no.example/> ]]>", 1),
        ("<svg><title><style><a href=https://no.example/></style></title></svg>", 1),
        ("<svg><foreignObject><textarea><a href=https://no.example/></textarea></foreignObject></svg>", 1),
        ("<svg><foreignObject><p>x</p><svg><style/></svg></foreignObject><style/></svg>", 1),
        ("<math><mi><style><a href=https://no.example/></style></mi><style/></math>", 1),
        ("<svg><g><p>out again<style><a href=https://no.example/></style>", 1),
        ("<div><svg><g></div><style><a href=https://no.example/></style>", 1),
        ("<svg><a href=https://y.example/>y</a><a xlink:href=https://no.example/>z</a></svg>", 2),
        ("<svg><g href=x/><style/></g></svg>", 1),
        ("<svg><!-- <style> --><!--[if mso]><svg><![endif]--></svg><style></style>", 1),
        ("<svg></body></html></nothing><style/></svg>", 1),
        ("<svg><!--[if mso]><svg><style></style><![endif]--><style/></svg>", 1),
        ("<svg><img src=x><style></style>", 1),
    ],
)
def test_a_drawing_is_read_by_its_own_rules(drawing: str, links: int) -> None:
    html = f"<body>{drawing}{LINK}</body>"

    done = rewrite(html, link=lambda _: "https://t/", pixel_url=PIXEL_URL)

    assert len(done.links) == links
    assert set(done.links) == rewrite_truth.links(html)
    assert rewrite_truth.pixel_is_live(done.html, PIXEL_URL)


def test_an_unclosed_cdata_section_hides_what_follows_it() -> None:
    done = rewrite(f"<svg><![CDATA[ > {LINK}", link=lambda _: "https://t/", pixel_url=PIXEL_URL)

    assert done.links == []
    assert rewrite_truth.pixel_is_live(done.html, PIXEL_URL)
