"""Findings about event loops and their objects that another thread uses without the thread-safe call."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from raceway.findings.filenames import identity
from raceway.findings.handed import handed_on
from raceway.findings.lockcycles import Names
from raceway.findings.places import side_at
from raceway.model.findings import AccessSide, Finding, Verdicts
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict
from raceway.model.strays import Stray

_VERDICT = Verdicts(Verdict.HARMFUL, Verdict.HARMFUL)


def build_strays(
    strays: Iterable[Stray], names: Names, directory: str, files: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """One finding for each place that strays, however often it did. `files` are the sources of the program."""
    found: dict[object, list[Stray]] = {}
    for stray in strays:
        found.setdefault((stray.what, stray.stack[:1], stray.runs[:1]), []).append(stray)
    sources = tuple(files) if found else ()
    return tuple(_finding(alike, names, directory, sources) for alike in found.values())


def _finding(alike: list[Stray], names: Names, directory: str, files: tuple[str, ...]) -> Finding:
    stray = alike[0]
    handed = handed_on(stray.stack, stray.what.rpartition(".")[2], files, directory)
    does = "use" if stray.what == "asyncio.Future" else "call"
    caller = side_at(stray.stack, f"{does} {stray.what}", names.actor_name(stray.actor), (), directory)
    runner = side_at(stray.runs, "run the loop", names.actor_name(stray.runner), (), directory)
    fix = "Hand the call to the loop with loop.call_soon_threadsafe(), a coroutine with "
    fix += "asyncio.run_coroutine_threadsafe()."
    if stray.runs_too:
        fix = "Give each loop an object of its own, or guard what the loops share with a lock of threading."
    return Finding(
        fingerprint=_fingerprint(stray.what, caller, directory),
        kind=FindingKind.WRONG_THREAD,
        severity=Severity.ERROR,
        confidence=Confidence.OBSERVED,
        verdict=_VERDICT,
        variable=stray.what,
        message=f"{caller.actor.name} uses {stray.what} of an event loop that {runner.actor.name} runs. asyncio is not "
        "safe for that: the loop may not wake up for it, and what it works on can be damaged." + handed,
        fix=fix,
        count=len(alike),
        accesses=(caller, runner),
    )


def _fingerprint(what: str, caller: AccessSide, directory: str) -> str:
    """Eight hexadecimal digits that stay the same when lines move."""
    file = identity(caller.file, directory)
    text = "\n".join([FindingKind.WRONG_THREAD.value, what, file, caller.function, caller.source])
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:8]
