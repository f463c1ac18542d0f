"""Arbitrary reports for property tests: any text in any field, lone surrogates and control characters included."""

from __future__ import annotations

from hypothesis import strategies as st

from raceway.model.findings import (
    AccessSide,
    Actor,
    Finding,
    Frame,
    Life,
    Note,
    NotSeen,
    Related,
    Report,
    Run,
    Step,
    Summary,
    Tool,
    Verdicts,
)
from raceway.model.kinds import Confidence, FindingKind, Severity, Verdict


def reports(*, surrogates: bool = True) -> st.SearchStrategy[Report]:
    """Any report of schema 1; without surrogates every text can be encoded as UTF-8."""
    text = st.text(st.characters() if surrogates else st.characters(codec="utf-8"), max_size=20)
    return st.builds(
        Report,
        st.builds(Tool, text, text, text),
        st.builds(Run, st.lists(text, max_size=2).map(tuple), text, st.booleans(), _SECONDS),
        _summaries(text),
        st.lists(_findings(text), max_size=3).map(tuple),
        st.lists(st.builds(NotSeen, _REASONS | text, text, text), max_size=14).map(tuple),
        suppressed=st.lists(_findings(text), max_size=1).map(tuple),
        notes=st.lists(st.builds(Note, _STATES | text, text, text), max_size=2).map(tuple),
        lives=st.lists(st.builds(Life, st.builds(Actor, text, text), _SECONDS, st.none() | _SECONDS), max_size=3).map(
            tuple
        ),
    )


_COUNTS = st.integers(0, 2**40)
_SECONDS = st.floats(0, 1e6)
# Lines and columns come from the program's own files, which may have changed since, so they are not to be relied on.
_PLACES = st.integers(-3, 40) | st.integers(-(2**31), 2**31)
_REASONS = st.sampled_from(
    ["imported-before-hook", "not-transformed", "glob-matched-nothing", "executed-before-install"]
)


_STATES = st.sampled_from(["suppression-unused", "suppression-expired", "suppression-unreadable"])


def _summaries(text: st.SearchStrategy[str]) -> st.SearchStrategy[Summary]:
    return st.builds(Summary, *[_COUNTS] * 10, st.sampled_from(["not-run", "ok", "failed"]) | text)


def _findings(text: st.SearchStrategy[str]) -> st.SearchStrategy[Finding]:
    verdicts = st.sampled_from(Verdict)
    places = st.builds(Frame, text, _PLACES, text)
    return st.builds(
        Finding,
        text,
        st.sampled_from(FindingKind),
        st.sampled_from(Severity),
        st.sampled_from(Confidence),
        st.builds(Verdicts, verdicts, verdicts, st.none() | verdicts),
        text,
        text,
        text,
        _COUNTS,
        st.lists(_sides(text), max_size=3).map(tuple),
        text,
        st.lists(st.builds(Step, st.integers(-1, 3), text, text, _PLACES, text, text, text), max_size=4).map(tuple),
        text,
        text,
        also=st.lists(st.tuples(places, places), max_size=2).map(tuple),
        related=st.lists(st.builds(Related, text, text), max_size=2).map(tuple),
    )


def _sides(text: st.SearchStrategy[str]) -> st.SearchStrategy[AccessSide]:
    return st.builds(
        AccessSide,
        text,
        text,
        _PLACES,
        _PLACES,
        _PLACES,
        text,
        text | text.map(lambda part: part * 30),
        st.builds(Actor, text, text),
        st.lists(text, max_size=2).map(tuple),
        st.lists(st.builds(Frame, text, _PLACES, text), max_size=12).map(tuple),
        _PLACES,
        st.lists(text, max_size=3).map(tuple),
        _PLACES,
    )
