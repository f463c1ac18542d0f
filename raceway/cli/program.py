"""Runs a program in this process the way the interpreter itself would: same `__main__`, arguments and search path.

Serves `raceway run`. What cannot be started at all is left to a plain interpreter, which knows best how to say so.
"""

from __future__ import annotations

import builtins
import os
import runpy
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from importlib.util import MAGIC_NUMBER
from types import CodeType, ModuleType
from warnings import catch_warnings, simplefilter

from raceway.cli.options import Program
from raceway.model.typing import NoReturn, Protocol

Compile = Callable[[bytes, str, str], tuple[CodeType, bool]]
"""Source, file name and module name -> the code of the program, and whether the compiler may warn of it; raises what
the compiler raises."""

Leave = Callable[[], object]
"""Ends all watching in this process, so that what it executes next is a plain interpreter."""

Call = Callable[..., object]
"""Calls its first argument, a function of the program, with the others."""

# runpy is the interpreter's own way for `-m`, directories and archives: its two frames are in plain tracebacks too.
_run_module_as_main: Callable[[str, bool], object] = runpy._run_module_as_main  # type: ignore[attr-defined]


class Launch(Protocol):
    """A program that is ready to be run. `main` is the name under which its module is found, `root` where it lies."""

    main: str
    root: str
    is_script: bool

    def load(self, compile: Compile, leave: Leave) -> None:
        """Get its code. Leaves for a plain interpreter when it has none, after a call of `leave`."""

    def run(self, call: Call) -> None:
        """Run it; returns or raises as it does."""

    def began(self, error: BaseException | None) -> bool:
        """Whether any of it ran before `error` ended it."""


def prepare(program: Program) -> Launch:
    """Make the process look as if the interpreter had been started on the program.

    Leaves for a plain interpreter when there is nothing to be run.
    """
    sys.argv = ["-m" if program.is_module else "-c" if program.is_command else program.name, *program.arguments]
    if program.is_command:
        return _Command(program, _fresh_main())
    if program.is_module:
        _set_first_path(_working_directory())
        _fresh_main()
        return _Module(program.name)
    path = _absolute(program.name)
    if _is_on_path(path):
        _set_first_path(path, always=True)
        _fresh_main()
        return _Archive(path)
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        run_plainly(program)
    _set_first_path(os.path.dirname(os.path.realpath(path)))
    return _Script(program, path, source, _fresh_main())


def run_plainly(program: Program) -> NoReturn:
    """Hand the process over to a plain interpreter with the same flags."""
    from subprocess import _args_from_interpreter_flags, call  # type: ignore[attr-defined]

    name = sys.orig_argv[0] or sys.executable
    command = [name, *_args_from_interpreter_flags(), *program.command]
    if os.name == "nt":  # there `exec` makes a second process and does not wait for it
        sys.exit(call(command, executable=sys.executable))
    os.execv(sys.executable, command)


class _Module:
    is_script = False

    def __init__(self, name: str) -> None:
        self.main = name
        self.root = ""

    def load(self, compile: Compile, leave: Leave) -> None:
        """Nothing to do: runpy finds and loads the module, through the import hook."""

    def run(self, call: Call) -> None:
        """Run it."""
        call(_run_module_as_main, self.main, True)

    def began(self, error: BaseException | None) -> bool:
        """Whether runpy has found and compiled it."""
        return error is None or _reached_program(error)


class _Command:
    """The text of `-c`. It is compiled plainly, as the interpreter does it, past every import hook."""

    is_script = False
    main = "__main__"
    root = ""

    def __init__(self, program: Program, main: ModuleType) -> None:
        self._program = program
        self._module = main
        self._code: CodeType | None = None

    def load(self, compile: Compile, leave: Leave) -> None:
        """Compile it."""
        del compile
        try:
            self._code = builtins.compile(self._program.name, "<string>", "exec", dont_inherit=True)
            if sys.version_info >= (3, 13):  # tracebacks show its lines
                import linecache

                known_by = self._code if hasattr(linecache, "_getline_from_code") else "<string>"  # 3.13.0: by the name
                linecache._register_code(known_by, self._program.name, "<string>")  # type: ignore[attr-defined]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            leave()
            run_plainly(self._program)

    def run(self, call: Call) -> None:
        """Run it."""
        assert self._code is not None
        call(exec, self._code, vars(self._module))

    def began(self, error: BaseException | None) -> bool:
        """As for a script."""
        del error
        return True


