"""The programs that are measured, each a process of its own: `python -m benchmarks.programs.locks --size tiny`.

All of them are instrumented in a run under Raceway, so they are written as users write theirs, and are free of races.
"""
