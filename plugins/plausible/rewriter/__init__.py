"""Links and pixel spliced into real email HTML, and taken out again.

Pure: standard library only, no clock, no settings, no network. Nothing is parsed and
written back; a mail keeps every character that is not a link's target. Read docs/tracking.md
for what is tracked and why.
"""

from plugins.plausible.rewriter.decisions import Decision, PixelPlace, Reason
from plugins.plausible.rewriter.plain_text import RewrittenText, first_known, restore_text, rewrite_text
from plugins.plausible.rewriter.restoring import restore
from plugins.plausible.rewriter.rewriting import Destination, PixelPosition, Rewritten, rewrite
from plugins.plausible.rewriter.sweeping import sweep

__all__ = [
    "Decision",
    "Destination",
    "PixelPlace",
    "PixelPosition",
    "Reason",
    "Rewritten",
    "RewrittenText",
    "first_known",
    "restore",
    "restore_text",
    "rewrite",
    "rewrite_text",
    "sweep",
]
