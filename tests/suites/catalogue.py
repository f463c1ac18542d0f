"""The suites: which packages, at which versions, and how their tests are started. Read from `suites.toml`."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

CATALOGUE = Path(__file__).with_name("suites.toml")


class Suite(Struct, frozen=True, forbid_unknown_fields=True):
    """One package. Versions are exact; `requires` is what its tests need, `include` what is watched beside the tests.

    `arguments` go to pytest, which runs in the directory `within` the unpacked source distribution. Where that leaves
    the tests out, they are taken from the package's Git `repository`, at its `tag`. `explained` has a reason for each
    test that differs in principle, by test id.
    """

    version: str
    include: tuple[str, ...]
    repository: str = ""
    tag: str = ""
    arguments: tuple[str, ...] = ("tests",)
    requires: tuple[str, ...] = ()
    within: str = "."
    explained: dict[str, str] = {}
    environ: dict[str, str] = {}
    timeout_s: int = 900


class Catalogue(Struct, frozen=True, forbid_unknown_fields=True):
    """`common` is installed in every environment."""

    common: tuple[str, ...]
    suite: dict[str, Suite]


def load(path: Path = CATALOGUE) -> Catalogue:
    """The catalogue that the file holds."""
    return msgspec.toml.decode(path.read_bytes(), type=Catalogue)
