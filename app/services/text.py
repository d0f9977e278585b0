"""What agents write, as it is kept and sent: cleaned HTML, its plain text, and placeholders that are filled."""

from app.email.errors import ContentTooLarge
from app.placeholders import check as check_placeholders
from app.placeholders import fill as fill_placeholders
from app.richtext import clean_reply_async, html_to_text_async, text_to_html_async
from app.words import Needle, beginnings

__all__ = [
    "ContentTooLarge",
    "Needle",
    "beginnings",
    "check_placeholders",
    "clean_reply_async",
    "fill_placeholders",
    "html_to_text_async",
    "text_to_html_async",
]
