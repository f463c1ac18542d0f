"""Which of several judgements stands for a finding."""

from __future__ import annotations

from raceway.findings.judge import Judgement, worst
from raceway.model.findings import Verdicts
from raceway.model.kinds import Severity, Verdict


def judgement(severity: Severity, gil: Verdict) -> Judgement:
    """A judgement that is harmful without a GIL."""
    return Judgement(severity, Verdicts(gil, Verdict.HARMFUL), "")


def test_the_worst_judgement_is_the_most_severe() -> None:
    latent, harmful = judgement(Severity.WARNING, Verdict.LATENT), judgement(Severity.ERROR, Verdict.HARMFUL)
    assert worst([latent, harmful]) is harmful


def test_without_a_gil_the_worst_judgement_is_harmful_with_one_too() -> None:
    latent, harmful = judgement(Severity.ERROR, Verdict.LATENT), judgement(Severity.ERROR, Verdict.HARMFUL)
    assert worst([latent, harmful]) is harmful
