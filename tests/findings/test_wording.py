"""What findings say, on interpreters of both sorts."""

from __future__ import annotations

import pytest

from raceway.findings.facts import Facts
from raceway.findings.remedies import fix
from raceway.findings.wording import message
from raceway.model.kinds import Confidence, FindingKind, RegionKind, Verdict
from raceway.model.struct import replace
from tests.report import samples

KINDS = (
    FindingKind.LOST_UPDATE,
    FindingKind.CHECK_THEN_ACT,
    FindingKind.DOUBLE_INIT,
    FindingKind.ITERATION_MUTATION,
    FindingKind.READ_WRITE,
    FindingKind.WRITE_WRITE,
)


def text(kind: FindingKind, verdict: Verdict, *, gil: bool) -> str:
    """The message of a finding of this kind."""
    first, second = samples.COUNTER.accesses
    return message(Facts(kind, "hits", Confidence.UNORDERED, verdict, gil, first, second, (None, None), ""))


@pytest.mark.parametrize("kind", KINDS[:4])
def test_what_is_latent_with_a_gil_is_not_called_so_without_one(kind: FindingKind) -> None:
    assert "Latent: " in text(kind, Verdict.LATENT, gil=True)
    assert "Latent: " not in text(kind, Verdict.LATENT, gil=False)
    assert "GIL" in text(kind, Verdict.LATENT, gil=False)


@pytest.mark.parametrize("kind", KINDS[4:])
def test_a_gil_decides_nothing_between_accesses_of_one_step(kind: FindingKind) -> None:
    told = text(kind, Verdict.LUCK, gil=True)
    assert told == text(kind, Verdict.LUCK, gil=False)
    assert "Latent" not in told
    assert "on every interpreter" in told


def test_a_whole_value_that_is_raced_on_alone_is_not_half_published() -> None:
    first, second = samples.COUNTER.accesses
    kind = FindingKind.READ_WRITE
    facts = Facts(kind, "hits", Confidence.UNORDERED, Verdict.LUCK, True, first, second, (None, None), "")
    assert message(facts).endswith("can find the old value, the new one or a half-published state.")
    assert message(replace(facts, alone=True)).endswith("can find the old value or the new one.")


def test_who_tests_is_told_to_hold_the_lock_for_what_depends_on_the_test() -> None:
    first, second = samples.COUNTER.accesses
    kind = FindingKind.READ_WRITE
    facts = Facts(kind, "open", Confidence.UNORDERED, Verdict.LUCK, True, first, second, (None, None), "", tested=True)
    assert fix(facts).startswith("Hold one lock from the test of open to the end of what depends on it")


def test_who_reads_its_own_value_back_is_told_to_keep_it_apart() -> None:
    first, second = samples.COUNTER.accesses
    kind = FindingKind.READ_WRITE
    facts = Facts(kind, "user", Confidence.UNORDERED, Verdict.HARMFUL, True, first, second, (None, None), "", back=True)
    assert fix(facts).startswith("Keep it apart for each thread")
    assert "reads it back" in message(facts)


@pytest.mark.parametrize("kind", KINDS[:4])
def test_what_is_harmful_everywhere_reads_the_same_on_both(kind: FindingKind) -> None:
    assert text(kind, Verdict.HARMFUL, gil=True) == text(kind, Verdict.HARMFUL, gil=False)


def test_only_who_tests_is_said_to_test() -> None:
    first, second = samples.COUNTER.accesses
    regions = (RegionKind.VALUE, RegionKind.TEST)
    for sides in ((first, second), (second, first)):
        told = message(
            Facts(FindingKind.CHECK_THEN_ACT, "hits", Confidence.UNORDERED, Verdict.HARMFUL, True, *sides, regions, "")
        )
        tester, other = sides[1].actor.name, sides[0].actor.name
        assert told.startswith(f"{tester} tests hits and then acts on the answer, which {other} can change in between.")


def test_who_has_waited_is_told_to_look_again() -> None:
    first, second = samples.COUNTER.accesses
    kind, regions = FindingKind.SPLIT_CRITICAL_SECTION, (RegionKind.TEST, RegionKind.TEST)
    facts = Facts(kind, "jobs", Confidence.OBSERVED, Verdict.HARMFUL, True, first, second, regions, "", waited=True)
    assert message(facts).startswith(f"{second.actor.name} tests jobs, waits, and then acts without a second look")
    assert fix(facts).startswith("Look at jobs again after the wait: `while` in place of `if`")
