"""What is kept of a request comes back as it was, or is no evidence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.database import utcnow
from plugins.plausible.classify import Request
from plugins.plausible.events import CLICK, TrackingEvent
from plugins.plausible.evidence import LONGEST, Evidence, as_request, pack, unpack
from plugins.plausible.links import link_mark

TEXT = st.text(max_size=200)
evidence = st.builds(
    Evidence,
    method=st.text(min_size=1, max_size=20),
    headers=st.none() | st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple),
    networks=st.frozensets(st.sampled_from(["cloud", "agent", "gateway"])),
    agent_session=st.booleans(),
    customer_session=st.booleans(),
)


@given(evidence)
def test_evidence_comes_back_as_it_was(found: Evidence) -> None:
    assert unpack(pack(found)) == found


def test_headers_that_would_not_fit_are_left_out() -> None:
    text = pack(Evidence(headers=tuple((f"name{number}", "\x00" * 200) for number in range(10)), agent_session=True))
    assert len(text) <= LONGEST
    assert unpack(text) == Evidence(agent_session=True)


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "5", '"x"', "{", '{"n": 1}', "[" * 99])
def test_what_cannot_be_read_is_no_evidence(text: str | None) -> None:
    assert unpack(text) == Evidence()


def test_an_event_becomes_a_request() -> None:
    at = utcnow()
    event = TrackingEvent(
        CLICK,
        "t" * 54,
        at,
        "https://example.org/",
        "Mail/1",
        "203.0.113.0",
        "https://r.example/",
        repeats=3,
        evidence=pack(Evidence("HEAD", (("accept", "*/*"),), frozenset({"cloud"}), True, False)),
    )
    assert as_request(event) == Request(
        at=at,
        kind="click",
        link=link_mark("https://example.org/"),
        method="HEAD",
        user_agent="Mail/1",
        referrer="https://r.example/",
        headers=(("accept", "*/*"),),
        networks=frozenset({"cloud"}),
        client="203.0.113.0",
        agent_session=True,
        repeats=3,
    )
