"""Text as customers and agents write it, as far as a full-text index can tell: few words often, many words seldom.

Half of what is written comes from sentences of a helpdesk; the rest follows Zipf's law (rank times frequency is
constant) over a vocabulary of made-up words, so that an index of it has the long tail that real mail has.
"""

from __future__ import annotations

import html
import itertools
import random
from collections.abc import Sequence

VOCABULARY = 40_000
SENTENCES = 60_000

GREETINGS = ("Hello,", "Hi there,", "Good morning,", "Dear support team,", "Hi,")
CLOSINGS = ("Thanks in advance.", "Thank you and best regards", "Kind regards", "Best wishes", "Many thanks")
THINGS = (
    "the invoice", "my password", "the export", "the weekly report", "our subscription", "the login page", "the refund",
    "the delivery", "the attachment", "the mobile app", "the calendar", "the import of contacts", "the backup",
    "the printer", "the dashboard", "two-factor authentication", "the newsletter", "the billing address",
    "the order", "the licence key", "the search", "the webhook", "the database", "the certificate", "the warranty",
)  # fmt: skip
HAPPENINGS = (
    "does not work any more", "is shown twice", "has not arrived", "fails with an error", "is empty since yesterday",
    "takes several minutes", "was charged twice", "cannot be opened in Firefox", "disappeared after the update",
    "is missing the last page", "needs to be changed before Friday", "asks for a confirmation again and again",
)  # fmt: skip
SENTENCE_SHAPES = (
    "Could you please check why {thing} {happening}?",
    "We noticed that {thing} {happening}.",
    "I have looked at your account, and {thing} should be fine again.",
    "Please restart and tell me whether {thing} still {happening}.",
    "As far as I can see {thing} {happening} only for some of our colleagues.",
    "Thank you for your message about {thing}, we are looking into it.",
    "It would help us to know since when {thing} {happening}.",
)
_SYLLABLES = (
    "ba be bi bo da de di do fa fe ga go ha he ka ke ki ko la le li lo ma me mi mo na ne no pa pe ra re ri ro "
    "sa se si so ta te ti to va ve vo wa we za zo bran cor dul fen gir hol kas lun mar nor pel quin ros sul tor vin"
)
SYLLABLES = _SYLLABLES.split()


class Writer:
    """Writes replies and subjects; the same seed writes the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.vocabulary = self._make_vocabulary()
        weights = list(itertools.accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))
        self._sentences = [self._sentence(weights) for _ in range(SENTENCES)]

    def name(self) -> tuple[str, str, str]:
        """First name, last name and company."""
        first, last = self._random.sample(self.vocabulary, 2)
        return first.capitalize(), last.capitalize(), self._random.choice(self.vocabulary[:2000])

    def subject(self) -> str:
        """One line: "The invoice fails with an error", at times with a word or a number of its own."""
        pick = self._random
        words = f"{pick.choice(THINGS)} {pick.choice(HAPPENINGS)}"
        if pick.random() < 0.5:
            words += f" {pick.choice(self.vocabulary)}"
        return words[0].upper() + words[1:]

    def body(self, reference: str) -> str:
        """Plain text of 30 to 90 words; `reference` is an order number or the like that a few mails have."""
        pick = self._random
        sentences = [pick.choice(GREETINGS), *pick.choices(self._sentences, k=pick.randint(2, 6))]
        if reference:
            sentences.append(f"My reference is {reference}.")
        return " ".join([*sentences, pick.choice(CLOSINGS)])

    def _make_vocabulary(self) -> list[str]:
        words: dict[str, None] = {}
        while len(words) < VOCABULARY:
            words["".join(self._random.choices(SYLLABLES, k=self._random.randint(2, 4)))] = None
        return list(words)

    def _sentence(self, weights: Sequence[float]) -> str:
        pick = self._random
        if pick.random() < 0.5:
            return pick.choice(SENTENCE_SHAPES).format(thing=pick.choice(THINGS), happening=pick.choice(HAPPENINGS))
        words = pick.choices(self.vocabulary, cum_weights=weights, k=pick.randint(6, 14))
        return f"{' '.join(words).capitalize()}."


def as_html(text: str) -> str:
    """The short HTML that a mail program makes of such a text."""
    return f"<p>{html.escape(text, quote=False)}</p>"
