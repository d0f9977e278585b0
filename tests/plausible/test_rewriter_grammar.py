"""Corners of the tokenizer where a link or the pixel would be lost; html5lib agrees with each."""

import pytest

from bench import rewrite_truth
from plugins.plausible.rewriter import rewrite

PIXEL_URL = "https://portal.example.com/pixel.gif"
A = "<a href=https://a.example>"
B = "<a href=https://b.example>"


@pytest.mark.parametrize(
    ("html", "links"),
    [
        (f"<script>{A}</script>{B}", 1),
        (f"<script><!-- {A}</script>{B}", 1),
        (f"<script><!-- <script> {A}</script>{B} --></script>{B}", 1),
        (f"<script><!-- <script> {A}</script></script>{B}", 1),
        (f"<script><!--<script><!--></script>{B}", 1),
        (f"<script><!--><script></script>{B}", 1),
        (f"<script><!--<scriptx></script>{B}", 1),
        (f"<script><!--<script></scripty></script></script>{B}", 1),
        (f"<script></script x='>'>{B}", 1),
        (f"<script></script x='>{B}", 0),
        (f"<style></styleé></style/>{B}", 1),
        (f"<title>{A}</TITLE\n>{B}", 1),
        (f"<textarea>{A}</text area></textarea>{B}", 1),
        (f"<plaintext>{A}</plaintext>{B}", 0),
        (f"<!-- {A} --!>{B}", 1),
        (f"<!-- {A} -- >{B}-->{B}", 1),
        (f"<!--->{B}", 1),
        (f"<!---!>{A}-->{B}", 1),
        (f"<!{A}{B}", 1),
        (f"</{A}{B}", 1),
        (f"</ {A}{B}", 1),
        (f"<?{A}{B}", 1),
        (f"</>{B}", 1),
        (f'<!doctype html PUBLIC ">{B}', 1),
        (f"<p title='{A}'>{B}", 1),
        (f"<p title= '{A}'>{B}", 1),
        (f"<p title'{A}'>{B}", 1),
        (f"<p ='{A}{B}", 1),
        (f"<p a==''{A}{B}", 1),
        (f"<p a=''='{A}'>{B}", 1),
        (f"<p/='{A}{B}", 1),
        ("<a href=\"https://a.example/' x=\"'>", 1),
        ("<a =href=https://a.example>", 0),
        ("<a = href=https://a.example>", 1),
        ("<a href = https://a.example>", 1),
        ("<a HrEf\f=\f'https://a.example'>", 1),
        ("<a hreſ=https://a.example>", 0),
        ("<a href= href=https://a.example>", 0),
        ("<a href='' href=https://a.example>", 0),
        ("<a href href=https://a.example>", 0),
        ("<a x href=https://a.example", 0),
        ("<a/ / href=https://a.example/ / >", 1),
        ("<areaa href=https://a.example><are href=https://b.example><áa href=https://c.example>", 0),
        ("<area/href=https://a.example>", 1),
        ("<v:roundrect\thref=https://a.example /><v: href=https://b.example>", 2),
        ("<!--[if mso]><a href=https://a.example><!--><a href=https://b.example>", 2),
        ("<!--[IF (gte mso 9)|(IE)]><a href=https://a.example><![endif]-->", 1),
        ("<!--[if mso]><style><a href=https://a.example><![endif]--><a href=https://b.example>", 1),
        ("<!--[if mso]><a href='https://a.example><![endif]--><a href=https://b.example>", 1),
        ("<!-- [if mso]><a href=https://a.example><![endif]-->", 0),
        ("<!--[if !mso]><a href=https://a.example><![endif]-->", 0),
        ("<!--[if !mso]><!--><a href=https://a.example><!--<![endif]-->", 1),
        ("<![if !mso]><a href=https://a.example><![endif]>", 1),
        ("<!--[if mso]><a href=https://a.example>", 0),
    ],
)
def test_a_corner_of_the_grammar_is_read_as_html5lib_reads_it(html: str, links: int) -> None:
    done = rewrite(html, link=lambda _: "https://t/", pixel_url=PIXEL_URL)

    assert len(done.links) == links
    assert set(done.links) == rewrite_truth.links(html)
    assert rewrite_truth.pixel_is_live(done.html, PIXEL_URL)
