"""Limits that the program sets on its own address space, of which the native core has reserved much: see
raceway/native/limits.c. Put in when the program has imported `resource`; the pure core reserves nothing.
"""

from __future__ import annotations

import sys

from raceway.runtime import active
from raceway.sync.patching import Patches

MODULE = "resource"


def patch(_patches: Patches) -> None:
    """Have the limits be for what the program asks for. That stays so after the run, as what is reserved stays."""
    recorder = active.recorder()
    if recorder is not None and recorder.native is not None:
        recorder.native.limits_follow(sys.modules[MODULE])
