"""The composition root: the only place that wires stages together. It owns no logic of its own."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from types import CodeType

from raceway import __version__, sync
from raceway.autoinstrument.finder import InstrumentingFinder
from raceway.autoinstrument.modules import Modules
from raceway.autoinstrument.scope import Scope, default_roots, editable_roots
from raceway.autoinstrument.source import Source
from raceway.children.following import Following
from raceway.children.forks import follow_forks
from raceway.config import Config
from raceway.model.baseline import VERSION as FINGERPRINTS
from raceway.model.findings import Coverage, Finding, NotSeen, Report, Run, Summary, Tool
from raceway.model.kinds import Severity
from raceway.model.sites import Site
from raceway.model.struct import replace
from raceway.model.typing import TYPE_CHECKING, TextIO
from raceway.originals import allocate_lock
from raceway.outcome.events import RunEvents
from raceway.outcome.files import read_known, write
from raceway.outcome.found import BEGINNING, Mark, found, take_mark
from raceway.outcome.locks import LockWatch
from raceway.runtime import active
from raceway.runtime.core import make_core
from raceway.sync.hurry import Hurry

if TYPE_CHECKING:
    from raceway.autoinstrument.foreign import Finish
    from raceway.children.spool import Spool
    from raceway.report.live import Live

SELF_CHECK_FAILED = 70
NOT_WRITTEN = 2
FINDINGS = 66

_PATIENCE_S = 30.0
"""How long who ends a process waits for another thread that has its part in hand."""


class Session:
    """One run of Raceway in this process, from `start` to `stop`.

    `roots`: where own code lies, and `directory`: what paths are shown relative to, if not the usual ones.
    """

    def __init__(
        self,
        config: Config,
        command: tuple[str, ...],
        *,
        roots: tuple[str, ...] | None = None,
        directory: str | None = None,
    ) -> None:
        self.config = config
        self.scope = Scope(config.include, config.exclude, roots)
        self._command = command
        self._directory = _working_directory() if directory is None else directory
        self._core = make_core(config.core)
        self.core_name = self._core.name
        self.outermost = self._core.outermost
        self.locks = LockWatch(self._core, self._directory, has_gil)
        self.events = RunEvents(config, self._core, command, self._directory, self._module_of)
        self._modules = Modules(self.scope, config, self._core.form + self.events.form, self._core.bind)
        self.finder = InstrumentingFinder(
            self.scope, self._modules.compile, self.not_seen, self._core.recorder.imports.executed, sync.AWAITED
        )
        self._known = read_known(config, self._directory)
        self._patches: sync.Patches | None = None
        self._began = time.monotonic()
        self._failed_before = sync.failures()
        self.running = False
        self._last: Report | None = None
        self._self_check, self._records = "not-run", True
        self.children: Following | None = None
        self.run_began: float | None = None
        """When the run began of which this process is a part, on `time.monotonic`; None: it begins here."""
        self.ends_are_seen = True
        self.live: Live | None = None
        """Where findings are told of as they occur; to be set before `start`."""
        self._telling = allocate_lock()
        self._handing_in = allocate_lock()
        self._before = BEGINNING
        self._hurry: Hurry | None = None

    def start(self) -> None:
        """Begin to watch: recorder active, models in place, import hook first."""
        if self.scope.names_standard_library():
            # The transform imports such modules; the two must not wait for each other.
            import raceway.transform.rewriting  # noqa: F401
        self._core.start()
        if self.config.switching == "often":
            self._hurry = Hurry(self._core.recorder.native)
        self.events.start()
        active.activate(self._core.recorder)
        self._patches = sync.install(self._core.recorder, self._instruments)
        if self.run_began is not None:
            sync.lifetimes.began = self.run_began
        self.finder.install(self)
        self.running = True
        _running.append(self)
        self._leave_forks = follow_forks(self._before_fork, self._after_fork)
        if self.children is not None:
            self.children.start()
        self._listen()

    def stop(self) -> None:
        """Undo all that `start` did; findings stay."""
        if not self.running:
            return
        self.running = False
        _running.remove(self)
        self._leave_forks()
        if self.children is not None:
            self.children.stop()
        with self._telling:  # what is being told is told to the end
            self._core.telling.on_race(None)
        self.finder.uninstall()
        if self._hurry is not None:
            self._hurry.end()
        self.events.close()
        self._check()  # its race is no event
        self._core.stop()  # before the models go: other threads may still run, and would look unordered without them
        active.activate(None)
        sync.uninstall()

    def hand_in(self) -> None:
        """End the part of this process, which is a child, and hand it in; who comes second waits until that is done.

        A process that is leaving may be told to die meanwhile, and must not before.
        """
        if self._handing_in.acquire(timeout=_PATIENCE_S):
            try:
                if self.running and self.children is not None:
                    self.stop()
                    self.children.hand_in(self.report(alone=True), done=True)
            finally:
                self._handing_in.release()

    def _handed_in(self, status: int) -> int:
        if self._is_child:
            self.hand_in()
        return status

    @property
    def _is_child(self) -> bool:
        return self.children is not None and self.children.is_child

    def _listen(self) -> None:
        """Be told of new races when somebody wants to know of them at once."""
        if self._is_child or self.live is not None:
            self._core.telling.on_race(self._new_races)

    def _new_races(self) -> None:
        """Hand in, and tell of, what there is by now. On a thread of ours, beside the program."""
        with self._telling, contextlib.suppress(Exception):  # nothing of it may show in the program
            if not self.running:
                return
            if self._is_child and self.children is not None:
                self.children.hand_in(self.report(alone=True))
            if self.live is not None:
                self.live.tell(self.findings(), gil=has_gil())

    def _check(self) -> None:
        """Look whether the core finds the race that it plants itself."""
        if self._records:
            passes = self._core.passes_self_check()
            self._self_check = "ok" if passes and self._self_check != "failed" else "failed"

    def _make_spool(self) -> Spool:
        """A directory for what the processes of the run hand in. Raises OSError."""
        from raceway.children.spool import Settings, Spool

        # What is known of findings is applied to the whole of them, by the owner alone.
        config = replace(self.config, quiet=True, debug=False, suppress=(), suppressions=None, baseline=None)
        config = replace(config, endpoint=None, trace=None)
        search = tuple(entry for entry in sys.path if entry and isinstance(entry, str))
        return Spool.create(Settings(config, self.scope.roots, self._directory, sync.lifetimes.began, search))

    def patched(self) -> tuple[str, ...]:
        """The attributes of other modules that are replaced while the session runs, by their dotted names."""
        return () if self._patches is None else self._patches.names()

    def _instruments(self, module: str) -> bool:
        return self.scope.names(module)

    def _before_fork(self) -> None:
        if self.children is not None:
            self.children.before_fork()

    def _after_fork(self) -> None:
        """In a forked child: the other threads are gone, and what has been found so far is the parent's."""
        self._records = self._core.after_fork()
        self.events.after_fork()
        sync.forked(self._core.recorder)
        self._telling = allocate_lock()
        self._handing_in = allocate_lock()
        if self.children is not None and self.children.forked():
            self._before = self.mark()
            self._began = time.monotonic()
            self._known = None  # the owner applies it
            self._modules.notes.clear()
            if not self._records:
                self.not_seen("process-unwatched", " ".join(self._command), f"process {os.getpid()}")
            sync.lifetimes.forked()
            self._listen()
            if not self.ends_are_seen:
                from raceway.children.interrupts import report_before_dying

                self.ends_are_seen = True
                report_before_dying(self._handed_in, in_children=True)
            self.children.hand_in(None)  # from here on it can be told from one that was lost

    def compile(self, source: Source, filename: str, module: str, finish: Finish | None = None) -> CodeType:
        """Instrumented code of a module, or plain code when it cannot be rewritten: see `Modules.compile`."""
        return self._modules.compile(source, filename, module, finish)

    def compile_script(self, content: bytes, filename: str) -> tuple[CodeType, bool]:
        """The same for the script that is run as `__main__`, and whether the compiler may warn of it."""
        return self._modules.compile_script(content, filename)

    def _module_of(self, file: str) -> str:
        return next((module for module, one in self._modules.sites if one == file), "")

    def not_seen(self, reason: str, module: str, detail: str = "") -> None:
        """Note something that the run does not look at."""
        self._modules.not_seen(reason, module, detail)

    def findings(self, after: Mark | None = None) -> tuple[Finding, ...]:
        """All findings of this process so far, or those of what was noted after a mark, worst first, without those that
        are suppressed or in the baseline."""
        findings, marked = self._found(after or self._before), self._modules.marks.files()
        if not findings or (self._known is None and not marked):
            return findings
        from raceway.findings.known import Known

        return (self._known or Known(self._directory)).sift(findings, marked).kept

    def _found(self, after: Mark) -> tuple[Finding, ...]:
        predicted = self.events.predicted() if after is self._before else ()
        return found(self._core, after, self._directory, has_gil, predicted)

    def mark(self, last: Mark | None = None) -> Mark:
        """This moment of the run; cheap when there was no race since `last`."""
        return take_mark(self._core, last)

    def _own_report(self) -> Report:
        """The document of this process, with all its findings."""
        findings = self._found(self._before)
        if self.running and not self._is_child:
            self._check()
        counters, before = self._core.counters(), self._before.counters
        per_severity = {severity: sum(1 for one in findings if one.severity is severity) for severity in Severity}
        self._modules.note_others()
        unmatched = tuple(NotSeen("glob-matched-nothing", glob) for glob in self.scope.unmatched())
        return Report(
            tool=Tool("raceway", __version__, self._core.name, self._core.fallback, FINGERPRINTS),
            run=Run(self._command, sys.version.partition(" ")[0], has_gil(), round(time.monotonic() - self._began, 3)),
            summary=Summary(
                error=per_severity[Severity.ERROR],
                warning=per_severity[Severity.WARNING],
                info=per_severity[Severity.INFO],
                modules=len(self._modules.sites),
                sites=sum(self._modules.sites.values()),
                accesses=counters.accesses - before.accesses,
                actors=counters.actors - before.actors + bool(before.actors),
                shared_locations=counters.shared_locations - before.shared_locations,
                dropped=counters.dropped - before.dropped + sync.failures() - self._failed_before,
                self_check=self._self_check,
            ),
            findings=findings,
            not_seen=(*self._modules.notes, *unmatched),
            lives=tuple(sync.lifetimes.told()),
            coverage=self._coverage(),
        )

    def _coverage(self) -> Coverage:
        from raceway.autoinstrument.unwatched import unwatched
        from raceway.sync.unknown import unknown_types

        return Coverage(
            self._modules.watched(self._directory),
            unwatched(self.scope, {module for module, _file in self._modules.sites}),
            unknown_types(),
        )

    def report(self, *, alone: bool = False) -> Report:
        """The report document of the run so far, with what its other processes have handed in unless `alone`."""
        report, marked = self._own_report(), self._modules.marks.files()
        parts = [] if alone or self.children is None else self.children.parts()
        if parts:
            from raceway.findings import merge

            report = merge(report, parts)
        if self._known is None and not marked:
            return report
        from raceway.findings.known import Known

        return (self._known or Known(self._directory)).sift_report(report, marked)

    def write(self, stream: TextIO) -> bool:
        """Write the text report to `stream` and the configured files; False when one could not be written, or a
        suppression could not be read.
        """
        self._last = self.report()
        return write(self._last, self.config, stream)

    def exit_status(self, program_status: int, written: bool) -> int:
        """The status of the whole run: the program's own, else what the report asks for."""
        if program_status:
            return program_status
        if self._self_check == "failed" or (self._last is not None and self._last.summary.self_check == "failed"):
            return SELF_CHECK_FAILED
        if not written:
            return NOT_WRITTEN
        limit = self.config.fail_on
        findings = self.findings() if self._last is None else self._last.findings
        failing = limit is not None and any(one.severity.rank <= limit.rank for one in findings)
        return FINDINGS if failing else 0


