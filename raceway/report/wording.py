"""Words that several forms of the report share: how sure, how bad, how many. Serves the report stage."""

from __future__ import annotations

from raceway.model.findings import Finding
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict

_CONFIDENCE = {
    Confidence.OBSERVED: "the harmful interleaving happened in this run",
    Confidence.UNORDERED: "nothing ordered these accesses in this run",
    Confidence.PREDICTED: "only the accident of who took a lock first kept them apart in this run",
    Confidence.CONFIRMED: "a replay forced the harmful interleaving",
}
_CONFIDENCE_OF_CYCLE = {
    Confidence.OBSERVED: "the deadlock happened in this run",
    Confidence.UNORDERED: "nothing in this run keeps these acquisitions apart",
    Confidence.PREDICTED: "no deadlock in this run, but another schedule can reach it",
    Confidence.CONFIRMED: "a replay forced the deadlock",
}
_CONFIDENCE_OF_CALL = {
    Confidence.OBSERVED: "the call happened in this run",
    Confidence.UNORDERED: "nothing hands this call to the loop of the object",
    Confidence.PREDICTED: "no harm in this run, but another schedule can reach it",
    Confidence.CONFIRMED: "a replay forced the harm",
}
_VERDICT = {
    Verdict.HARMFUL: "harmful",
    Verdict.LATENT: "latent, safe only by an implementation detail",
    Verdict.LUCK: "a matter of luck, nothing says which of the two comes first",
    Verdict.SAFE: "safe",
}
_BENIGN = "benign, nothing to change"


def confidence(finding: Finding) -> str:
    """How sure, in a word and a sentence."""
    match finding.kind:
        case FindingKind.LOCK_ORDER_CYCLE:
            words = _CONFIDENCE_OF_CYCLE
        case FindingKind.WRONG_THREAD:
            words = _CONFIDENCE_OF_CALL
        case _:
            words = _CONFIDENCE
    return f"{finding.confidence.value}, {words[finding.confidence]}"


def explained(finding: Finding) -> bool:
    """Whether the finding is explained away: it says why it does no harm, and there is nothing to change."""
    return finding.severity is Severity.INFO and bool(finding.reason)


def verdicts(finding: Finding, gil: bool) -> str:
    """What the finding means per sort of interpreter, the one that ran first: `gil` says whether it had one."""
    if explained(finding):
        return _BENIGN
    verdict = finding.verdict
    with_gil, without = _VERDICT[verdict.gil], _VERDICT[verdict.free_threaded]
    if gil:
        parts = [f"on this interpreter: {with_gil}", f"free-threaded: {without}"]
    else:
        parts = [f"on this interpreter: {without}", f"with the GIL: {with_gil}"]
    if verdict.asyncio is not None:
        parts.append(f"between tasks of one loop: {_VERDICT[verdict.asyncio]}")
    return "; ".join(parts)


def seen(finding: Finding) -> str:
    """How many racing pairs are folded into the finding."""
    return f"seen {finding.count:,} times"


def schedule(finding: Finding) -> str:
    """What the steps of the finding are: the order that happened, or one that can."""
    if finding.confidence in (Confidence.OBSERVED, Confidence.CONFIRMED):
        return "what happened in this run"
    return "how it goes wrong"


def counted(number: int, noun: str) -> str:
    """A number and its noun: `1 race`, `2 accesses`, `3 info`."""
    if number == 1 or noun == "info":
        return f"{number:,} {noun}"
    return f"{number:,} {noun}{'es' if noun.endswith('s') else 's'}"
