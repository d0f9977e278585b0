"""Which links are tracked, which are not, and the reason that the preview gives."""

import pytest

from plugins.plausible.rewriter import PixelPlace, Reason, Rewritten, rewrite

PORTAL = "https://portal.example.com"


def track(url: str) -> str:
    return f"https://click.test/?u={len(url)}&x=1"


def reasons(html: str, **options: object) -> list[Reason]:
    done = rewrite(html, link=track, pixel_url=None, explain=True, **options)  # type: ignore[arg-type]
    return [decision.reason for decision in done.decisions]


def a(url: str, text: str = "here") -> str:
    return f'<a href="{url}">{text}</a>'


def test_the_tracking_url_is_written_with_escaped_ampersands_and_in_the_authors_quotes() -> None:
    html = """<a href="https://x.example/">1</a><a href='https://x.example/'>2</a><a href=https://x.example/>3</a>"""
    new = "https://click.test/?u=18&amp;x=1"

    done = rewrite(html, link=track, pixel_url=None)

    assert done.html == f"""<a href="{new}">1</a><a href='{new}'>2</a><a href={new}>3</a>"""


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ('"', '<a href="https://t/?a=\'&#34;&#60;&#62; b">'),
        ("'", "<a href='https://t/?a=&#39;\"&#60;&#62; b'>"),
        ("", "<a href=https://t/?a=&#39;&#34;&#60;&#62;&#32;b>"),
    ],
)
def test_a_tracking_url_cannot_break_out_of_its_quotes(quote: str, expected: str) -> None:
    done = rewrite(f"<a href={quote}https://x.example{quote}>", link=lambda _: "https://t/?a='\"<> b", pixel_url=None)

    assert done.html == expected


def test_the_caller_is_asked_once_per_link_and_may_leave_one() -> None:
    asked: list[str] = []

    def link(url: str) -> str | None:
        asked.append(url)
        return None if url == "https://b.example/" else "https://t/"

    done = rewrite(a("https://a.example/") + a("https://b.example/"), link=link, pixel_url=None, explain=True)

    assert asked == ["https://a.example/", "https://b.example/"]
    assert done.links == ["https://a.example/"]
    assert done.html.endswith(a("https://b.example/"))
    assert [d.reason for d in done.decisions] == [Reason.TRACKED, Reason.LEFT_BY_CALLER]


@pytest.mark.parametrize(
    "url",
    [
        f"{PORTAL}/reset/abc",
        "https://Portal.Example.com:443/reset",
        "https://portal.example.com./reset",
        "https://portal%2Eexample.com/reset",
        "https://someone@portal.example.com/reset",
        "https:&#47;&#47;portal.example.com/reset",
        "https://portal.example.com\\@other.example/",
    ],
)
def test_links_to_the_portal_are_left_in_every_spelling(url: str) -> None:
    assert reasons(a(url), own_urls=[PORTAL]) == [Reason.OWN]


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example.com.evil.example/",
        "https://portal.example.com@evil.example/",
        "https://evil.example/https://portal.example.com/",
        "http://portal.example.com/",
        "https://portal.example.com:8443/",
        "https://sub.portal.example.com/",
    ],
)
def test_links_that_only_look_like_the_portal_are_tracked(url: str) -> None:
    assert reasons(a(url), own_urls=[PORTAL]) == [Reason.TRACKED]


def test_an_own_host_counts_in_unicode_and_in_punycode() -> None:
    html = a("https://xn--mller-kva.example/x") + a("https://MÜLLER.example/x")

    assert reasons(html, own_urls=["https://müller.example"]) == [Reason.OWN, Reason.OWN]


