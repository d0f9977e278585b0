"""Who is tracked, as a table."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from app.consent.models import Decision, DepartmentPolicy
from app.consent.rules import decide, decided, outlook, sentence
from app.hookspecs import TRACKED_KINDS, TrackingPolicy

MAY = datetime(2026, 5, 3, 9, tzinfo=UTC)
REFUSED = Decision("refused", MAY, "page")
ALLOWED = Decision("allowed", MAY, "agent", "Gus")
UNKNOWN = Decision()
ALL = TrackingPolicy(TRACKED_KINDS, TRACKED_KINDS)
OPENS_BY_DEFAULT = TrackingPolicy(TRACKED_KINDS, frozenset({"opens"}))
OFF_BY_DEFAULT = TrackingPolicy(TRACKED_KINDS, frozenset())
OPENS_ONLY = TrackingPolicy(frozenset({"opens"}), frozenset({"opens"}))
SWITCHED_OFF = TrackingPolicy(frozenset(), frozenset())
ASKS_FIRST = TrackingPolicy(TRACKED_KINDS, TRACKED_KINDS, unknown=False)


def sales(tracking: str) -> DepartmentPolicy:
    return DepartmentPolicy("Sales", tracking)


@pytest.mark.parametrize(
    ("module", "department", "contact", "message", "kinds", "why"),
    [
        # Nobody says anything: the module's own default.
        (ALL, None, None, None, "opens clicks", "as the module is set"),
        (OPENS_BY_DEFAULT, None, UNKNOWN, None, "opens", "as the module is set"),
        (OFF_BY_DEFAULT, None, UNKNOWN, None, "", "off in the module's settings"),
        (SWITCHED_OFF, None, UNKNOWN, None, "", "tracking is switched off in the module's settings"),
        # The department is nearer than the module.
        (ALL, sales("inherit"), None, None, "opens clicks", "as the module is set"),
        (ALL, sales("off"), None, None, "", "off for the department Sales"),
        (ALL, sales("opens"), None, None, "opens", "as the department Sales is set"),
        (ALL, sales("clicks"), None, None, "clicks", "as the department Sales is set"),
        (OFF_BY_DEFAULT, sales("both"), None, None, "opens clicks", "as the department Sales is set"),
        (OPENS_BY_DEFAULT, sales("clicks"), None, None, "clicks", "as the department Sales is set"),
        # Nobody turns on what the module's switches turn off.
        (OPENS_ONLY, sales("both"), None, None, "opens", "as the department Sales is set"),
        (
            OPENS_ONLY,
            sales("clicks"),
            ALLOWED,
            True,
            "",
            "the department Sales wants links only, which the module leaves out",
        ),
        (SWITCHED_OFF, sales("both"), ALLOWED, True, "", "tracking is switched off in the module's settings"),
        # The contact is nearer than the department.
        (ALL, sales("off"), ALLOWED, None, "opens clicks", "allowed on 3 May 2026 as Gus noted"),
        (ALL, sales("opens"), ALLOWED, None, "opens", "allowed on 3 May 2026 as Gus noted"),
        (OFF_BY_DEFAULT, None, ALLOWED, None, "opens clicks", "allowed on 3 May 2026 as Gus noted"),
        (ASKS_FIRST, None, ALLOWED, None, "opens clicks", "allowed on 3 May 2026 as Gus noted"),
        (ASKS_FIRST, None, UNKNOWN, None, "", "the contact has not allowed it"),
        (ASKS_FIRST, sales("both"), None, None, "", "the contact has not allowed it"),
        # The message is nearer than all our settings.
        (ALL, None, ALLOWED, False, "", "turned off for this reply"),
        (ALL, sales("off"), UNKNOWN, True, "opens clicks", "chosen for this reply"),
        (ALL, sales("opens"), UNKNOWN, True, "opens", "chosen for this reply"),
        (OFF_BY_DEFAULT, None, None, True, "opens clicks", "chosen for this reply"),
        (ASKS_FIRST, None, UNKNOWN, True, "opens clicks", "chosen for this reply"),
        # A refusal is nobody's setting.
        (ALL, None, REFUSED, None, "", "refused on 3 May 2026 by the opt-out page"),
        (ALL, sales("both"), REFUSED, True, "", "refused on 3 May 2026 by the opt-out page"),
    ],
)
def test_the_nearest_wins_and_a_refusal_over_all(
    module: TrackingPolicy,
    department: DepartmentPolicy | None,
    contact: Decision | None,
    message: bool | None,
    kinds: str,
    why: str,
) -> None:
    found = decide(module, department, contact, message)
    assert (found.kinds, found.why) == (frozenset(kinds.split()), why)


def test_whatever_is_set_nothing_goes_beyond_the_module_or_a_refusal() -> None:
    kinds = [frozenset(one) for one in ((), ("opens",), ("clicks",), ("opens", "clicks"))]
    policies = [TrackingPolicy(a, b, unknown=u) for a, b, u in product(kinds, kinds, (True, False))]
    departments = [None, *(sales(one) for one in ("inherit", "off", "opens", "clicks", "both"))]
    decisions = (None, UNKNOWN, ALLOWED, REFUSED)
    for policy, department, contact, message in product(policies, departments, decisions, (None, True, False)):
        found = decide(policy, department, contact, message)
        assert found.kinds <= policy.able
        assert found.why
        assert not (found.kinds and (contact is REFUSED or message is False))


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (REFUSED, "Refused on 3 May 2026 by the opt-out page."),
        (ALLOWED, "Allowed on 3 May 2026 as Gus noted."),
        (Decision("refused", MAY, "agent"), "Refused on 3 May 2026 as an agent noted."),
        (Decision("allowed", MAY, "api", "Gus"), "Allowed on 3 May 2026 through the API (Gus)."),
        (Decision("allowed", MAY, "import"), "Allowed on 3 May 2026 by an import."),
        (Decision("unknown", MAY, "agent", "Gus"), "Set back to not decided on 3 May 2026 as Gus noted."),
        (UNKNOWN, "Not decided."),
    ],
)
def test_a_decision_is_told_with_its_day_and_source(decision: Decision, words: str) -> None:
    assert sentence(decided(decision)) == words


NOTICE = "opens and links; Bcc copies are not tracked"


def test_the_composer_names_who_is_left_out() -> None:
    both = outlook(ALL, None, [("bob@x.org", None), ("eve@x.org", REFUSED)], NOTICE)
    assert (both.is_default, both.can_switch) == (True, True)
    assert both.on == f"{NOTICE}. Off for eve@x.org: refused on 3 May 2026 by the opt-out page"
    assert both.off == "you turned it off for this reply"


def test_the_composer_offers_no_switch_that_does_nothing() -> None:
    alone = outlook(ALL, None, [("eve@x.org", REFUSED)], NOTICE)
    assert (alone.is_default, alone.can_switch, alone.off) == (
        False,
        False,
        "refused on 3 May 2026 by the opt-out page",
    )


def test_the_composer_starts_as_the_department_is_set() -> None:
    off = outlook(ALL, sales("off"), [("bob@x.org", None)], NOTICE)
    assert (off.is_default, off.can_switch) == (False, True)
    assert (off.on, off.off) == (NOTICE, "off for the department Sales")
    assert outlook(ALL, sales("opens"), [], NOTICE).on == "opens"


def test_of_many_who_are_left_out_the_composer_names_three() -> None:
    readers = [("bob@x.org", None), *((f"r{number}@x.org", REFUSED) for number in range(5))]
    assert outlook(ALL, None, readers, NOTICE).on.endswith("by the opt-out page; and 2 more")
