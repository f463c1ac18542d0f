"""Updates lost by unlocked `+=`: four threads, a switch interval of a microsecond, 1.6 million updates of each form.

`python -m benchmarks.lost_updates` runs it plainly: CPython with a GIL loses none since 3.10, for it switches threads
only at calls and loop ends. A probe that lets threads switch between the read and the write shows up as lost updates.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from benchmarks.programs.measuring import parser, peak_mb, tell

THREADS = 4
SIZES = {"tiny": 100, "small": 10_000, "full": 400_000}
"""Updates of each thread, of each form."""

total = 0


class Account:
    """A number in an attribute."""

    def __init__(self) -> None:
        self.balance = 0


def attribute(count: int) -> int:
    """`object.attribute += 1`: how many updates were done."""
    account = Account()

    def add() -> None:
        for _ in range(count):
            account.balance += 1

    together(add)
    return account.balance


def subscript(count: int) -> int:
    """`items[key] += 1`, of a list and of a dictionary; gives the lesser."""
    numbers, names, index, key = [0, 0], {"key": 0}, 1, "key"

    def add() -> None:
        for _ in range(count):
            numbers[index] += 1
            names[key] += 1

    together(add)
    return min(numbers[1], names["key"])


def name_of_module(count: int) -> int:
    """`+=` on a global."""
    global total
    total = 0

    def add() -> None:
        global total
        for _ in range(count):
            total += 1

    together(add)
    return total


def cell(count: int) -> int:
    """`+=` on a variable of an enclosing function."""
    value = 0

    def add() -> None:
        nonlocal value
        for _ in range(count):
            value += 1

    together(add)
    return value


FORMS: dict[str, Callable[[int], int]] = {
    "attribute": attribute,
    "subscript": subscript,
    "global": name_of_module,
    "cell": cell,
}


def together(add: Callable[[], None]) -> None:
    """Run it in all threads at once."""
    threads = [threading.Thread(target=add) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> None:
    """Tell how many updates each form has lost."""
    options = parser(__doc__).parse_args()
    count = 1 if options.dry else SIZES[options.size]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        lost = {name: THREADS * count - form(count) for name, form in FORMS.items()}
    finally:
        sys.setswitchinterval(before)
    tell({"peak_mb": peak_mb(), "updates": THREADS * count, "lost": lost})


if __name__ == "__main__":
    main()
