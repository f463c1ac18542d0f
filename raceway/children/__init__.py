"""Following the processes that a program starts: one report for all of them.

`following` is what a session has of it: it lets started interpreters begin with Raceway (`environment`, `boot`), gives
forked children a part of their own, and gathers the parts (`spool`). `interrupts` makes ends without winding up report.
"""
