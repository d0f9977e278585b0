"""The line of a copy that leads to the page of its ticket. Pure.

It is put in after the modules had their say, so that no module can track or change the link.
"""

from __future__ import annotations

from app.consent.footer import at_end

LINK = "Read and answer this on the web"
HINT = "The page asks for your email address first."


def in_html(html: str, url: str) -> str:
    """The HTML with the line at its end."""
    line = (
        f'<p style="margin:24px 0 0;font-size:13px;color:#6b6b6b"><a href="{url}" style="color:#6b6b6b">{LINK}</a>. '
        f"{HINT}</p>"
    )
    return at_end(html, line)


def in_text(text: str, url: str) -> str:
    """The plain text with the line at its end."""
    return f"{text.rstrip()}\n\n{LINK}: {url}\n{HINT}\n"
