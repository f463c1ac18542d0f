"""Which findings belong to which test: what was noted while it ran, what the test allows, what is its own state.

A pair of accesses that both stand in functions of tests and fixtures races on what the test itself has shared between
its threads; anything else is the product's. A finding is the test's during which it was noted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

import pytest

from raceway.model.findings import AccessSide, Finding
from raceway.model.kinds import FindingKind, Severity
from raceway.model.struct import Struct, replace
from raceway.model.typing import Any

TEST_STATE = "test"


class MarkerError(Exception):
    """A marker of ours that is not written as it must be."""


class Terms(Struct):
    """What a test says of findings: the least severity that fails it (None: none does), what it allows, whether what is
    found in it is left out, and whether its own state counts."""

    fail_on: Severity | None
    allow: tuple[str, ...]
    ignored: bool
    test_state: bool

    def fails(self, finding: Finding) -> bool:
        """Whether the test fails for it."""
        if self.fail_on is None or finding.severity.rank > self.fail_on.rank or allows(self.allow, finding):
            return False
        return self.test_state or finding.state != TEST_STATE


def allows(globs: Iterable[str], finding: Finding) -> bool:
    """Whether one of them is its kind, fingerprint or variable."""
    known = finding.kind.value, finding.fingerprint, finding.variable, finding.any_key
    return any(glob in known or fnmatchcase(finding.variable, glob) for glob in globs)


def check_allowed(globs: Iterable[str], where: str) -> None:
    """Refuse what is meant to be a kind and is none: names of variables have no hyphens. Raises MarkerError."""
    kinds = [kind.value for kind in FindingKind]
    for glob in globs:
        if glob not in kinds and re.fullmatch(r"[a-z]+(?:-[a-z]+)+", glob):
            close = get_close_matches(glob, kinds, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(kinds)}"
            raise MarkerError(f"{where} has {glob!r}, which is no kind; {hint}")


def terms_of(item: pytest.Item, settings: Terms) -> Terms:
    """The terms of one test: its markers over the settings. Raises MarkerError for a marker that is wrong."""
    fail_on, allow = settings.fail_on, settings.allow
    for mark in item.iter_markers("raceway"):
        unknown = mark.kwargs.keys() - {"allow", "fail_on"}
        if unknown or mark.args:
            wrong = ", ".join(map(repr, mark.args) if mark.args else sorted(unknown))
            raise MarkerError(f"the marker raceway takes allow=[...] and fail_on=SEVERITY, not {wrong}")
        given = mark.kwargs.get("allow", ())
        globs = [given] if isinstance(given, str) else list(map(str, given))
        check_allowed(globs, "allow of the marker raceway")
        allow = (*allow, *globs)
    closest = next((mark for mark in item.iter_markers("raceway") if "fail_on" in mark.kwargs), None)
    if closest is not None:
        fail_on = _severity(closest.kwargs["fail_on"])
    return Terms(fail_on, allow, item.get_closest_marker("no_raceway") is not None, settings.test_state)


def _severity(value: object) -> Severity | None:
    if value == "never":
        return None
    try:
        return Severity(value)
    except ValueError:
        raise MarkerError(
            f"the marker raceway has fail_on={value!r}, which is no severity: error, warning, info or never"
        ) from None


class TestCode:
    """The functions of the tests and fixtures of a run, by file and qualified name."""

    __test__ = False

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self._functions: dict[str, set[str]] = {}

    def add(self, item: pytest.Item) -> None:
        """Take in the function of a test, and of the fixtures that it uses."""
        functions = [getattr(item, "obj", None)]
        information = getattr(item, "_fixtureinfo", None)
        for definitions in getattr(information, "name2fixturedefs", {}).values():
            functions += [definition.func for definition in definitions]
        for function in functions:
            self._add(function)

    def told(self, finding: Finding) -> Finding:
        """The finding, which says so when it is about the state of a test."""
        own = all(self._has(side) for side in finding.accesses)
        return replace(finding, state=TEST_STATE) if own else finding

    def _add(self, function: Any) -> None:
        function = getattr(function, "__func__", function)
        while hasattr(function, "__wrapped__"):
            function = function.__wrapped__
        code = getattr(function, "__code__", None)
        if code is not None:
            name = code.co_qualname.replace(".<locals>", "")
            self._functions.setdefault(os.path.abspath(code.co_filename), set()).add(name)

    def _has(self, side: AccessSide) -> bool:
        known = self._functions.get(os.path.join(self._directory, side.file), set())
        name = side.function.replace(".<locals>", "")
        return any(name == test or name.startswith(f"{test}.") for test in known)


class Attributions:
    """Which tests found what, and which findings only tests found that do not count."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[Finding, dict[str, None]]] = {}
        self._ignored: set[str] = set()
        self.told: set[str] = set()
        """Fingerprints of findings that were judged by a test."""

    def add(self, finding: Finding, test: str) -> None:
        """The test found it."""
        self._found.setdefault(finding.fingerprint, (finding, {}))[1][test] = None
        self.told.add(finding.fingerprint)

    def ignore(self, finding: Finding) -> None:
        """A test found it that does not count."""
        self._ignored.add(finding.fingerprint)

    def of(self, finding: Finding) -> Finding:
        """The finding of the whole run, with its tests: several of theirs may have been folded into it."""
        found = self._found.get(finding.fingerprint)
        if found is not None:
            return replace(finding, tests=tuple(found[1]))
        tests = {test: None for other, tests in self._found.values() if _alike(finding, other) for test in tests}
        return replace(finding, tests=tuple(tests))

    def is_ignored(self, finding: Finding) -> bool:
        """Whether nobody found it but tests that do not count."""
        return finding.fingerprint in self._ignored and finding.fingerprint not in self._found

    def is_told(self, finding: Finding) -> bool:
        """Whether a test has said what it thinks of it."""
        return bool(finding.tests) or finding.fingerprint in self.told


def _alike(first: Finding, second: Finding) -> bool:
    places = {(side.file, side.function) for side in first.accesses}
    same = first.any_key.removesuffix("[...]") == second.any_key.removesuffix("[...]")
    return same and any((side.file, side.function) in places for side in second.accesses)
