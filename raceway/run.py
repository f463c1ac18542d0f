"""`python -m raceway.run`: the entry point that needs nothing but the interpreter the program runs on."""

from __future__ import annotations

import sys

_beside = [] if sys.flags.safe_path else sys.path[:1]  # the working directory: it may have a module called like ours
del sys.path[: len(_beside)]
from raceway.cli.run import main  # noqa: E402

sys.path[:0] = _beside

if __name__ == "__main__":
    main(sys.argv[1:], "python -m raceway.run")
