"""What never reaches a log, whoever writes the line."""

from __future__ import annotations

import io
from contextlib import redirect_stderr

import pytest
import structlog

from app import log
from app.settings import Settings


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_secret_that_is_given_by_its_name_is_hidden(settings: Settings, form: str) -> None:
    before = structlog.get_config()
    heard = io.StringIO()
    try:
        with redirect_stderr(heard):
            log.configure(settings.model_copy(update={"log_format": form}))
            words = dict.fromkeys(log.HIDDEN, "canary-5f1c")
            structlog.get_logger("test").info("something happened", **words, user_id=7)
    finally:
        structlog.configure(**before)
    assert "something happened" in heard.getvalue()
    assert "canary" not in heard.getvalue()
    assert heard.getvalue().count("(hidden)") == len(log.HIDDEN)
