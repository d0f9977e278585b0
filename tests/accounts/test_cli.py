"""`myportal create-user` and `create-token`, as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from app.accounts import login
from app.accounts import service as accounts
from app.accounts.models import User
from app.database import Database
from app.runtime import Runtime
from app.settings import Settings
from tests.conftest import PORTAL_URL, SECRET_KEY

ROOT = Path(__file__).resolve().parents[2]
NEW = "four words in a row"


def myportal(settings: Settings, *arguments: str, text: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command against the test database."""
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": str(settings.database_url),
        "PORTAL_URL": PORTAL_URL,
        "SECRET_KEY": SECRET_KEY,
        "VAR_DIR": str(settings.var_dir),
        **more,
    }
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_a_user_added_on_the_command_line_can_log_in(settings: Settings, db: Database) -> None:
    done = myportal(
        settings,
        "create-user",
        "ada@portal.test",
        "--role",
        "admin",
        "--name",
        "Ada",
        "--password-stdin",
        text=f"{NEW}\n",
    )
    assert (done.returncode, done.stdout) == (0, "ada@portal.test can log in now (admin).\n")
    [user] = await accounts.list_users()
    assert (user.email, user.name, user.role, user.state) == ("ada@portal.test", "Ada", "admin", "active")
    async with db.connection() as conn:
        stored = await conn.fetch_value("SELECT password_hash FROM users")
    assert stored.startswith("$argon2id$")
    assert not PasswordHasher().check_needs_rehash(stored)
    await login.confirm_password(user, NEW, address="")


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
async def test_a_line_end_is_no_part_of_the_password(settings: Settings, db: Database, ending: str) -> None:
    arguments = ("create-user", "ada@portal.test", "--role", "agent", "--password-stdin")
    assert myportal(settings, *arguments, text=f" {NEW} {ending}").returncode == 0
    [user] = await accounts.list_users()
    await login.confirm_password(user, f" {NEW} ", address="")


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [
        ("ada@portal.test", "short", "has 5 characters; it needs at least 10"),
        ("ada@portal.test", "", "standard input is empty"),
        ("ada@portal.test", "x" * 201, "at most 200"),
        ("ada", NEW, "'ada' is not an email address"),
        ("gus@portal.test", NEW, "There is already a user with the address gus@portal.test"),
    ],
)
async def test_a_refusal_is_one_line_that_says_why(
    settings: Settings, agent: User, email: str, password: str, words: str
) -> None:
    done = myportal(settings, "create-user", email, "--role", "admin", "--password-stdin", text=f"{password}\n")
    assert done.returncode == 1
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(await accounts.list_users()) == 1


async def test_a_password_that_is_guessed_first_is_taken_with_a_warning(settings: Settings, db: Database) -> None:
    arguments = ("create-user", "ada@portal.test", "--role", "agent", "--password-stdin")
    done = myportal(settings, *arguments, text="password12345\n")
    assert done.returncode == 0
    assert "among those that are guessed first" in done.stderr
    assert "password12345" not in done.stdout + done.stderr


async def test_an_unknown_role_names_the_roles(settings: Settings, db: Database) -> None:
    done = myportal(settings, "create-user", "ada@portal.test", "--role", "boss", "--password-stdin", text=NEW)
    assert done.returncode == 2
    assert "'admin', 'agent'" in done.stderr


async def test_a_token_from_the_command_line_is_the_only_output(settings: Settings, agent: User) -> None:
    done = myportal(settings, "create-token", agent.email, "--name", "nightly")
    assert done.returncode == 0
    user = await accounts.user_of_api_token(done.stdout.strip())
    assert user
    assert user.id == agent.id
    assert done.stdout.strip() not in done.stderr


async def test_a_token_for_nobody_or_a_disabled_user_is_refused(
    settings: Settings, runtime: Runtime, admin: User, agent: User
) -> None:
    done = myportal(settings, "create-token", "nobody@portal.test")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no user with the address nobody@portal.test; add one with `myportal create-user`" in done.stderr

    from app.accounts import admin as administration

    await administration.disable(by=admin, user_id=agent.id)
    done = myportal(settings, "create-token", agent.email)
    assert (done.returncode, done.stdout) == (1, "")
    assert "is disabled; enable the user first" in done.stderr


async def test_a_missing_database_is_said_in_one_line(settings: Settings) -> None:
    done = myportal(
        settings,
        *("create-token", "ada@portal.test"),
        DATABASE_URL="mysql://root@/portal?unix_socket=/nowhere/mysqld.sock",
    )
    assert done.returncode == 1
    assert "no connection to the database at /nowhere/mysqld.sock" in done.stderr
    assert "Traceback" not in done.stderr
