"""Documents made to be slow: each pattern drives some loop of some HTML tool as far as it goes."""

from collections.abc import Callable

_REPEATED = [
    *("<a ", '<a href="', "<a href=", "<a title='>", "<a href=http://x>", '<a href="http://x">', "<area "),
    *("<a href=http://x>www.", "<a data-no-track ", "<a href=http://x data-no-track>", "<a href=http://@"),
    *('<a href="http://x/&', "<a href=http://x\t>", "<v:x href=http://y>", "<img src=cid:x>", "<img src="),
    *("<div>", "<b>", "<x =", '<p "', "<", "</", "<!", "<?", "</body>", "<body>", '</body x="', "</p x='>"),
    *("<!--", "<!-- -", "--!>", "<!--><!--->", "<!---!>", "<!--[if mso]>", "<!--[if mso]>-->"),
    *("<!--[if mso]><a href=http://x>-->", "<!--[if mso]><!--", "<title>", "<title></title>", "<style>"),
    *("<textarea></textarea x=", "<script><!--", "<script><!--<script>", "<script></script>", "</script>"),
    *(
        "<svg>",
        "<svg><desc></x>",
        "<svg></x>",
        "<svg></svg>",
        "<svg><style/>",
        "<svg><![CDATA[",
        "<math><mi>",
    ),
    *("&", "&amp", "http://", "<a href=http://x>http://y", "<noscript>"),
]


def _repeat(text: str) -> Callable[[int], str]:
    return lambda size: (text * (size // len(text) + 1))[:size]


def _fill(before: str, text: str, after: str) -> Callable[[int], str]:
    return lambda size: before + text * (size // len(text)) + after


PATTERNS: dict[str, Callable[[int], str]] = {
    **{text.replace("\t", "\\t"): _repeat(text) for text in _REPEATED},
    "one tag, n attributes": lambda n: f"<a {' '.join(f'a{i}=1' for i in range(n // 8))} href=http://x>",
    "one tag, n opt-outs": _fill("<a href=http://x ", "data-no-track ", ">"),
    "one tag, n spaces": _fill("<a ", " ", "href=http://x>"),
    "one value, n references": _fill('<a href="http://x/', "&amp", '">'),
    "one value, n digits": _fill('<a href="http://x/&#', "1", ';">'),
    "one value, n spaces": _fill('<a href="', " ", 'http://x">'),
    "one host, n labels": _fill('<a href="http://', "a.", 'x/">'),
    "one host, n IDN labels": _fill('<a href="http://', "ü.", 'x/">'),
    "one host, n @": _fill('<a href="http://', "a@", 'x/">'),
    "one port, n zeros": _fill('<a href="http://x:', "0", '">'),
    "one Safe Links query, n parts": _fill('<a href="https://x.safelinks.protection.outlook.com/?', "&a=1", '">'),
    "one Proofpoint link, n stars": _fill('<a href="https://urldefense.com/v3/__', "*", '__;AAAA!">'),
    "one Proofpoint link, n ends": _fill('<a href="https://urldefense.com/v3/__', "__;", '">'),
    "one link's text, n tags": _fill("<a href=http://x>", "<b>", "</a>"),
    "nested SVG, n stray ends": lambda n: "<svg>" + "<g>" * (n // 8) + "<desc>" + "</x>" * (n // 8),
}
