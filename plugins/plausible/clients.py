"""Which mail program loaded the pixel, where its User-Agent leaves no doubt. Pure."""

from __future__ import annotations

SURE = (
    ("GoogleImageProxy", "through Gmail's image proxy"),
    ("YahooMailProxy", "through Yahoo Mail's image proxy"),
    ("Thunderbird/", "in Thunderbird"),
    ("Microsoft Outlook", "in Outlook"),
    ("ms-office", "in Outlook"),
)


def client_words(user_agent: str) -> str:
    """For example "in Thunderbird"; '' where the name could be anybody's."""
    return next((words for mark, words in SURE if mark in user_agent), "")
