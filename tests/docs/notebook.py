"""Runs a notebook in the working directory and prints the text of its outputs: `python notebook.py FILE`.

A process of its own, since a kernel's machinery warns and starts event loops.
"""

from __future__ import annotations

import sys

import nbformat
from nbclient import NotebookClient

_TIMEOUT_S = 120

notebook = nbformat.read(sys.argv[1], as_version=4)  # type: ignore[no-untyped-call]
NotebookClient(notebook, timeout=_TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": "."}}).execute()
for cell in notebook.cells:
    for output in cell.get("outputs", ()):
        sys.stdout.write(output.get("text", ""))