def test_an_own_url_that_is_not_absolute_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"must be absolute.*'portal\.example\.com'"):
        rewrite("<p>x</p>", link=track, pixel_url=None, own_urls=["portal.example.com"])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("#top", Reason.IN_MAIL),
        ("//x.example/", Reason.SCHEME_RELATIVE),
        ("page.html", Reason.RELATIVE),
        ("", Reason.RELATIVE),
        ("mailto:a@x.example", Reason.OTHER_SCHEME),
        ("JavaScript:alert(1)", Reason.OTHER_SCHEME),
        ("java&Tab;script:alert(1)", Reason.OTHER_SCHEME),
        ("http:/x.example", Reason.INVALID),
        ("https:///x.example", Reason.INVALID),
        ("https://", Reason.INVALID),
        ("https://:80/", Reason.INVALID),
        ("https://a b.example/", Reason.INVALID),
        ("https://x.example:port/", Reason.INVALID),
        ("https://x.example:65536/", Reason.INVALID),
        ("https://[not-an-address]/", Reason.INVALID),
        ("https://x.example:/", Reason.TRACKED),
        ("https://x.example:00065535/", Reason.TRACKED),
        ("https://x.example", Reason.TRACKED),
        ("https://x.example?a", Reason.TRACKED),
        ("https://x.example#a", Reason.TRACKED),
    ],
)
def test_only_addresses_that_lead_to_a_web_host_are_tracked(url: str, reason: Reason) -> None:
    assert reasons(a(url)) == [reason]


def test_passwords_in_addresses_are_left_alone_when_asked() -> None:
    html = a("https://me:secret@x.example/") + a("https://me@x.example/")

    assert reasons(html) == [Reason.TRACKED, Reason.TRACKED]
    assert reasons(html, skip_credentials=True) == [Reason.CREDENTIALS, Reason.TRACKED]


def test_exactly_the_list_unsubscribe_addresses_are_left() -> None:
    html = a("https://x.example/u?id=1&amp;k=2") + a("https://x.example/u?id=1")

    assert reasons(html, untracked=["https://x.example/u?id=1&k=2"]) == [Reason.UNTRACKED, Reason.TRACKED]


def test_tracked_links_are_not_wrapped_twice() -> None:
    once = rewrite(a("https://x.example/"), link=track, pixel_url=None).html

    twice = rewrite(once, link=track, pixel_url=None, already_tracked=lambda url: url.startswith("https://click.test/"))

    assert twice.html == once
    assert twice.links == []


def test_no_link_of_a_sensitive_mail_is_tracked_and_none_with_links_off() -> None:
    html = a("https://x.example/reset")

    assert reasons(html, sensitive=True) == [Reason.SENSITIVE]
    off = rewrite(html, link=None, pixel_url=None, explain=True)
    assert (off.html, off.links, off.decisions[0].reason) == (html, [], Reason.LINKS_OFF)


@pytest.mark.parametrize(
    ("tag", "left"),
    [
        ('<a data-no-track href="https://x.example/">', '<a href="https://x.example/">'),
        ('<a href="https://x.example/" DATA-No-Track="yes">', '<a href="https://x.example/">'),
        ("<a href=https://x.example/ data-no-track>", "<a href=https://x.example/>"),
        ("<a\n  data-no-track\n  href=https://x.example/>", "<a\n  href=https://x.example/>"),
        ("<a href=https://x.example data-no-track/>", "<a href=https://x.example />"),
        ('<a data-no-track=""href="https://x.example/">', '<a href="https://x.example/">'),
        ('<a class="b"data-no-track href=https://x.example/>', '<a class="b" href=https://x.example/>'),
        ("<a/data-no-track/href=https://x.example/>", "<a//href=https://x.example/>"),
        (
            "<a data-no-track href=https://x.example/ data-no-track=1>",
            "<a href=https://x.example/>",
        ),
        # Taken out, it would make "=c" the value of b.
        ('<a b data-no-track="" =c href=https://x.example/>',) * 2,
    ],
)
def test_an_opted_out_link_is_left_and_the_attribute_taken_out_cleanly(tag: str, left: str) -> None:
    done = rewrite(f"{tag}x</a>", link=track, pixel_url=None, explain=True)

    assert done.html == f"{left}x</a>"
    assert done.links == []
    assert done.decisions[0].reason is Reason.OPTED_OUT


