"""What a followed interpreter imports first: starts Raceway, and makes room for a `sitecustomize` of the program's own.

It may run on any interpreter that the program starts, also on one that Raceway does not know.
"""

from __future__ import annotations

import sys

import _raceway_child  # type: ignore[import-not-found]

_raceway_child.begin()
sys.modules.pop("sitecustomize", None)
import sitecustomize  # type: ignore[import-not-found]  # noqa: E402, F401
