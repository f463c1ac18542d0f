"""The pytest plugin's face: its options, settings and markers. `pytest --raceway` brings in the rest (`pytesting`).

Loaded by every pytest run where Raceway is installed, so it imports nothing that is not there already.
"""

from __future__ import annotations

import argparse

import pytest

VALUED = (
    ("fail-on", "SEVERITY", "least severity that fails a test: error, warning, info or never (default: error)"),
    ("show", "SEVERITY", "least severity that the summary shows: error, warning or info (default: warning)"),
    ("include", "GLOB", "also watch these modules (repeatable)"),
    ("exclude", "GLOB", "do not watch these modules (repeatable)"),
    ("json", "FILE", "write the report as JSON"),
    ("html", "FILE", "write the report as one HTML page"),
    ("sarif", "FILE", "write the report as SARIF"),
    ("junit", "FILE", "write the report as JUnit XML"),
    ("baseline", "FILE", "report only what this baseline or JSON report lacks"),
    ("suppress", "RULE", "leave out findings of this rule (repeatable)"),
    ("suppressions", "FILE", "read such rules from a file, one a line"),
    ("endpoint", "URL", "send events to the collector at this URL"),
    ("trace", "FILE", "write the events to a file"),
    ("events", "WHICH", "which events are sent or written: shared or full (default: shared)"),
    ("children", "HOW", "the processes that tests start: follow or ignore (default: follow)"),
    ("switching", "HOW", "how often threads switch: plain, or often, for more orders of steps (default: plain)"),
    ("core", "NAME", "detection core: auto, pure or native"),
    ("cache-dir", "DIR", "keep instrumented bytecode here"),
    ("config", "FILE", "read the settings from this file instead of pyproject.toml"),
)
"""Options with a value: those of the command line, by the same names after `--raceway-`."""

REPEATABLE = frozenset({"include", "exclude", "suppress"})

MARKERS = (
    "raceway(allow=[...], fail_on=SEVERITY): kinds, variables (globs) and fingerprints that do not fail the test",
    "no_raceway: what is found during the test is not reported",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options and settings."""
    group = parser.getgroup("raceway", "races between threads (Raceway)")
    group.addoption("--raceway", action="store_true", default=None, help="watch the project under test for races")
    for name, metavar, text in VALUED:
        how = {"action": "append"} if name in REPEATABLE else {}
        group.addoption(f"--raceway-{name}", metavar=metavar, help=text, **how)
    parser.addini("raceway", "watch the project under test for races", type="bool", default=False)
    parser.addini("raceway_fail_on", "least severity that fails a test", default="")
    parser.addini("raceway_show", "least severity that the summary shows", default="")
    parser.addini("raceway_include", "also watch these modules", type="linelist", default=[])
    parser.addini("raceway_exclude", "do not watch these modules", type="linelist", default=[])
    parser.addini("raceway_allow", "kinds, variables and fingerprints that fail no test", type="linelist", default=[])
    parser.addini("raceway_test_state", "fail tests for races on their own state, too", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers, which a run without Raceway may have, too."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say so when there are options for a run that is not watched."""
    given = [name for name, _metavar, _text in VALUED if config.getoption(f"raceway_{name.replace('-', '_')}")]
    if not given or _is_wanted(config.option, config):
        return None
    return f"raceway: not watching: --raceway-{given[0]} says how, but --raceway is not given"


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Begin to watch before any module of the project is imported, when that is asked for."""
    if _is_wanted(early_config.known_args_namespace, early_config):
        from raceway.pytesting.plugin import begin

        begin(early_config)


def _is_wanted(options: argparse.Namespace, config: pytest.Config) -> bool:
    return bool(options.raceway if options.raceway is not None else config.getini("raceway"))
