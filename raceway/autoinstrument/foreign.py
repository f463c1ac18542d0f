"""Loaders of others that make code of a module's tree: they are made to give the same code, instrumented.

Serves the pytest plugin: pytest loads test modules itself, to rewrite their asserts.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType

from raceway.autoinstrument.loader import Executed, as_importlib, hide_frame
from raceway.autoinstrument.scope import Scope
from raceway.autoinstrument.source import Source
from raceway.model.struct import Struct
from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ast


class Finish(Struct):
    """What the loader does to a module's tree. `name` tells it from what others do, and from its own other versions."""

    name: str
    apply: Callable[[ast.Module], None]


Make = Callable[[Source, str, str, Finish], CodeType]
"""Source, file name, module name -> code; raises SyntaxError as the compiler does, and OSError."""

Finishing = Callable[[ModuleSpec], Finish]
"""What the loader is about to do to this module, which it counts as loaded from here on."""


def adopt(loader: Any, finishing: Finishing, scope: Scope, make: Make, executed: Executed) -> None:
    """Have the loader run instrumented code of modules in scope, and others as it did."""
    plain = loader.exec_module

    @as_importlib
    def exec_module(module: ModuleType) -> None:
        spec = module.__spec__
        try:
            if spec is None or spec.origin is None or not scope.decide(spec.name, spec.origin).instrument:
                plain(module)
                return
            path = spec.origin
            code = make(Source(lambda: loader.get_data(path), path), path, spec.name, finishing(spec))
            exec(code, module.__dict__)
        except BaseException as error:
            hide_frame(error)
            raise
        executed(spec.name)

    loader.exec_module = exec_module
