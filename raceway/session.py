"""The composition root: the only place that wires stages together. It owns no logic of its own."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from types import CodeType

from raceway import __version__, sync
from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.finder import InstrumentingFinder, early_modules
from raceway.autoinstrument.marks import Marks
from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source
from raceway.config import Config, cache_directory
from raceway.errors import NotWrittenError, SuppressionError, TransformError
from raceway.model.findings import Finding, LockContention, NotSeen, Report, Run, Sifted, Summary, Tool
from raceway.model.kinds import Severity
from raceway.model.locks import Waiting
from raceway.model.sites import Site
from raceway.model.typing import TYPE_CHECKING, TextIO
from raceway.report import FILES
from raceway.runtime import active
from raceway.runtime.contract import Core
from raceway.runtime.core import make_core

if TYPE_CHECKING:
    from raceway.autoinstrument.maker import Maker
    from raceway.findings.known import Known
    from raceway.pipeline.automatic import Automatic

SELF_CHECK_FAILED = 70
NOT_WRITTEN = 2
FINDINGS = 66

EVENTS_TIMEOUT = 5.0
"""Seconds that the end of a run waits for its events."""


class Session:
    """One run of Raceway in this process, from `start` to `stop`."""

    def __init__(self, config: Config, command: tuple[str, ...]) -> None:
        self.config = config
        self.scope = Scope(config.include, config.exclude)
        self._command = command
        self._directory = _working_directory()
        self._core = make_core(config.core)
        self.locks = LockWatch(self._core, self._directory)
        self._events = self._event_pipeline() if config.endpoint is not None or config.trace is not None else None
        self._finder = InstrumentingFinder(
            self.scope, self.compile, self.not_seen, self._core.module_executed, sync.AWAITED
        )
        self._cache = Cache(cache_directory(config))
        self._maker: Maker | None = None
        self._patches: sync.Patches | None = None
        self._tables: list[Sequence[Site]] = []
        self._marks = Marks()
        self._known = _known(config, self._directory)
        self._modules: set[str] = set()
        self._not_seen: list[NotSeen] = []
        self._began = time.monotonic()
        self._failed_before = sync.failures()
        self._running = False
        self._last: Report | None = None

    def start(self) -> None:
        """Begin to watch: recorder active, models in place, import hook first."""
        if self.scope.names_standard_library():
            # The transform imports such modules; the two must not wait for each other.
            import raceway.transform.rewriting  # noqa: F401
        self._core.start()
        if self._events is not None:
            self._events.start()
        active.activate(self._core.recorder)
        self._patches = sync.install(self._core.recorder, self._instruments)
        self._finder.install(self)
        self._running = True
        _follow_forks(self)

    def stop(self) -> None:
        """Undo all that `start` did; findings stay."""
        if not self._running:
            return
        self._running = False
        _running.remove(self)
        self._finder.uninstall()
        sync.uninstall()
        active.activate(None)
        if self._events is not None:
            acted = [serial for serial, site in self._sites() if site.regions and self._core.names.has_acted(serial)]
            self._events.close(EVENTS_TIMEOUT, self._core.names.is_read, acted, self._core.telling.untold)
        self._core.stop()

    def _event_pipeline(self) -> Automatic:
        """What sends and writes events. Raises ConfigError for what cannot be used."""
        from raceway.pipeline.automatic import Automatic

        telling = self._core.telling
        telling.begin(self.config.events == "full")
        name = self._command[0] if self._command else ""
        service = os.path.splitext(os.path.basename(name))[0] if name != "-m" else self._command[1]
        return Automatic(self.config, service or "python", telling.told, self._place, telling.hide_thread, _warn)

    def _place(self, serial: int) -> str:
        """Where a site is, for people: relative to the working directory if it lies there."""
        names = self._core.names
        file = names.site_file(serial)
        inside = bool(self._directory) and file.startswith(self._directory + os.sep)
        return f"{file[len(self._directory) + 1 :] if inside else file}:{names.site(serial).line}"

    def patched(self) -> tuple[str, ...]:
        """The attributes of other modules that are replaced while the session runs, by their dotted names."""
        return () if self._patches is None else self._patches.names()

    def _instruments(self, module: str) -> bool:
        return self.scope.names(module)

    def flush_events(self, timeout: float) -> bool:
        """Send and write the events so far, for so many seconds at most; whether all were."""
        return self._events is None or self._events.flush(timeout)

    def after_fork(self) -> None:
        """In a forked child: the other threads are gone."""
        self._core.after_fork()
        if self._events is not None:
            self._events.after_fork()
        sync.forked(self._core.recorder)

    def compile(self, source: Source, filename: str, module: str) -> CodeType:
        """Instrumented code of a module; plain code, noted as not seen, when it cannot be rewritten.

        Raises SyntaxError exactly as `compile` does, and what reading the source raises.
        """
        try:
            made = self._cache.load(source, filename, self._core.form) or self._instrument(source, filename, module)
        except Exception as error:  # a fault of ours costs the module its instrumentation, never the program its import
            content = source.content
            if not isinstance(error, SyntaxError):
                kind = "" if isinstance(error, TransformError) else f"{type(error).__name__}: "
                self._untransformed(module, f"{kind}{error}")
            return compile(content, filename, "exec", dont_inherit=True)
        self._modules.add(module)
        code = self._core.bind(made.code, made.sites, made.marker, filename)
        self._tables.append(made.sites)
        self._marks.add(filename)
        return code

    def compile_script(self, content: bytes, filename: str) -> CodeType:
        """The same for the script that is run as `__main__`."""
        return self.compile(Source(lambda: content), filename, "__main__")

    def _instrument(self, source: Source, filename: str, module: str) -> Cached:
        if self._maker is None:
            from raceway.autoinstrument.maker import Maker

            self._maker = Maker(self._cache, self.scope, self._core.form, quiet=self.config.quiet)
        return self._maker.make(source, filename, module)

    def _sites(self) -> Iterator[tuple[int, Site]]:
        """All sites by their serials, which count on from module to module."""
        return enumerate(site for table in self._tables for site in table)

    def _untransformed(self, module: str, why: str) -> None:
        self.not_seen("not-transformed", module, why)
        if not self.config.quiet:
            _say(f"raceway: warning: module {module} runs uninstrumented: {why} [{TransformError.slug}]", sys.stderr)

    def not_seen(self, reason: str, module: str, detail: str = "") -> None:
        """Note something that the run does not look at."""
        note = NotSeen(reason, module, detail)
        if note not in self._not_seen:
            self._not_seen.append(note)

    def findings(self) -> tuple[Finding, ...]:
        """All findings so far, worst first, without those that are suppressed or in the baseline."""
        return self._sift().kept

    def _sift(self) -> Sifted:
        """All findings so far, told apart by what is known of them."""
        findings = self._found()
        marked = self._marks.files()
        if self._known is None and not marked:
            return Sifted(findings)
        from raceway.findings.known import Known

        return (self._known or Known(self._directory)).sift(findings, marked)

    def _found(self) -> tuple[Finding, ...]:
        races, facts = self._core.races(), self._core.locks()
        if not races and not facts.orders and not facts.deadlocks:
            return ()
        from raceway.detector.lockorder import cycles
        from raceway.findings import build, build_lock_cycles, completed, in_order

        names, directory = self._core.names, self._directory
        built = build(races, self._sites(), names, directory, _has_gil())
        orders = cycles(facts.orders, facts.signals)
        found = (*built, *build_lock_cycles(orders, facts.deadlocks, names, directory))
        return in_order(completed(finding, directory) for finding in found)

    def report(self) -> Report:
        """The report document of the run so far."""
        sifted = self._sift()
        counters = self._core.counters()
        per_severity = {severity: sum(1 for one in sifted.kept if one.severity is severity) for severity in Severity}
        for module in early_modules(self.scope):
            if module not in self._modules and all(note.module != module for note in self._not_seen):
                self.not_seen("other-loader", module)
        unmatched = tuple(NotSeen("glob-matched-nothing", glob) for glob in self.scope.unmatched())
        return Report(
            tool=Tool("raceway", __version__, self._core.name, self._core.fallback),
            run=Run(self._command, sys.version.partition(" ")[0], _has_gil(), round(time.monotonic() - self._began, 3)),
            summary=Summary(
                error=per_severity[Severity.ERROR],
                warning=per_severity[Severity.WARNING],
                info=per_severity[Severity.INFO],
                suppressed=len(sifted.suppressed),
                modules=len(self._modules),
                sites=sum(map(len, self._tables)),
                accesses=counters.accesses,
                actors=counters.actors,
                shared_locations=counters.shared_locations,
                dropped=counters.dropped + sync.failures() - self._failed_before,
            ),
            findings=sifted.kept,
            not_seen=(*self._not_seen, *unmatched),
            suppressed=sifted.suppressed,
            notes=sifted.notes,
            lives=tuple(sync.lifetimes.told()),
        )

    def write(self, stream: TextIO) -> bool:
        """Write the text report to `stream` and the configured files; False when one could not be written, or a
        suppression could not be read.

        Then the text has every finding, whatever was asked for: nothing is lost with the file.
        """
        report = self._last = self.report()
        written = self._write_files(report, stream)
        shown = any(one.severity.rank <= self.config.show.rank for one in report.findings)
        if shown or not written or not self.config.quiet:
            from raceway.report import render_text

            show = self.config.show if written else Severity.INFO
            with contextlib.suppress(OSError, ValueError):
                render_text(report, stream, show=show, fail_on=self.config.fail_on)
        return written and all(note.state != SuppressionError.slug for note in report.notes)

    def _write_files(self, report: Report, stream: TextIO) -> bool:
        paths = {name: getattr(self.config, name) for name in FILES}
        if not any(paths.values()):
            return True
        from raceway.report.files import write_file

        written = True
        for name, path in paths.items():
            if path is not None:
                try:
                    write_file(report, name, path, quiet=self.config.quiet)
                except NotWrittenError as error:
                    _say(f"raceway: error: {error} [{error.slug}]", stream)
                    written = False
        return written

    def exit_status(self, program_status: int, written: bool) -> int:
        """The status of the whole run: the program's own, else what the report asks for."""
        if program_status:
            return program_status
        if not written:
            return NOT_WRITTEN
        limit = self.config.fail_on
        findings = self.findings() if self._last is None else self._last.findings
        failing = limit is not None and any(one.severity.rank <= limit.rank for one in findings)
        return FINDINGS if failing else 0


