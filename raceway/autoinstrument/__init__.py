"""The import hook's public face: `install` watches the process it is called in, `uninstall` ends that.

The hook itself is `finder` (how modules get in), `loader` (how their code is replaced), `sidedoors` (ways past the
finder), `scope` (which modules) and `inplace` (the module that is running already).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import FrameType

from raceway.model.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raceway.autoinstrument.composition import Watching
    from raceway.autoinstrument.finder import InstrumentingFinder
    from raceway.autoinstrument.handle import Handle as Handle
    from raceway.autoinstrument.inplace import InPlace
    from raceway.autoinstrument.scope import Scope
    from raceway.config import Config

__all__ = ["Handle", "install", "uninstall"]

_installed: list[tuple[Config, Handle]] = []
"""The run that `install` has started, if any."""


def install(
    *,
    include: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
    json: str | os.PathLike[str] | None = None,
    **settings: object,
) -> Handle:
    """Watch this process from now on, and report at its end unless the returned handle is asked to end it before.

    Settings are those of the command line, by name (`fail_on` is of no effect: the exit status stays the program's).
    Modules that are imported already are not watched, but for the calling one: its functions are instrumented now.
    Raises ConfigError for a wrong setting, RacewayError when a run with other settings is active.
    """
    from raceway.autoinstrument.handle import Handle
    from raceway.config import resolve
    from raceway.errors import RacewayError

    config = resolve({"include": include, "exclude": exclude, "json": json, **settings})
    if _installed and _installed[0][1].active:
        if _installed[0][0] == config:
            return _installed[0][1]
        raise RacewayError("raceway is installed already, with other settings; call uninstall() on that handle first")
    _installed.clear()
    if not config.enabled:
        return Handle(None)
    finder = _running_finder()
    if finder is not None:
        return Handle(finder.owner)
    handle = _start(config, _caller())
    _installed.append((config, handle))
    return handle


def uninstall() -> None:
    """End the run that `install` has started; does nothing when there is none."""
    if _installed:
        _installed.pop()[1].uninstall()


def __getattr__(name: str) -> object:
    """`Handle`, imported when it is first used."""
    if name == "Handle":
        from raceway.autoinstrument.handle import Handle

        return Handle
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _running_finder() -> InstrumentingFinder | None:
    """The hook of a session that another entry point has started: `python -m raceway.run`, or pytest."""
    from raceway.autoinstrument.finder import InstrumentingFinder

    return next((finder for finder in sys.meta_path if isinstance(finder, InstrumentingFinder)), None)


def _start(config: Config, caller: FrameType | None) -> Handle:
    from raceway.autoinstrument.composition import open_session
    from raceway.autoinstrument.handle import Handle
    from raceway.autoinstrument.inplace import InPlace

    session = open_session(config, tuple(sys.argv))
    if config.debug and sys.stderr is not None:
        session.scope.explain_on(sys.stderr)
    in_place = InPlace()
    module = _own_module(caller, session.scope) if caller is not None else None
    if caller is None or module is None:
        session.start()
    else:
        session.scope.add_running(module)
        session.start()
        _instrument(caller, module, session, in_place)
    return Handle(session, in_place)


def _own_module(frame: FrameType, scope: Scope) -> str | None:
    """The name of the frame's module when that is in scope."""
    name = frame.f_globals.get("__name__")
    in_scope = isinstance(name, str) and scope.decide(name, frame.f_code.co_filename).instrument
    return name if in_scope else None


def _caller() -> FrameType | None:
    """The frame that called the public function, under whichever of its names."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    return frame


def _is_ours(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__")
    return isinstance(name, str) and name.partition(".")[0] == "raceway"


def _instrument(caller: FrameType, module: str, session: Watching, in_place: InPlace) -> None:
    try:
        in_place.instrument(caller, session.compile)
    except (OSError, SyntaxError, ValueError) as error:  # no source, or another one than what runs
        session.not_seen("imported-before-hook", module, str(error))
    else:
        session.not_seen("executed-before-install", module)
