"""The plugin that pytest calls once `--raceway` is given: watches the run, judges each test, tells at the end.

load_initial_conftests   the session starts: nothing of the project has been imported
configure                a controller of xdist stops it, since its tests run elsewhere
setup, call, teardown    what was noted meanwhile is the test's; the phase fails for what is severe enough
sessionfinish            the session ends; a worker sends its report home, anybody else saves it
terminal_summary         the report, as far as failed tests have not told it
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Generator, Sequence

import pytest

from raceway.config import Config, outputs, resolve
from raceway.errors import ConfigError, CoreUnavailableError
from raceway.model.findings import Coverage, Finding, Report
from raceway.model.kinds import Severity
from raceway.model.struct import replace
from raceway.model.typing import Any
from raceway.outcome.files import save, suppressions_were_read
from raceway.pytest_plugin import VALUED
from raceway.pytesting import asserts, workers
from raceway.pytesting.failures import RacesFound
from raceway.pytesting.tests import Attributions, MarkerError, Terms, TestCode, check_allowed, terms_of
from raceway.report.writable import check_writable
from raceway.session import FINDINGS, NOT_WRITTEN, SELF_CHECK_FAILED, Session, follow, has_gil, project_roots

NAME = "raceway-session"

_IGNORED = "the marker no_raceway"

_INI = ("fail_on", "show", "include", "exclude")
"""Settings that pytest's own file may have, as `raceway_...`."""


def begin(config: pytest.Config) -> None:
    """Start to watch. Raises UsageError for a setting that is wrong."""
    try:
        settings = _settings(config)
        check_allowed(config.getini("raceway_allow"), "raceway_allow")
        for path in outputs(settings):
            check_writable(path)
        command = ("pytest", *config.invocation_params.args)
        directory = os.fspath(config.rootpath)  # as in the ids of tests, wherever pytest was started
        roots = project_roots(directory, os.fspath(config.invocation_params.dir))
        session = Session(settings, tuple(map(str, command)), roots=roots, directory=directory)
    except (ConfigError, CoreUnavailableError, MarkerError) as error:
        raise pytest.UsageError(f"raceway: {error}") from None
    if not settings.enabled:
        return
    session.start()
    hook = asserts.find_hook()
    if hook is not None:
        asserts.compose(hook, session, config)
    config.pluginmanager.register(RacewayPlugin(config, session), NAME)


def _settings(config: pytest.Config) -> Config:
    """Options over pytest's file over the environment and `[tool.raceway]`."""
    given: dict[str, object] = {name: config.getini(f"raceway_{name}") or None for name in _INI}
    for key, _metavar, _help in VALUED:
        name = key.replace("-", "_")
        value = getattr(config.known_args_namespace, f"raceway_{name}", None)
        if value is not None:
            given[name] = value
    return resolve(given, start_directory=os.fspath(config.invocation_params.dir))


