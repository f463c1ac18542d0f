"""Modules that are asked for by a call: what the body of a module did -> who is given that module, or one in it, by
`importlib.import_module()` or `__import__()`, whoever calls these. The statements of watched code have a tap of their
own; those of other code tell nothing. The loader tells that a body has run.

On the native core no frame is added. On the pure core one is, under the file name by which warnings pass over the
frames of importlib. A traceback shows none.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Callable, Iterable, Iterator

from raceway.model.typing import Any, Final
from raceway.runtime import active
from raceway.runtime.contract import Recorder
from raceway.sync.patching import Patches
from raceway.sync.wrappers import Failures, hide_frame

BOOTSTRAP: Final = "_frozen_importlib"


def imported(recorder: Recorder, names: Iterable[str]) -> None:
    """The import system gave the current actor these modules."""
    for name in names:
        recorder.imports.given(name)


def _given(module: object, name: object, wanted: object) -> Iterator[str]:
    """The names of the modules that `__import__(name, fromlist=wanted)` gave, and of what else it was asked for."""
    known = vars(module).get("__name__") if isinstance(module, type(sys)) else None
    if type(name) is str:
        yield name
    if type(known) is str:
        yield known
        if type(wanted) in (tuple, list):
            yield from (f"{known}.{one}" for one in wanted if type(one) is str)  # type: ignore[attr-defined]


def telling(real: Callable[..., Any]) -> Callable[..., Any]:
    """A function that gives a module, with the model after it."""
    from opcode import opmap

    current, statement = active.recorder, opmap["IMPORT_NAME"]

    @functools.wraps(real)
    def importer(*args: Any, **kwargs: Any) -> Any:
        try:
            try:
                module = real(*args, **kwargs)
            except BaseException as error:
                hide_frame(error)
                raise
            try:
                if (recorder := current()) is not None:
                    caller = sys._getframe(1)
                    if caller.f_lasti < 0 or caller.f_code.co_code[caller.f_lasti] != statement:
                        name = args[0] if args else kwargs.get("name")
                        wanted = args[3] if len(args) > 3 else kwargs.get("fromlist")
                        imported(recorder, _given(module, name, wanted))
            except Exception:
                Failures.count += 1
            return module
        finally:
            args = kwargs = module = caller = None  # type: ignore[assignment]

    code: Any = importer.__code__  # type: ignore[attr-defined]
    importer.__code__ = code.replace(co_filename="<frozen importlib._bootstrap>")  # type: ignore[attr-defined]
    return importer


def patch(patches: Patches) -> None:
    """Put the model beside the functions."""
    bootstrap: Any = sys.modules[BOOTSTRAP]
    twin = patches.twins.get(imported, telling)
    patches.replace(bootstrap, "_gcd_import", twin(bootstrap._gcd_import))
    patches.stand_in(builtins, "__import__", twin)
