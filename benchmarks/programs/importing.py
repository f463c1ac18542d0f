"""Imports a package and tells how long the import alone took."""

from __future__ import annotations

import importlib

from benchmarks.programs.measuring import measure, parser


def main() -> None:
    """The whole program. A dry run imports too: that is what fills the cache."""
    command = parser(__doc__)
    command.add_argument("package")
    options = command.parse_args()
    measure(lambda: importlib.import_module(options.package))


if __name__ == "__main__":
    main()
