"""Plugins add commands to `myportal`; what goes wrong in one of them costs its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner

from app import commands
from app.hookspecs import ModuleInfo, hookimpl
from app.plugin_host import PluginHost
from tests.plugins.broken import Nonsense, Raises


class Adds:
    """A plugin with these commands; each says the plugin's slug."""

    def __init__(self, slug: str, *names: str) -> None:
        self.slug = slug
        self.names = names

    @hookimpl
    def module_info(self) -> ModuleInfo:
        return ModuleInfo(self.slug, self.slug, "Adds commands.", "⌨️")

    @hookimpl
    def commands(self) -> Sequence[click.Command]:
        def says() -> None:
            click.echo(f"by {self.slug}")

        return [click.Command(name, callback=says, help=f"From {self.slug}.") for name in self.names]


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> click.Group:
    """A `myportal` with one command of its own, and plugins good and bad."""
    plugins: list[Any] = [Raises(), Nonsense(), Adds("b", "sweep", "count"), Adds("a", "count", "serve", "")]
    monkeypatch.setattr(commands, "discover", lambda: {plugin.module_info().slug: plugin for plugin in plugins})
    group = commands.PortalCommands("myportal")
    group.add_command(click.Command("serve", callback=lambda: click.echo("by the portal"), help="From the portal."))
    return group


def test_help_names_them_beside_the_portals_own(portal: click.Group) -> None:
    done = CliRunner().invoke(portal, ["--help"])
    assert done.exit_code == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.partition("Commands:\n")[2].splitlines()]
    assert lines == [["count", "From a."], ["serve", "From the portal."], ["sweep", "From b."]]


@pytest.mark.parametrize(("name", "words"), [("serve", "by the portal"), ("count", "by a"), ("sweep", "by b")])
def test_a_name_belongs_to_the_portal_then_to_the_first_slug(portal: click.Group, name: str, words: str) -> None:
    done = CliRunner().invoke(portal, [name])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, words)


def test_an_unknown_command_is_refused_as_ever(portal: click.Group) -> None:
    done = CliRunner().invoke(portal, ["swep"])
    assert done.exit_code == 2
    assert "No such command 'swep'" in done.stderr


def test_a_command_of_the_portal_does_not_load_plugins(portal: click.Group, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "discover", lambda: pytest.fail("plugins were loaded"))
    assert CliRunner().invoke(portal, ["serve"]).stdout == "by the portal\n"


def test_a_refused_command_is_told() -> None:
    told: list[str] = []
    plugins: list[Any] = [Raises(), Adds("b", "count"), Adds("a", "count", "serve")]
    host = PluginHost(
        {plugin.module_info().slug: plugin for plugin in plugins}, on_error=lambda *words: told.append(" ".join(words))
    )
    host.commands(taken=["serve"])
    assert told == [
        "a commands refused a command: its name 'serve' is taken or empty",
        "b commands refused a command: its name 'count' is taken or empty",
        "raises commands RuntimeError: commands",
    ]
