"""The composition root: the only place that wires stages together. It owns no logic of its own."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from types import CodeType

from raceway import __version__, sync
from raceway.autoinstrument.cache import Cache, Cached
from raceway.autoinstrument.finder import InstrumentingFinder, early_modules
from raceway.autoinstrument.scope import Scope, default_roots
from raceway.autoinstrument.source import Source
from raceway.children.following import Following
from raceway.config import Config, cache_directory
from raceway.errors import TransformError
from raceway.model.findings import Coverage, Finding, NotSeen, Report, Run, Summary, Tool, WatchedModule
from raceway.model.kinds import Severity
from raceway.model.races import counted, since
from raceway.model.struct import Struct, replace
from raceway.model.typing import TYPE_CHECKING, TextIO
from raceway.originals import allocate_lock
from raceway.runtime import active
from raceway.runtime.contract import Counters
from raceway.runtime.core import make_core

if TYPE_CHECKING:
    from raceway.autoinstrument.maker import Maker
    from raceway.children.spool import Spool
    from raceway.report.live import Live

SELF_CHECK_FAILED = 70
NOT_WRITTEN = 2
FINDINGS = 66


class Mark(Struct):
    """A moment of a run: what had been noted by then, and how many accesses each running actor had made."""

    races: dict[tuple[object, ...], int]
    counters: Counters
    activity: dict[int, int]


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
        self.finder = InstrumentingFinder(
            self.scope, self.compile, self.not_seen, self._core.module_executed, sync.AWAITED
        )
        self._cache = Cache(cache_directory(config))
        self._maker: Maker | None = None
        self._modules: dict[tuple[str, str], int] = {}
        self._not_seen: list[NotSeen] = []
        self._began = time.monotonic()
        self.running = False
        self._last: Report | None = None
        self._self_check = "not-run"
        self.children: Following | None = None
        self.live: Live | None = None
        """Where findings are told of as they occur; to be set before `start`."""
        self._telling = allocate_lock()
        self._before = Mark({}, Counters(0, 0, 0, 0), {})

    def start(self) -> None:
        """Begin to watch: recorder active, models in place, import hook first."""
        if self.scope.names_standard_library():
            # The transform imports such modules; the two must not wait for each other.
            import raceway.transform.rewriting  # noqa: F401
        self._core.start()
        active.activate(self._core.recorder)
        sync.install(self._core.recorder, self._instruments)
        self.finder.install(self)
        self.running = True
        _follow_forks(self)
        if self.children is not None:
            self.children.start()
        self._listen()

    def stop(self) -> None:
        """Undo all that `start` did; findings stay."""
        if not self.running:
            return
        self._check()
        self.running = False
        _running.remove(self)
        if self.children is not None:
            self.children.stop()
        with self._telling:  # what is being told is told to the end
            self._core.on_race(None)
        self.finder.uninstall()
        sync.uninstall()
        active.activate(None)
        self._core.stop()

    def hand_in(self) -> None:
        """End the part of this process, which is a child, and hand it in."""
        self.stop()
        if self.children is not None:
            self.children.hand_in(self.report(alone=True), done=True)

    @property
    def _is_child(self) -> bool:
        return self.children is not None and self.children.is_child

    def _listen(self) -> None:
        """Be told of new races when somebody wants to know of them at once."""
        if self._is_child or self.live is not None:
            self._core.on_race(self._new_races)

    def _new_races(self) -> None:
        """Hand in, and tell of, what there is by now. On a thread of ours, beside the program."""
        with self._telling, contextlib.suppress(Exception):  # nothing of it may show in the program
            if not self.running:
                return
            if self._is_child and self.children is not None:
                self.children.hand_in(self.report(alone=True))
            if self.live is not None:
                self.live.tell(self.findings(), gil=_has_gil())

    def _check(self) -> None:
        """Look whether the core finds the race that it plants itself."""
        passes = self._core.passes_self_check()
        self._self_check = "ok" if passes and self._self_check != "failed" else "failed"

    def make_spool(self) -> Spool:
        """A directory for what the processes of the run hand in. Raises OSError."""
        from raceway.children.spool import Settings, Spool

        return Spool.create(Settings(self.config, self.scope.roots, self._directory))

    def _instruments(self, module: str) -> bool:
        return self.scope.names(module)

    def _before_fork(self) -> None:
        if self.children is not None:
            self.children.before_fork()

    def _after_fork(self) -> None:
        """In a forked child: the other threads are gone, and what has been found so far is the parent's."""
        self._core.after_fork()
        sync.forked(self._core.recorder)
        self._telling = allocate_lock()
        if self.children is not None and self.children.forked():
            self._before = self.mark()
            self._began = time.monotonic()
            self._not_seen.clear()
            self._listen()

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
        self._modules[module, filename] = len(made.sites)
        return self._core.bind(made.code, made.sites, made.marker, filename)

    def compile_script(self, content: bytes, filename: str) -> CodeType:
        """The same for the script that is run as `__main__`."""
        return self.compile(Source(lambda: content), filename, "__main__")

    def _instrument(self, source: Source, filename: str, module: str) -> Cached:
        if self._maker is None:
            from raceway.autoinstrument.maker import Maker

            self._maker = Maker(self._cache, self.scope, self._core.form, quiet=self.config.quiet)
        return self._maker.make(source, filename, module)

    def _untransformed(self, module: str, why: str) -> None:
        self.not_seen("not-transformed", module, why)
        if not self.config.quiet:
            _say(f"raceway: warning: module {module} runs uninstrumented: {why}", sys.stderr)

    def not_seen(self, reason: str, module: str, detail: str = "") -> None:
        """Note something that the run does not look at."""
        note = NotSeen(reason, module, detail)
        if note not in self._not_seen:
            self._not_seen.append(note)

    def findings(self, after: Mark | None = None) -> tuple[Finding, ...]:
        """All findings of this process so far, or those of what was noted after a mark, worst first."""
        races = since(self._core.races(), (after or self._before).races)
        if not races:
            return ()
        from raceway.findings import build

        names = self._core.names
        return build(races, names.all_sites(), names, self._directory, _has_gil())

    def mark(self, last: Mark | None = None) -> Mark:
        """This moment of the run; cheap when there was no race since `last`."""
        counters = self._core.counters()
        quiet = last is not None and last.counters.noted == counters.noted
        races = last.races if last is not None and quiet else counted(self._core.races())
        return Mark(races, counters, self._core.activity())

    def _own_report(self) -> Report:
        findings = self.findings()
        if self.running and not self._is_child:
            self._check()
        counters, before = self._core.counters(), self._before.counters
        per_severity = {severity: sum(1 for one in findings if one.severity is severity) for severity in Severity}
        names = {module for module, _file in self._modules}
        files = {os.path.abspath(file) for _module, file in self._modules}
        for module, file in early_modules(self.scope):
            known = module in names or os.path.abspath(file) in files  # `__mp_main__` is `__main__` by another name
            if not known and all(note.module != module for note in self._not_seen):
                self.not_seen("other-loader", module)
        unmatched = tuple(NotSeen("glob-matched-nothing", glob) for glob in self.scope.unmatched())
        return Report(
            tool=Tool("raceway", __version__, self._core.name, self._core.fallback),
            run=Run(self._command, sys.version.partition(" ")[0], _has_gil(), round(time.monotonic() - self._began, 3)),
            summary=Summary(
                error=per_severity[Severity.ERROR],
                warning=per_severity[Severity.WARNING],
                info=per_severity[Severity.INFO],
                modules=len(self._modules),
                sites=sum(self._modules.values()),
                accesses=counters.accesses - before.accesses,
                actors=counters.actors - before.actors + bool(before.actors),
                shared_locations=counters.shared_locations - before.shared_locations,
                dropped=counters.dropped - before.dropped,
                self_check=self._self_check,
            ),
            findings=findings,
            not_seen=(*self._not_seen, *unmatched),
            coverage=self._coverage(names),
        )

    def _coverage(self, names: set[str]) -> Coverage:
        from raceway.autoinstrument.unwatched import unwatched
        from raceway.sync.unknown import unknown_types

        return Coverage(
            tuple(WatchedModule(module, self._shown(file), sites) for (module, file), sites in self._modules.items()),
            unwatched(self.scope, names),
            unknown_types(),
        )

    def _shown(self, file: str) -> str:
        """A path as reports have it: relative to the directory of the run where it lies under it."""
        path, root = os.path.abspath(file), self._directory.rstrip(os.sep) + os.sep
        return path.removeprefix(root) if self._directory else path

    def report(self, *, alone: bool = False) -> Report:
        """The report document of the run so far, with what its other processes have handed in unless `alone`."""
        parts = [] if alone or self.children is None else self.children.parts()
        if not parts:
            return self._own_report()
        from raceway.findings import merge

        return merge(self._own_report(), parts)

    def write(self, stream: TextIO) -> bool:
        """Write the text report to `stream` and the configured files; False when one could not be written."""
        report = self._last = self.report()
        written = True
        if self.config.json is not None:
            from raceway.report import encode_json

            try:
                with open(self.config.json, "wb") as file:
                    file.write(encode_json(report))
            except OSError as error:
                _say(f"raceway: error: cannot write {self.config.json}: {error.strerror}", stream)
                written = False
        shown = any(one.severity.rank <= self.config.show.rank for one in report.findings)
        if shown or not self.config.quiet:
            from raceway.report import render_text

            with contextlib.suppress(OSError, ValueError):
                render_text(report, stream, show=self.config.show, fail_on=self.config.fail_on)
        return written

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


