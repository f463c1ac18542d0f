"""The choice of detection core.

`RACEWAY_CORE=pure` and `--core pure` ask for the Python core, `native` for the C core. A core that is asked for and
cannot be had is an error; `auto` takes the best there is.
"""

from __future__ import annotations

from raceway.errors import CoreUnavailableError
from raceway.model.typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raceway.runtime.contract import Core


def make_core(name: str) -> Core:
    """The core called `name`: "pure", "native" or "auto". Raises CoreUnavailableError when it cannot be had, or is not
    what its source files say."""
    if name == "pure":
        return _pure()
    try:
        from raceway.runtime.native import NativeCore, is_stale
    except ImportError as error:
        why = "it was not built for this interpreter" if error.name == "raceway" else str(error)
        cause = f"the native core cannot be loaded ({why})"
        if name == "native":
            remedy = "install Raceway again where a C compiler and Python's headers are, or use --core pure"
            raise CoreUnavailableError(f"{cause}; {remedy}") from error
        return _pure(cause)
    if is_stale():
        raise CoreUnavailableError(
            "the native core is older than its source files in this checkout; build it again (make setup), "
            "or use --core pure"
        )
    return NativeCore()


def _pure(fallback: str = "") -> Core:
    from raceway.runtime.pure import PureCore

    return PureCore(fallback)
