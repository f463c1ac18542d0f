"""`python -m raceway.run`: the entry point that needs nothing but the interpreter the program runs on."""

from __future__ import annotations

import sys

from raceway.cli.run import main

if __name__ == "__main__":
    main(sys.argv[1:], "python -m raceway.run")
