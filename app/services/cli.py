"""For the commands that a plugin adds to `myportal`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app import commands

T = TypeVar("T")


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run `work` in a portal of its own, made from the environment, and give its answer.

    Before it, the plugins are started: the plugin's context and its database can be used. Settings that are missing or
    wrong, a database that does not answer and migrations that are not applied end the command with one clear message
    and exit code 1. A plugin ends its command in the same way by raising `click.ClickException`.
    """
    return commands.run(lambda _runtime: work())
