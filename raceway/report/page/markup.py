"""Text for the HTML page: escaped, and Python source with colours. Serves the page.

The only way of a program's text into the page. Characters that do not print, those that turn the direction of
writing among them, become backslash escapes: what is shown is what is there.
"""

from __future__ import annotations

import html
import keyword
import re

from raceway.report.lines import printable

_TOKEN = re.compile(
    r"""
    (?P<comment>\#.*)
  | (?P<string>[rRbBuUfF]{0,2}(?:\"\"\"(?:.*?\"\"\"|.*)|'''(?:.*?'''|.*)|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?))
  | (?P<number>\b\d[\w.]*)
  | (?P<name>[^\W\d]\w*)
    """,
    re.VERBOSE,
)
_SEPARATOR = re.compile(r"([/\\])")
_QUOTED = re.compile("`([^`]*)`")
_DEFINES = frozenset({"def", "class"})


def text(value: str) -> str:
    """The text for anywhere between tags or inside a quoted attribute."""
    return html.escape(printable(value, "utf-8"), quote=True)


def code(value: str) -> str:
    """A short piece of code or a name, in the font of code."""
    return f"<code>{text(value)}</code>"


def place(file: str, line: int) -> str:
    """A line of a file, which may be broken behind the folders."""
    shown = _SEPARATOR.sub(r"\1<wbr>", text(f"{file}:{line}"))
    return f'<span class="place">{shown}</span>'


def prose(value: str) -> str:
    """A sentence of ours, in which back quotes mark code."""
    return _QUOTED.sub(r"<code>\1</code>", text(value))


def highlighted(line: str) -> str:
    """One line of Python with its words marked. A line is all it sees: the middle of a long string may look like
    code.
    """
    parts, at, defines = [], 0, False
    for token in _TOKEN.finditer(line):
        parts.append(text(line[at : token.start()]))
        at = token.end()
        word, sort = token.group(), str(token.lastgroup)
        if sort == "name":
            sort = "def" if defines else "keyword" if keyword.iskeyword(word) else ""
            defines = word in _DEFINES
        parts.append(f'<span class="t-{sort}">{text(word)}</span>' if sort else text(word))
    parts.append(text(line[at:]))
    return "".join(parts)


def marked(line: str, start: int, end: int) -> str:
    """The line with the characters from `start` to `end` marked; the whole line when they do not lie in it."""
    if not 0 <= start < end <= len(line):
        return highlighted(line)
    return f"{highlighted(line[:start])}<mark>{highlighted(line[start:end])}</mark>{highlighted(line[end:])}"
