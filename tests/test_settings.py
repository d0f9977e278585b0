"""Settings: each declared once, and wrong ones named with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import ConfigurationError, DatabaseAddress, environment_variable, load_settings
from tools.env_example import render


def test_the_example_file_names_every_variable() -> None:
    assert (Path(__file__).parents[1] / ".env.example").read_text() == render(), (
        "run: python -m tools.env_example > .env.example"
    )


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("PORTAL_URL", "help.example.com", "PORTAL_URL must be http:// or https://"),
        ("PORTAL_URL", "https://help.example.com/sub", "scheme, host and port only"),
        ("TRACKING_URL", "https://t.example.com/sub", "scheme, host and port only"),
        ("SECRET_KEY", "short", "at least 32 characters"),
        ("SMTP_PORT", "99999", "SMTP_PORT"),
        ("SMTP_TLS", "ssl", "SMTP_TLS"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,proxy", "proxy"),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match=words) as caught:
        load_settings(_env_file=None, var_dir=tmp_path)
    assert variable in str(caught.value)


def test_a_secret_key_is_never_repeated_in_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary-tooshort")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(_env_file=None, var_dir=tmp_path)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"), [("postgres://x/y", "mysql://"), ("mysql://user@host:3306/", "names no database")]
)
def test_a_wrong_database_url_is_explained(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        DatabaseAddress(url)


def test_a_database_url_may_name_a_socket_and_escape_its_password() -> None:
    address = DatabaseAddress("mysql://por%40tal:p%2Fw@db.example:3307/name?unix_socket=/run/my%20sql.sock")
    assert (address.user, address.password, address.host, address.port) == ("por@tal", "p/w", "db.example", 3307)
    assert (address.name, address.unix_socket) == ("name", "/run/my sql.sock")


def test_a_module_finds_its_first_values_in_the_env_file_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PLAUSIBLE_SITE_DOMAIN=file.example\nPLAUSIBLE_BASE_URL=https://file.example\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLAUSIBLE_SITE_DOMAIN", raising=False)
    monkeypatch.setenv("PLAUSIBLE_BASE_URL", "https://environment.example")
    assert environment_variable("PLAUSIBLE_SITE_DOMAIN") == "file.example"
    assert environment_variable("PLAUSIBLE_BASE_URL") == "https://environment.example"
    assert environment_variable("PLAUSIBLE_NOT_SET") == ""
