"""The call of the hook that sees mail that came in."""

from __future__ import annotations

import asyncio

from app.database import DatabaseUnavailable
from app.hookspecs import Arrived, ArrivedMail
from app.plugin_calls import PluginCalls

MAIL_DEADLINE = 10.0
LONGEST_WORDS = 500


class MailCalls(PluginCalls):
    """Part of the plugin host."""

    @property
    def takes_mail(self) -> bool:
        """Whether an enabled plugin wants to see mail that came in."""
        return any(True for _ in self._implementations("mail_arrived", enabled=True))

    async def mail_arrived(self, mail: ArrivedMail) -> Arrived | None:
        """Offer a mail to the plugins; what the first that takes it says of it, None where none does.

        Raises DatabaseUnavailable where a plugin does: the mail is offered again later.
        """
        for slug, call in self._implementations("mail_arrived", enabled=True):
            task = asyncio.ensure_future(call(mail=mail))
            answer = await self._await(slug, "mail_arrived", task, MAIL_DEADLINE)
            if task.done() and not task.cancelled() and isinstance(gone := task.exception(), DatabaseUnavailable):
                raise gone
            if answer is None or not self._is(slug, answer, Arrived):
                continue
            fault = _fault_of(answer)
            if fault:
                self._report(slug, "mail_arrived", f"{fault}; the mail was not taken")
                continue
            return answer  # type: ignore[no-any-return]
        return None


def _fault_of(answer: Arrived) -> str:
    if not isinstance(answer.words, str) or not 0 < len(answer.words.strip()) <= LONGEST_WORDS:
        return f"returned words that are no text of 1 to {LONGEST_WORDS} characters"
    is_number = isinstance(answer.ticket_id, int) and not isinstance(answer.ticket_id, bool)
    return "" if answer.ticket_id is None or is_number else "returned a ticket that is no number"