def _known(config: Config, directory: str) -> Known | None:
    """What the settings say of findings that are known; None when they say nothing. Raises ConfigError."""
    if not (config.suppress or config.suppressions or config.baseline):
        return None
    from raceway.findings.known import Known, read_rules
    from raceway.report.files import read_baseline

    baseline = None if config.baseline is None else read_baseline(config.baseline)
    return Known(directory, read_rules(config.suppress, config.suppressions), baseline)


class LockWatch:
    """What a run knows of its locks, beside findings. Any thread may ask."""

    def __init__(self, core: Core, directory: str) -> None:
        self._core = core
        self._directory = directory

    def contention(self) -> tuple[LockContention, ...]:
        """How often each place took which lock, and how long it waited for it; most waited for first."""
        from raceway.findings import waits

        return waits.contention(self._core.locks().contention, self._core.names, self._directory)

    def watch_hangs(self, stream: Callable[[], TextIO]) -> Callable[[], None]:
        """Write a deadlock to `stream` once it has lasted. What is returned writes who waits for which lock now."""

        def stuck(ring: tuple[Waiting, ...]) -> None:
            from raceway.findings import build_lock_cycles
            from raceway.report import render_hang

            for finding in build_lock_cycles((), (ring,), self._core.names, self._directory):
                render_hang(finding, stream(), gil=_has_gil())

        def explain() -> None:
            from raceway.findings import waits

            found = waits.explain(self._core.locks().waiting, self._core.names, sync.frames(), self._directory)
            for line in found or ("no thread waits for a lock",):
                _say(f"raceway: {line}", stream())

        self._core.listen(lambda ring: _attempt(lambda: stuck(ring)))
        return lambda: _attempt(explain)


