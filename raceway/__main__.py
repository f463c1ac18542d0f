"""`python -m raceway`: the command `raceway`, for where no scripts are installed."""

from __future__ import annotations

import sys

_beside = [] if sys.flags.safe_path else sys.path[:1]  # as in run.py
del sys.path[: len(_beside)]
from raceway.cli import main  # noqa: E402

sys.path[:0] = _beside

if __name__ == "__main__":
    main()
