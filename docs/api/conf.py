"""How Sphinx builds the API reference: `make docs`. Everything comes from docstrings; a warning is an error."""

from __future__ import annotations

import typing

from raceway import __version__
from raceway.model import typing as words

# The package has stand-ins for the words of `typing`, which the signatures should not show.
for word in words.__all__:
    if word != "TYPE_CHECKING":
        setattr(words, word, getattr(typing, word))

project = "Raceway"
author = "The Raceway developers"
release = version = __version__
extensions = ["sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_class_signature = "separated"
nitpicky = False
html_theme = "alabaster"
html_theme_options = {"description": "A race detector for Python", "show_powered_by": False}
html_copy_source = False