class _Archive:
    is_script = False

    def __init__(self, path: str) -> None:
        self.main = "__main__"
        self.root = path

    def load(self, compile: Compile, leave: Leave) -> None:
        """Nothing to do, as for a module."""

    def run(self, call: Call) -> None:
        """Run it."""
        call(_run_module_as_main, "__main__", False)

    def began(self, error: BaseException | None) -> bool:
        """As for a module."""
        return error is None or _reached_program(error)


class _Script:
    is_script = True

    def __init__(self, program: Program, path: str, source: bytes, main: ModuleType) -> None:
        self.main = "__main__"
        self.root = ""
        self._program = program
        self._path = path
        self._source = source
        self._module = main
        self._code: CodeType | None = None
        self._is_compiled = path.endswith(".pyc") or source.startswith(MAGIC_NUMBER)
        loader = SourcelessFileLoader if self._is_compiled else SourceFileLoader
        main.__dict__.update(__file__=path, __cached__=None, __loader__=loader("__main__", path))

    def load(self, compile: Compile, leave: Leave) -> None:
        """Compile it, or read what is compiled."""
        try:
            if self._is_compiled:
                loader = self._module.__loader__
                assert isinstance(loader, SourcelessFileLoader)
                self._code = loader.get_code("__main__")
            else:
                self._code = self._compiled(compile)
        except (SyntaxError, ValueError, RecursionError, MemoryError, ImportError, EOFError):
            leave()
            run_plainly(self._program)

    def _compiled(self, instrumenting: Compile) -> CodeType:
        """The code. Warnings are those of plain Python: for a script they come with every run, cached code or not."""
        with catch_warnings():
            simplefilter("ignore")  # they would precede an error
            code, warns = instrumenting(self._source, self._path, "__main__")
        if warns:
            compile(self._source, self._path, "exec", dont_inherit=True)
        return code

    def run(self, call: Call) -> None:
        """Run it."""
        assert self._code is not None
        call(exec, self._code, vars(self._module))

    def began(self, error: BaseException | None) -> bool:
        """It did: what cannot be compiled is run elsewhere."""
        del error
        return True


def _reached_program(error: BaseException) -> bool:
    """Whether the traceback goes through the function of runpy that runs code."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code is runpy._run_code.__code__:  # type: ignore[attr-defined]
            return True
        trace = trace.tb_next
    return False


def forget_file() -> None:
    """A script that has run to its end, or into an error, no longer has a `__file__`: exit handlers see that."""
    main = sys.modules.get("__main__")
    variables = {} if main is None else vars(main)
    variables.pop("__file__", None)
    variables.pop("__cached__", None)


def _fresh_main() -> ModuleType:
    """A `__main__` as the interpreter makes it, in place of ours."""
    ours = sys.modules["__main__"]
    main = ModuleType("__main__")
    if "__annotations__" in vars(ours):  # modules have them from the start until 3.13
        main.__annotations__ = {}
    main.__dict__.update(__builtins__=builtins, __loader__=BuiltinImporter)
    sys.modules["__main__"] = main
    return main


def _set_first_path(directory: str | None, *, always: bool = False) -> None:
    """Put the program's directory where ours is, or nowhere if `-P` or `-I` asks for that; an archive must be there."""
    if not directory:
        return
    if not sys.flags.safe_path:
        sys.path[0] = directory
    elif always:
        sys.path.insert(0, directory)


def _is_on_path(path: str) -> bool:
    """Whether modules can be found in it: `pkgutil.get_importer`, whose module takes long to import."""
    if path in sys.path_importer_cache:
        return sys.path_importer_cache[path] is not None
    for hook in sys.path_hooks:
        with suppress(ImportError):
            sys.path_importer_cache.setdefault(path, hook(path))
            return True
    return False


def _absolute(name: str) -> str:
    """As the interpreter does it: joined, not normalised."""
    directory = _working_directory()
    return os.path.join(directory, name) if directory else name


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None
