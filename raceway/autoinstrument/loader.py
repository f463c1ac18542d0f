"""Instrumented code for loaders: which loaders can give it, and how they are made to. Serves the import hook.

A loader keeps its class, its name, its path and all its methods; its `get_code` is replaced on the instance, and its
`exec_module` tells when the module has run: threads that import it later happen after that.
Ordinary `.pyc` files are neither read nor written for code that is instrumented.
"""

from __future__ import annotations

import enum
from _thread import get_ident
from collections.abc import Callable
from importlib.machinery import ExtensionFileLoader, NamespaceLoader, SourceFileLoader, SourcelessFileLoader
from importlib.util import LazyLoader
from types import CodeType, FunctionType, MethodType, ModuleType
from zipimport import zipimporter

from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source
from raceway.model.typing import Any

Compile = Callable[[Source, str, str], CodeType]
"""Source, file name, module name -> code; raises SyntaxError as the compiler does, and OSError."""

GetCode = Callable[[Any, str], CodeType | None]
"""A loader's method: the loader, module name -> code."""

SOURCE_FILE_CODE: GetCode = SourceFileLoader.get_code
"""The plain method, saved before the class is given another."""

Executed = Callable[[str], object]
"""Takes the name of a module that has run to its end."""

_IMPORTLIB = "<frozen importlib._bootstrap_external>"
_ARCHIVE_CODE: GetCode = zipimporter.get_code
_STANDARD = frozenset({"_frozen_importlib_external", "importlib._bootstrap_external", "zipimport"})
_UNCOMPILED = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What `compile` raises: the plain way raises it again, as it would have."""


def _nothing(_module: str) -> None:
    pass


class Obstacle(enum.Enum):
    """Why code that a loader brings cannot be instrumented; the values are reasons of `not_seen`."""

    EXTENSION = "extension-module"
    NO_SOURCE = "no-source"
    OTHER_LOADER = "other-loader"


def hide_frame(error: BaseException) -> None:
    """Take the frame that caught `error` out of its traceback; a bare `raise` does not put it back."""
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


def as_importlib(function: Callable[..., Any]) -> Any:
    """The function, under the file name by which warnings and tracebacks pass over the frames of importlib."""
    assert isinstance(function, FunctionType)
    function.__code__ = function.__code__.replace(co_filename=_IMPORTLIB)
    return function


class Instrumenter:
    """Gives the code of modules in scope, instrumented; anything else the plain way.

    `executed` is called, with the module's name, by the thread that has run such a module to its end.
    """

    def __init__(self, scope: Scope, compile: Compile, executed: Executed = _nothing) -> None:
        self.scope = scope
        self.executed = executed
        self.active = False
        self._compile = compile
        self._compiling: set[int] = set()
        self.file_code = instrumented(SOURCE_FILE_CODE, self)
        self.archive_code = instrumented(_ARCHIVE_CODE, self)
        self.exec_module = _executing(executed)
        """Methods for the loaders of modules in scope."""

    @property
    def busy(self) -> bool:
        """Whether this thread is compiling: what it imports for that is left alone."""
        return get_ident() in self._compiling

    def wants(self, module: str, filename: str) -> bool:
        """Whether this module is to be instrumented now."""
        return self.active and not self.busy and self.scope.decide(module, filename).instrument

    def compile(self, source: Source, filename: str, module: str) -> CodeType | None:
        """The instrumented code; None where the plain way is to be taken, also to raise what the compiler raises."""
        thread = get_ident()
        self._compiling.add(thread)
        try:
            return self._compile(source, filename, module)
        except _UNCOMPILED:
            return None
        finally:
            self._compiling.discard(thread)


def equip(loader: Any, instrumenter: Instrumenter) -> Obstacle | None:
    """Make the loader of a module in scope give instrumented code, or tell why that cannot be."""
    if type(loader) is SourceFileLoader:  # most are, and the others are dear to ask
        pass
    elif isinstance(loader, LazyLoader):
        return equip(vars(loader)["loader"], instrumenter)
    elif isinstance(loader, NamespaceLoader):
        return None
    elif isinstance(loader, ExtensionFileLoader):
        return Obstacle.EXTENSION
    elif isinstance(loader, SourcelessFileLoader):
        return Obstacle.NO_SOURCE
    elif not is_standard(loader):
        return Obstacle.OTHER_LOADER
    is_file = isinstance(loader, SourceFileLoader)
    loader.get_code = MethodType(instrumenter.file_code if is_file else instrumenter.archive_code, loader)
    if "exec_module" in vars(loader):
        tell_when_executed(loader, instrumenter.executed)
    else:
        loader.exec_module = MethodType(instrumenter.exec_module, loader)
    return None


def instrumented(plain: GetCode, instrumenter: Instrumenter) -> GetCode:
    """A `get_code` for a class of standard loaders: instrumented for modules in scope, else what `plain` gives."""

    @as_importlib
    def get_code(self: Any, fullname: str) -> CodeType | None:
        # An archive may have the compiled file only, or both and prefer it.
        path = self.get_filename(fullname)
        path = path.removesuffix("c") if path.endswith(".pyc") else path
        if instrumenter.wants(fullname, path) and is_standard(self):
            try:
                code = instrumenter.compile(_source(self, path), path, fullname)
            except OSError:
                code = None
            if code is not None:
                return code
        try:
            return plain(self, fullname)
        except BaseException as error:
            hide_frame(error)
            raise

    return get_code  # type: ignore[no-any-return]


def _source(loader: Any, path: str) -> Source:
    if type(loader) is SourceFileLoader and "get_data" not in vars(loader):
        return Source(lambda: loader.get_data(path), path)
    content = loader.get_data(path)
    return Source(lambda: content)


def tell_when_executed(loader: Any, told: Executed) -> None:
    """Make a loader call `told` each time it has executed its module to the end."""
    loader.exec_module = MethodType(_executing(told, vars(loader).get("exec_module")), loader)


def _executing(told: Executed, exec_before: Callable[[ModuleType], None] | None = None) -> Any:
    """An `exec_module` that calls the one of the loader's class, or `exec_before`, and then `told`."""

    @as_importlib
    def exec_module(self: Any, module: ModuleType) -> None:
        try:
            name = getattr(getattr(module, "__spec__", None), "name", "")
            if exec_before is None:
                type(self).exec_module(self, module)
            else:
                exec_before(module)
        except BaseException as error:
            hide_frame(error)
            raise
        told(name)

    return exec_module


def is_standard(loader: Any) -> bool:
    """Whether the loader goes from source to code, and runs it, the way that Python brings."""
    if type(loader) is SourceFileLoader:  # most are
        return True
    hooks: tuple[str, ...] = ("exec_module", "get_code")
    if isinstance(loader, SourceFileLoader):
        hooks = (*hooks, "source_to_code")
    elif not isinstance(loader, zipimporter):
        return False
    return all(_owner(type(loader), hook).__module__ in _STANDARD for hook in hooks)


def _owner(cls: type, method: str) -> type:
    return next(base for base in cls.__mro__ if method in vars(base))
