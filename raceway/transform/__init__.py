"""Source to instrumented source: where taps go, and the code object and text that have them.

`install` is the public entry point of the import hook, found here too; it is looked up on first use, since this
package knows nothing of hooks.
"""

from __future__ import annotations

from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.transform.rewriting import Instrumented as Instrumented
    from raceway.transform.rewriting import instrument as instrument
    from raceway.transform.rewriting import show as show

__all__ = ["Instrumented", "install", "instrument", "show"]


def __getattr__(name: str) -> Any:
    """Resolve the public names when they are first used: libcst takes long to import."""
    if name == "install":
        from raceway.autoinstrument import install

        return install
    if name in __all__:
        from raceway.transform import rewriting

        return getattr(rewriting, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