def follow(session: Session, command: tuple[str, ...], *, ends_are_seen: bool = True) -> None:
    """The processes that this one starts from now on belong to the run, if the settings want that.

    `ends_are_seen`: forked children are made to hand in by `interrupts.report_before_dying` in this process.
    """
    if session.config.children == "follow":
        session.ends_are_seen = ends_are_seen
        session.children = Following(command, session._make_spool)
        if session.running:
            session.children.start()


def merge_reports(reports: Sequence[Report]) -> Report:
    """One report of several, the first of which says what was run."""
    from raceway import findings

    return findings.merge_reports(reports)


def project_roots(*directories: str) -> tuple[str, ...]:
    """Where own code lies when the program is not what was started: in these, and in what is installed as editable."""
    return (*editable_roots(), *directories)


def open_child(directory: str, command: tuple[str, ...]) -> Session:
    """The session of a process that another process of a run has started; `directory` is where parts are handed in.

    Raises OSError and ValueError when there is no such run any more.
    """
    from raceway.children.spool import Spool

    spool = Spool(directory)
    settings = spool.settings()
    session = Session(settings.config, command, roots=(*settings.roots, *default_roots()), directory=settings.directory)
    session.children = Following(command, lambda: spool, spool)
    session.run_began = settings.began
    if sys.flags.no_site:
        session._modules.search = settings.search
    return session


def _working_directory() -> str:
    """The working directory; empty when it has been removed: paths are then shown whole."""
    try:
        return os.getcwd()
    except OSError:
        return ""


def adopt(session: Session, code: CodeType, sites: Sequence[Site], places: bytes, filename: str) -> CodeType:
    """Code that somebody else has made, with live taps at these places; its sites are in this file."""
    return session._core.bind(code, sites, places, filename)


def running() -> Session | None:
    """The session that watches this process now."""
    return _running[-1] if _running else None


_running: list[Session] = []


def has_gil() -> bool:
    """Whether this interpreter has a GIL, for which findings are judged."""
    enabled = getattr(sys, "_is_gil_enabled", None)
    return True if enabled is None else bool(enabled())