def test_opting_out_works_in_outlook_markup_and_with_links_off() -> None:
    html = '<!--[if mso]><v:rect data-no-track href="https://x.example/"><![endif]-->'

    assert rewrite(html, link=track, pixel_url=None).html == html.replace(" data-no-track", "")
    assert rewrite(html, link=None, pixel_url=None).html == html.replace(" data-no-track", "")


@pytest.mark.parametrize(
    "text",
    [
        "https://x.example/page",
        " http://other.example ",
        "WWW.x.example",
        "x.example",
        "www.x.example/page",
        "<b>https://x</b>.exam<wbr>ple/page",
        "https:&#47;&#47;x.example",
        "https://x.\u200bexample/",
    ],
)
def test_a_link_whose_text_is_an_address_is_left_when_asked(text: str) -> None:
    html = a("https://www.x.example/page", text)

    assert reasons(html, skip_visible_url=True) == [Reason.VISIBLE_URL]
    assert reasons(html) == [Reason.TRACKED]


@pytest.mark.parametrize("text", ["Read on", "Node.js", "see https://x.example/", "report.pdf", "", "me@x.example"])
def test_a_link_with_other_text_is_tracked_all_the_same(text: str) -> None:
    assert reasons(a("https://www.x.example/page", text), skip_visible_url=True) == [Reason.TRACKED]


def test_the_text_of_the_next_link_is_not_taken_for_that_of_an_unclosed_one() -> None:
    html = "<a href=https://x.example/><a href=https://x.example/>https://x.example/</a>"

    assert reasons(html, skip_visible_url=True) == [Reason.TRACKED, Reason.VISIBLE_URL]


def test_a_decision_names_element_destination_text_and_place() -> None:
    html = 'Hi <area href="mailto:me"><A HREF=" https://x.example/?a&amp;b ">see <b>this</b>\n page</A>'

    [area, link] = rewrite(html, link=track, pixel_url=None, explain=True).decisions

    assert (area.element, area.url, area.text, area.tracked) == ("area", "mailto:me", "", False)
    assert (link.element, link.url, link.text) == ("a", "https://x.example/?a&b", "see this page")
    assert html[link.start :].startswith("<A HREF")
    assert link.tracked


def test_decisions_are_not_collected_unasked_and_anchors_are_no_links() -> None:
    html = '<a name="top">x</a>' + a("https://x.example/")

    assert rewrite(html, link=track, pixel_url=None).decisions == []
    assert reasons(html) == [Reason.TRACKED]


def test_every_reason_and_every_place_has_its_sentence() -> None:
    for word in [*Reason, *PixelPlace]:
        assert word.sentence.endswith(".")


def test_links_is_a_list_of_plain_destinations() -> None:
    done = rewrite(a("https://x.example/?a=1&amp;b=2"), link=track, pixel_url=None)

    assert isinstance(done, Rewritten)
    assert done.links == ["https://x.example/?a=1&b=2"]


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("&#104;ttps://x.example/", "https://x.example/"),
        ("https://x.example/&#x26;&#0;&#x110000;&#xD800;", "https://x.example/&\ufffd\ufffd\ufffd"),
        ("https://x.example/&#128;&#x81;", "https://x.example/€\x81"),
        ("https://x.example/&#" + "9" * 5000 + ";", "https://x.example/\ufffd"),
        ("https://x.example/&#" + "0" * 5000 + "65;", "https://x.example/A"),
        ("https://x.example/&notin;&not;&notit;", "https://x.example/∉¬&notit;"),
        ("https://x.example/&amp-&lt", "https://x.example/&-<"),
        ("https://x.example/\ud83d\0", "https://x.example/\ufffd\ufffd"),
    ],
)
def test_references_are_resolved_by_the_rule_for_attributes(written: str, url: str) -> None:
    assert rewrite(a(written), link=track, pixel_url=None).links == [url]
