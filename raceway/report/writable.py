"""Whether a report file could be written in the end, asked before the run. Serves the command line and pytest.

Apart from `files`, which brings in what renders reports: nothing of that is imported before a program starts.
"""

from __future__ import annotations

import os

from raceway.errors import ConfigError


def check_writable(path: str) -> None:
    """Raise ConfigError for a file that cannot be written. Leaves no trace in the file system."""
    try:
        _try_to_open(path)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}; give a path that can be written") from None


def _try_to_open(path: str) -> None:
    there = os.path.lexists(path)
    if there and not os.path.isfile(path) and not os.path.isdir(path):
        return  # a pipe or a device: opening it would be noticed
    with open(path, "ab"):
        pass
    if not there:
        os.unlink(path)
