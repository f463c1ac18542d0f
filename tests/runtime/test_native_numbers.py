"""The numbers that C gives to the closed sets of the model: by order of definition in `core.h` and its parts."""

from __future__ import annotations

import re
from enum import Enum

import pytest

from raceway.model.kinds import Commute, LocationKind, Operation
from raceway.model.sites import Context, Role, SiteForm
from raceway.runtime.contracts.terms import Handover, KeyShape, Presence, Target
from tests.conftest import ROOT

HEADERS = sorted((ROOT / "raceway/native").glob("*.h"))
HEADER = "".join(path.read_text(encoding="utf-8") for path in HEADERS)
ENUMS = [body.split(",") for body in re.findall(r"^enum \{([^}]*)\};", HEADER, re.MULTILINE)]


def numbers(prefix: str) -> dict[str, int | str]:
    """The names of one enum of the header, without their prefix, and their values."""
    (members,) = (members for members in ENUMS if members[0].strip().startswith(prefix))
    found: dict[str, int | str] = {}
    number = 0
    for member in members:
        name, _, given = (part.strip() for part in member.partition("="))
        if given.startswith("'"):
            found[name.removeprefix(prefix)] = given.strip("'")
            continue
        number = int(given) if given else number
        found[name.removeprefix(prefix)] = number
        number += 1
    return found


def by_order(kinds: type[Enum]) -> dict[str, int | str]:
    """The members of an enum, numbered."""
    return {member.name: number for number, member in enumerate(kinds)}


@pytest.mark.parametrize(
    ("prefix", "kinds"),
    [("OP_", Operation), ("COMMUTE_", Commute), ("FORM_", SiteForm), ("CONTEXT_", Context), ("TARGET_", Target)],
)
def test_the_numbers_are_the_order_of_definition(prefix: str, kinds: type[Enum]) -> None:
    assert numbers(prefix) == by_order(kinds)


def test_the_numbers_that_go_by_other_rules() -> None:
    assert numbers("AT_") == {kind.name: kind.value for kind in LocationKind}
    assert numbers("ROLE_") == {role.name: role.value for role in Role}
    assert list(numbers("SHAPE_").values())[:-1] == list(range(len(KeyShape)))
    assert list(numbers("PRESENT_").values()) == list(range(len(Presence)))
    assert numbers("HANDOVER_") == {"NONE": 0} | {side.name: number for number, side in enumerate(Handover, start=1)}