def follow(session: Session, command: tuple[str, ...]) -> None:
    """The processes that this one starts from now on belong to the run, if the settings want that."""
    if session.config.children == "follow":
        session.children = Following(command, session.make_spool)
        if session.running:
            session.children.start()


def open_child(directory: str, command: tuple[str, ...]) -> Session:
    """The session of a process that another process of a run has started; `directory` is where parts are handed in.

    Raises OSError and ValueError when there is no such run any more.
    """
    from raceway.children.spool import Spool

    spool = Spool(directory)
    settings = spool.settings()
    config = replace(settings.config, quiet=True, debug=False)
    session = Session(config, command, roots=(*settings.roots, *default_roots()), directory=settings.directory)
    session.children = Following(command, lambda: spool, spool)
    return session


def _working_directory() -> str:
    """The working directory; empty when it has been removed: paths are then shown whole."""
    try:
        return os.getcwd()
    except OSError:
        return ""


_running: list[Session] = []


def _after_fork() -> None:
    for session in _running:
        session._after_fork()


def _before_fork() -> None:
    for session in _running:
        session._before_fork()


@functools.cache  # what is registered stays for good
def _register_at_fork() -> None:
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def _follow_forks(session: Session) -> None:
    _register_at_fork()
    _running.append(session)


def _say(line: str, stream: TextIO | None) -> None:
    """One line to a stream that may be closed or missing."""
    if stream is not None:
        with contextlib.suppress(OSError, ValueError):
            stream.write(line + "\n")


def _has_gil() -> bool:
    enabled = getattr(sys, "_is_gil_enabled", None)
    return True if enabled is None else bool(enabled())
