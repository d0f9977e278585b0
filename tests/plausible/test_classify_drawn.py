"""Families drawn at random from the facts: how often a claim of Read is right."""

from __future__ import annotations

import zlib
from random import Random

import pytest

from plugins.plausible.classify import Class, classify
from plugins.plausible.classify.model import PERSONS
from tests.support.opens_families import FAMILIES, MACHINES, Family

DRAWS = 60
DECIDABLE = [family for family in FAMILIES if not family.error]
UNDECIDABLE = [family for family in FAMILIES if family.error]


def _claims(family: Family, draws: int = DRAWS) -> int:
    """How many of so many draws are called Read."""
    rng = Random(zlib.crc32(family.name.encode()))  # noqa: S311
    return sum(classify(family.draw(rng)).read is True for _ in range(draws))


@pytest.mark.parametrize("family", DECIDABLE, ids=lambda family: family.name)
def test_a_family_is_judged_as_the_facts_say(family: Family) -> None:
    assert _claims(family) == (DRAWS if family.read else 0)


@pytest.mark.parametrize("family", UNDECIDABLE, ids=lambda family: family.name)
def test_a_known_error_is_still_one(family: Family) -> None:
    """Where this fails, the facts have got a rule that tells them apart: move the family up."""
    assert _claims(family) == (0 if family.read else DRAWS)


@pytest.mark.parametrize("name", MACHINES)
def test_no_request_of_a_machine_is_called_a_person_s(name: str) -> None:
    rng = Random(7)  # noqa: S311
    family = next(family for family in FAMILIES if family.name == name)

    for _ in range(DRAWS):
        kinds = {judgement.kind for judgement in classify(family.draw(rng)).requests}
        assert kinds
        assert not kinds & PERSONS
        assert Class.SELF not in kinds
