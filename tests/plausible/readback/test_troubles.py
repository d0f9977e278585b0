"""What is said where Plausible gives no answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from plugins.plausible.readback.troubles import LONGEST_SAID, USUAL_QUIET, Api, cleaned, of_error, of_status
from plugins.plausible.retry_after import MOST, seconds_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_plausibles_words_are_one_line_without_anything_secret() -> None:
    assert cleaned("Invalid key abc-123.\n\tTry\x00 again.", ["abc-123", ""]) == "Invalid key …. Try again"
    assert len(cleaned("x" * 999, [])) == LONGEST_SAID


def test_a_refusal_quotes_plausible_where_it_said_something() -> None:
    assert of_status(Api.STATS, 400, "Bad range", site="a.example").words.endswith("Plausible says: “Bad range”.")
    assert "says" not in of_status(Api.STATS, 400, "", site="a.example").words


def test_a_429_without_a_time_asks_for_the_usual_quiet() -> None:
    assert of_status(Api.STATS, 429, "", site="a.example").quiet == USUAL_QUIET
    assert of_status(Api.STATS, 429, "", site="a.example", quiet=7.0).quiet == 7.0


def test_each_api_has_its_own_way_out_of_a_401() -> None:
    found = {api: of_status(api, 401, "", site="a.example").words for api in Api}

    assert "replace it in the settings, and compare the site domain" in found[Api.STATS]
    assert "for the Sites API" in found[Api.SITES]
    assert "Plugin tokens" in found[Api.PLUGINS]


def test_a_certificate_that_nobody_trusts_is_told() -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate")

    assert "SSL_CERT_FILE" in of_error(error).words


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("99999999999999", MOST),
        ("²", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        ("Wed, 25 Nov 2026 12:00:30", 30.0),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert seconds_of(value, NOW) == seconds
