"""What findings say, on interpreters of both sorts."""

from __future__ import annotations

import pytest

from raceway.findings.wording import Facts, fix, message
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


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_latent_with_a_gil_is_not_called_so_without_one(kind: FindingKind) -> None:
    assert "Latent: " in text(kind, Verdict.LATENT, gil=True)
    assert "Latent: " not in text(kind, Verdict.LATENT, gil=False)
    assert "GIL" in text(kind, Verdict.LATENT, gil=False)


@pytest.mark.parametrize("gil", [True, False])
@pytest.mark.parametrize("kind", KINDS[4:])
def test_a_whole_value_that_is_raced_on_alone_is_stale_and_not_half_published(kind: FindingKind, gil: bool) -> None:
    first, second = samples.COUNTER.accesses
    facts = Facts(kind, "hits", Confidence.UNORDERED, Verdict.LATENT, gil, first, second, (None, None), "")
    assert "half-published" in message(facts)
    assert message(replace(facts, alone=True)) == message(facts).replace("stale or half-published state", "stale value")


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
