"""Processes of `multiprocessing`: what was told to any -> whoever sees that one has ended.

Who has started the process itself hears of nobody else by its end. The models are put in when the program has imported
`multiprocessing.process`. A traceback shows no frame of ours.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.runtime.contract import Recorder
from raceway.sync import abroad
from raceway.sync.patching import Patches

MODULE = "multiprocessing.process"


def starting(recorder: Recorder, process: object) -> None:
    """The process is about to be started."""
    abroad.telling(recorder, process)


def joined(recorder: Recorder, process: Any, _result: object) -> None:
    """The process was waited for, perhaps in vain."""
    if process._popen is not None and process._popen.returncode is not None:
        abroad.heard(recorder, process)


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if the module has been imported."""
    process = getattr(sys.modules.get(MODULE), "BaseProcess", None)
    if process is not None:
        patches.around(process, "start", before=starting)
        patches.around(process, "join", after=joined)
