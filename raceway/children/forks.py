"""Forks of this process, told to whoever follows them. Python has no way to take back what was asked of it at forks.

`before` is called in the parent, `after` in the child, both in the thread that forks.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable

_Told = tuple[Callable[[], None], Callable[[], None]]
_told: list[_Told] = []


def follow_forks(before: Callable[[], None], after: Callable[[], None]) -> Callable[[], None]:
    """Have both called at each fork, until what is returned is called."""
    _register()
    told = before, after
    _told.append(told)
    return lambda: _told.remove(told)


@functools.cache  # what is registered stays for good
def _register() -> None:
    os.register_at_fork(before=_before, after_in_child=_after)


def _before() -> None:
    for before, _after_it in _told:
        before()


def _after() -> None:
    for _before_it, after in _told:
        after()
