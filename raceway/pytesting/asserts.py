"""Test modules with asserts that are rewritten and taps: pytest's import hook, made to give instrumented code.

The hook loads test modules itself, from the tree of the module. The taps are put into the tree after it has rewritten
the asserts, so what pytest tells of a failed one is the same. This file alone knows the hook's insides.
"""

from __future__ import annotations

import ast
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from raceway.model.typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raceway.session import Session


def find_hook() -> Any:
    """pytest's hook; None when asserts are left alone (`--assert=plain`)."""
    try:
        from _pytest.assertion.rewrite import AssertionRewritingHook
    except ImportError:  # another pytest than we know
        return None
    return next((finder for finder in sys.meta_path if isinstance(finder, AssertionRewritingHook)), None)


def compose(hook: Any, session: Session, config: pytest.Config) -> None:
    """From now on what the hook loads is instrumented, too, when it is in scope."""
    from _pytest.assertion.rewrite import rewrite_asserts

    from raceway.autoinstrument.foreign import Finish

    passing = bool(config.getini("enable_assertion_pass_hook"))
    name = f"+asserts {pytest.__version__} {passing}"

    def finishing(spec: ModuleSpec) -> Finish:
        path = spec.origin or ""
        hook._rewritten_names[spec.name] = Path(path)

        def rewrite(tree: ast.Module) -> None:
            rewrite_asserts(tree, Path(path).read_bytes(), path, config)

        return Finish(name, rewrite)

    session.finder.adopt(hook, finishing, session.compile)
