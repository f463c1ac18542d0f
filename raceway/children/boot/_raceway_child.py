"""How Raceway begins in a followed interpreter, before the program does: nothing of it is left to be seen.

`begin` serves `sitecustomize`. A script is compiled by the interpreter itself, past every import hook: for one, the
interpreter is started anew, in the same process, as `python -m _raceway_child SCRIPT [arguments]`.

An interpreter that ignores its environment is started on this file, with the whole of its own arguments behind.
"""

from __future__ import annotations

import contextlib
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType as Child

BOOT = os.path.dirname(os.path.abspath(__file__))
NAME = "_raceway_child"


class State:
    """What the environment said, and the modules that were there before."""

    directory = ""
    plain: frozenset[str] = frozenset()


def begin() -> None:
    """Start Raceway here, or start the interpreter anew; whatever fails, the program runs plainly."""
    version, _, State.directory = os.environ.get("RACEWAY_CHILD", "").partition(":")
    State.plain = frozenset(sys.modules)
    known = version == ".".join(map(str, sys.version_info[:2]))
    anew = NAME in getattr(sys, "orig_argv", ())
    try:
        child = _raceway() if known else None
        if child is not None and not anew:
            child.start_script_anew(NAME)
    except Exception:  # the program comes first
        child = None
    _restore()
    if anew:
        return  # the interpreter finds this module again where it is now
    del sys.modules[NAME]
    if child is not None:
        with contextlib.suppress(Exception):  # the same
            child.start(State.directory, State.plain)


def begin_on_this_file() -> None:
    """Run what the arguments say, watched; whatever fails, the program runs plainly."""
    plain = frozenset(sys.modules)
    sys.orig_argv[1:] = sys.argv[1:]
    version, _, directory = os.environ.get("RACEWAY_CHILD", "").partition(":")
    if not sys.flags.safe_path:
        sys.path[0] = ""
    try:
        child = _raceway() if version == ".".join(map(str, sys.version_info[:2])) else None
    except Exception:  # the program comes first
        child = None
    _restore()
    if child is None:
        os.execv(sys.executable, sys.orig_argv)
    child.run_program(directory, plain)


def _raceway() -> Child:
    """The part of Raceway that goes on from here, from the place where this file lies."""
    place = os.path.dirname(os.path.dirname(os.path.dirname(BOOT)))
    sys.path.insert(0, place)
    try:
        from raceway import __version__  # noqa: F401
    finally:
        sys.path.remove(place)
    from raceway.cli import child

    return child


def _restore() -> None:
    """The environment and the search path as the program was meant to have them."""
    sys.path[:] = [entry for entry in sys.path if entry != BOOT]
    sys.path_importer_cache.pop(BOOT, None)
    before = os.environ.pop("RACEWAY_CHILD_PYTHONPATH", None)
    os.environ.pop("RACEWAY_CHILD", None)
    os.environ.pop("PYTHONPATH", None)
    if before is not None:
        os.environ["PYTHONPATH"] = before


if __name__ == "__main__":
    if NAME not in sys.modules:
        begin_on_this_file()
    begun = sys.modules.pop(NAME)
    from raceway.cli import child

    child.run_script(NAME, begun.State.directory, begun.State.plain)
