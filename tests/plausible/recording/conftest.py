"""A spool on a disk of the test's own, and a store that does what the test says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.spool import Spool
from tests.plausible.recording.fakes import ScriptedSpool, ScriptedStore


@pytest.fixture
async def spool(tmp_path: Path) -> AsyncIterator[ScriptedSpool]:
    """A real one that can be told to fail."""
    spool = ScriptedSpool(tmp_path / "spool")
    yield spool
    await Spool.close(spool)


@pytest.fixture
def store() -> ScriptedStore:
    """A store without a database."""
    return ScriptedStore()