class RacewayPlugin:
    """One pytest process."""

    def __init__(self, config: pytest.Config, session: Session) -> None:
        self._config = config
        self._session = session
        self._settings = session.config
        test_state = bool(config.getini("raceway_test_state"))
        self._terms = Terms(self._settings.fail_on, tuple(config.getini("raceway_allow")), False, test_state)
        self._code = TestCode(os.fspath(config.rootpath))
        self._attributions = Attributions()
        self._mark = session.mark()
        self._alone: list[str] = []
        self._tests = 0
        self._gathered: workers.Gathered | None = None
        self._report: Report | None = None
        self._show = session.config.show

    def pytest_configure(self, config: pytest.Config) -> None:
        """Now it is known whether tests run here."""
        if not hasattr(config, "workerinput") and workers.is_controller(config.option):
            self._gathered = workers.Gathered()
            self._session.stop()
        else:
            follow(self._session, ("pytest", *map(str, config.invocation_params.args)), ends_are_seen=False)
            self._mark = self._session.mark()

    def pytest_unconfigure(self) -> None:
        """Leave everything as it was, also after an error."""
        self._session.stop()
        if self._session.children is not None:
            self._session.children.close()

    def pytest_report_header(self) -> str:
        """One line at the top."""
        where = "in the workers" if self._gathered is not None else f"on the {self._session.core_name} core"
        limit = self._settings.fail_on
        fails = f"{limit.value}s and worse fail a test" if limit is not None else "no finding fails a test"
        return f"raceway: watching {where}; {fails}"

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Learn which code is that of tests."""
        for item in session.items:
            self._code.add(item)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Count the tests that had nobody to race with."""
        self._mark = before = self._session.mark(self._mark)
        result = yield
        self._mark = after = self._session.mark(self._mark)
        self._tests += 1
        busy = sum(count != before.activity.get(actor, 0) for actor, count in after.activity.items())
        if busy < 2 and after.counters.actors == before.counters.actors:
            self._alone.append(item.nodeid)
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Judge what was found while the fixtures were made."""
        return (yield from self._judged(item, "setup"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Judge what was found while the test ran."""
        return (yield from self._judged(item, "call"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, object, object]:
        """Judge what was found while the fixtures were taken down."""
        return (yield from self._judged(item, "teardown"))

    def _judged(self, item: pytest.Item, when: str) -> Generator[None, object, object]:
        wrong = ""
        try:
            terms = terms_of(item, self._terms)
        except MarkerError as error:
            terms, wrong = self._terms, str(error)
        try:
            result = yield
        except BaseException:
            told = self._found(item, terms)
            if told:  # the test fails for its own reason, and shows this beside it
                item.add_report_section(when, "raceway", self._text(told))
            raise
        failing = self._found(item, terms)
        if wrong and when == "setup":
            pytest.fail(f"raceway: {wrong}", pytrace=False)
        if failing:
            raise RacesFound(failing, self._text(failing))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, object]:
        """Sum up in one line what a test fails for."""
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, RacesFound):
            call.excinfo.value.shorten(report)
        return report

    def _found(self, item: pytest.Item, terms: Terms) -> list[Finding]:
        """Take in what was found since the last look; what the test fails for."""
        before, self._mark = self._mark, self._session.mark(self._mark)
        if before.counters.noted == self._mark.counters.noted:
            return []
        findings = [self._code.told(finding) for finding in self._session.findings(before)]
        if terms.ignored:
            for finding in findings:
                self._attributions.ignore(finding)
            return []
        for finding in findings:
            self._attributions.add(finding, item.nodeid)
        return [finding for finding in findings if terms.fails(finding)]

    def _text(self, findings: Sequence[Finding]) -> str:
        from raceway.report.text import render_findings

        stream = io.StringIO()
        number = f"{len(findings)} race{'s' if len(findings) > 1 else ''}"
        stream.write(f"{number} found during this test\n\n")
        render_findings(findings, stream, gil=has_gil())
        return stream.getvalue().rstrip("\n")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of xdist is done."""
        if self._gathered is not None:
            sent = getattr(node, "workeroutput", None) or {}
            self._gathered.add(node.gateway.id, None if error else sent.get(workers.KEY))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the run, and let its status say what no test said."""
        if self._gathered is not None:
            report = self._gathered.merged(("pytest", *map(str, self._config.invocation_params.args)))
        else:
            self._session.stop()
            report = self._attributed(self._session.report())
        self._report = report
        if report is None:
            return
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            output[workers.KEY] = workers.output(report)
            return
        written = save(report, self._settings, lambda line: print(line, file=sys.stderr))
        if not written:  # nothing is lost with the file
            self._show = Severity.INFO
        if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = self._status(report, written) or session.exitstatus

    def _attributed(self, report: Report) -> Report:
        """The report with what is known of tests."""
        findings = [self._attributions.of(self._code.told(finding)) for finding in report.findings]
        kept = tuple(finding for finding in findings if not self._attributions.is_ignored(finding))
        ignored = [finding for finding in findings if self._attributions.is_ignored(finding)]
        number = {severity: sum(finding.severity is severity for finding in kept) for severity in Severity}
        summary = replace(
            report.summary,
            error=number[Severity.ERROR],
            warning=number[Severity.WARNING],
            info=number[Severity.INFO],
            suppressed=report.summary.suppressed + len(ignored),
        )
        coverage = replace(report.coverage or Coverage(), tests=self._tests, alone=tuple(self._alone))
        suppressed = (*report.suppressed, *(replace(finding, suppressed=_IGNORED) for finding in ignored))
        return replace(report, findings=kept, suppressed=suppressed, summary=summary, coverage=coverage)

    def _status(self, report: Report, written: bool) -> int:
        """The status of a run whose tests have passed."""
        if report.summary.self_check == "failed":
            return SELF_CHECK_FAILED
        if not (written and suppressions_were_read(report)):
            return NOT_WRITTEN
        outside = (finding for finding in report.findings if not finding.tests)
        return FINDINGS if any(map(self._terms.fails, outside)) else 0

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
        """The report; findings that failed a test are told there, and listed here."""
        if self._report is None or exitstatus == pytest.ExitCode.USAGE_ERROR:  # pytest was to run what is not there
            return
        from raceway.pytesting.summary import summary_lines

        terminalreporter.section("raceway")
        for line in summary_lines(self._report, self._show, self._settings.fail_on):
            terminalreporter.write_line(line)
