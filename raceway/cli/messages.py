"""What docs/messages.md says of a message, by its slug: for who has installed Raceway and has no documents at hand.

Serves `raceway explain`. An installation has a copy of the page beside this file (setup.py), a checkout the page.
"""

from __future__ import annotations

import os
import re

_HERE = os.path.dirname(os.path.abspath(__file__))
_PLACES = (os.path.join(_HERE, "messages.md"), os.path.join(_HERE, "..", "..", "docs", "messages.md"))
_ENTRY = re.compile(r"^### `([a-z-]+)`$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]*)\]\([^)\s]*\)")


def entries() -> dict[str, str]:
    """The text of each entry, in paragraphs, by its slug; nothing where the page is not there."""
    for path in _PLACES:
        try:
            with open(path, encoding="utf-8") as file:
                page = file.read()
        except OSError:
            continue
        parts = _ENTRY.split(page)
        return {slug: _text(body) for slug, body in zip(parts[1::2], parts[2::2], strict=True)}
    return {}


def _text(body: str) -> str:
    """An entry without its links and without the headings behind it."""
    return _LINK.sub(r"\1", re.split(r"^#", body, maxsplit=1, flags=re.MULTILINE)[0]).strip()
