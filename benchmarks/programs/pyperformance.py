"""Runs one of pyperformance's pure-Python programs as own code, beside a parked thread, without pyperf's runner.

`python -m benchmarks.programs.pyperformance richards --directory DIR`: the directory has the copies that
`benchmarks.copies` makes, `bm_richards.py` and the like. `--tool` runs it under another tool instead of plainly.
"""

from __future__ import annotations

import importlib
import sys
import time
import types

from benchmarks.programs.adapters import ADAPTERS
from benchmarks.programs.measuring import measure, nothing, parser
from benchmarks.programs.parked import parked_thread


def main() -> None:
    """Import the program, run its work, tell what it cost."""
    command = parser(__doc__)
    command.add_argument("program", choices=sorted(ADAPTERS))
    command.add_argument("--directory", required=True, help="where the copies are")
    command.add_argument("--tool", choices=("settrace", "coverage"), help="trace the work with this")
    options = command.parse_args()
    adapter = ADAPTERS[options.program]
    stand_in_for_pyperf()
    sys.path.insert(0, options.directory)
    with parked_thread():
        module = importlib.import_module(adapter.module)
        work = nothing if options.dry else adapter.make(module, adapter.sizes[options.size])
        if options.tool is None:
            measure(work)
        else:
            from benchmarks.programs.tracing import TOOLS

            stop = TOOLS[options.tool]()
            measure(work)
            stop()


def stand_in_for_pyperf() -> None:
    """The programs use nothing of pyperf but its clock, outside of their `__main__`."""
    stand_in = types.ModuleType("pyperf")
    stand_in.__dict__["perf_counter"] = time.perf_counter
    sys.modules["pyperf"] = stand_in


if __name__ == "__main__":
    main()
