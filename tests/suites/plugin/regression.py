"""Runs one of CPython's own test modules, and writes down how each test ended as the pytest plugin does.

    regression.py TEST_MODULE [LIBRARY_MODULE ...]

SUITE_OUTCOMES names the file to write; when it is empty all is imported and nothing run, so that a cache gets warm.
The library modules are executed anew, so that a hook sees them although they were imported to start the interpreter.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import unittest
from types import TracebackType
from typing import TextIO

_Failure = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

_ANEW = ("enum", "typing")
"""Modules that cannot be reloaded, or keep what they have been asked for before: they are made anew."""


class Recorder(unittest.TextTestResult):
    """Writes a line per outcome; a subtest counts to its test."""

    file: TextIO

    def _note(self, test: unittest.TestCase, outcome: str, detail: str = "") -> None:
        line = {"test": test.id(), "outcome": outcome, "detail": detail[-8000:]}
        self.file.write(json.dumps(line) + "\n")

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 - unittest's own naming
        """It passed."""
        super().addSuccess(test)
        self._note(test, "passed")

    def addError(self, test: unittest.TestCase, err: _Failure) -> None:  # noqa: N802
        """It raised."""
        super().addError(test, err)
        self._note(test, "error", self.errors[-1][1])

    def addFailure(self, test: unittest.TestCase, err: _Failure) -> None:  # noqa: N802
        """An assertion of it failed."""
        super().addFailure(test, err)
        self._note(test, "failed", self.failures[-1][1])

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802
        """It does not run here."""
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: _Failure) -> None:  # noqa: N802
        """It failed as it should."""
        super().addExpectedFailure(test, err)
        self._note(test, "xfailed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802
        """It passed though it should not."""
        super().addUnexpectedSuccess(test)
        self._note(test, "xpassed")

    def addSubTest(  # noqa: N802
        self, test: unittest.TestCase, subtest: unittest.TestCase, err: _Failure | None
    ) -> None:
        """A part of it ended."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            failed = issubclass(err[0] or Exception, test.failureException)
            detail = (self.failures if failed else self.errors)[-1][1]
            self._note(test, f"{subtest.id()} {'failed' if failed else 'error'}", detail)


def main(module: str, *library: str) -> None:
    """Run the tests."""
    outcomes = os.environ.pop("SUITE_OUTCOMES")  # what the tests start writes nothing
    thread = threading.Thread(target=int)  # while there has been one thread only, Raceway has nothing to record
    thread.start()
    thread.join()
    for name in library:
        if name in _ANEW:
            sys.modules.pop(name, None)
        if name in sys.modules:
            importlib.reload(sys.modules[name])
        else:
            importlib.import_module(name)
    tests = unittest.defaultTestLoader.loadTestsFromName(module)
    if not outcomes:
        return
    with open(outcomes, "w", encoding="utf-8", buffering=1) as file:
        Recorder.file = file
        unittest.TextTestRunner(resultclass=Recorder, verbosity=0).run(tests)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
