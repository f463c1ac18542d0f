"""The directory through which the processes of one run hand in their parts; it lives as long as the run.

One file per process, replaced as a whole each time: first it says that the process has begun, after findings it has
what was found so far, at the end all. So a process that is killed leaves what it had found, and its absence shows.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from raceway import files
from raceway.children.packing import pack, unpack
from raceway.config import Config, temporary_directory
from raceway.model.findings import Part
from raceway.model.struct import Struct, values
from raceway.model.typing import Any

_SETTINGS = "settings"
_SUFFIX = ".part"


class Settings(Struct):
    """What the processes of a run share: the settings, where own code lies, and what paths are relative to."""

    config: Config
    roots: tuple[str, ...]
    directory: str
    began: float
    """When the run began, on the clock `time.monotonic` that all processes read."""
    search: tuple[str, ...]
    """Where the first process finds modules, for one that finds fewer: Raceway needs packages of others."""


class Spool:
    """One such directory."""

    def __init__(self, directory: str) -> None:
        self.directory = directory

    @classmethod
    def create(cls, settings: Settings) -> Spool:
        """A new one, for this user only. Raises OSError."""
        directory = os.path.join(temporary_directory(), f"raceway-{os.getpid()}-{os.urandom(6).hex()}")
        files.make_directory(directory)
        spool = cls(directory)
        spool._put(_SETTINGS, pack(tuple(values(settings))))
        return spool

    def settings(self) -> Settings:
        """What the processes of the run share. Raises OSError and ValueError."""
        return Settings(*self._get(_SETTINGS))

    def hand_in(self, name: str, part: Part) -> None:
        """Put a process's part in the place of what it has handed in before. Raises OSError."""
        self._put(name + _SUFFIX, pack(part))

    def parts(self) -> Iterator[Part]:
        """What has been handed in. A file that cannot be read is passed over: it was never whole."""
        with contextlib.suppress(OSError):
            for name in files.names(self.directory):
                if name.endswith(_SUFFIX):
                    with contextlib.suppress(OSError, ValueError):
                        yield self._get(name)

    def remove(self) -> None:
        """Leave nothing behind. Processes that are still running have nowhere to hand in."""
        with contextlib.suppress(OSError):
            files.remove_directory(self.directory)

    def _get(self, name: str) -> Any:
        return unpack(files.read(os.path.join(self.directory, name)))

    def _put(self, name: str, content: bytes) -> None:
        files.put(os.path.join(self.directory, name), content)
