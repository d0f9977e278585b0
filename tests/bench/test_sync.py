"""The receiver that the sync is measured against goes wrong as it is told to, and counts what it took."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from bench.syncing.measure import Exactness
from bench.syncing.receiver import FAULTS, PROCESSED, Connection, State
from plugins.plausible.sync.outcome import Outcome


@asynccontextmanager
async def receiving(state: State) -> AsyncIterator[httpx.AsyncClient]:
    server = await asyncio.get_running_loop().create_server(lambda: Connection(state), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield client


async def test_it_counts_by_visitor() -> None:
    async with receiving(State()) as client:
        for address in ("10.0.0.1", "10.0.0.2", "10.0.0.1"):
            answer = await client.post("/api/event", json={"x": 1}, headers={"X-Plausible-IP": address})
            assert answer.status_code == 202
        told = (await client.get("/counts")).json()
        assert told == {"outcomes": {"counted": 3, "accepted": 3}, "again": {"10.0.0.1": 2}}


async def test_it_goes_wrong_in_every_way_and_counts_what_was_processed() -> None:
    async with receiving(State()) as client:
        await client.post("/set", json={"faulty": 1.0})
        for _ in range(60):
            try:
                await client.post("/api/event", json={})
            except httpx.TransportError:
                continue
        outcomes = (await client.get("/counts")).json()["outcomes"]
    assert set(outcomes) == {*FAULTS, "counted"}
    assert outcomes["counted"] == sum(outcomes[fault] for fault in PROCESSED)


@pytest.mark.parametrize(
    ("processed", "twice", "honest"), [(3, 0, True), (5, 0, True), (2, 0, False), (6, 0, False), (4, 1, False)]
)
def test_what_counts_lies_between_sure_and_possible(processed: int, twice: int, honest: bool) -> None:
    totals = dict.fromkeys(Outcome, 0) | {Outcome.ACCEPTED: 3, Outcome.AMBIGUOUS: 2, Outcome.DROPPED: 1}
    found = Exactness(6, totals, 1, processed, twice)
    assert found.sums_up
    assert found.is_honest is honest