def _working_directory() -> str:
    """The working directory; empty when it has been removed: paths are then shown whole."""
    try:
        return os.getcwd()
    except OSError:
        return ""


_running: list[Session] = []


def adopt(session: Session, code: CodeType, sites: Sequence[Site], marker: bytes, filename: str) -> CodeType:
    """Code with placeholders that somebody else has made, with live taps; its sites are in this file."""
    bound = session._core.bind(code, sites, marker, filename)
    session._tables.append(sites)
    return bound


def running() -> Session | None:
    """The session that watches this process now."""
    return _running[-1] if _running else None


def _after_fork() -> None:
    for session in _running:
        session.after_fork()


@functools.cache  # what is registered stays for good
def _register_at_fork() -> None:
    os.register_at_fork(after_in_child=_after_fork)


def _follow_forks(session: Session) -> None:
    _register_at_fork()
    _running.append(session)


def _say(line: str, stream: TextIO | None) -> None:
    """One line to a stream that may be closed or missing."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.write(line + "\n")


def _attempt(action: Callable[[], None]) -> None:
    """Do what the program must not notice, whatever becomes of it."""
    with contextlib.suppress(Exception):
        action()


def _warn(line: str) -> None:
    _say(f"raceway: warning: {line} [warning]", sys.stderr)


def _has_gil() -> bool:
    enabled = getattr(sys, "_is_gil_enabled", None)
    return True if enabled is None else bool(enabled())
