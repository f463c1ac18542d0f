"""Warnings of the client, which never become exceptions of the program."""

from __future__ import annotations

import warnings

from raceway.errors import RacewayWarning
from raceway.pipeline.complaints import to_standard_error


def warn(warning: RacewayWarning) -> None:
    """Warn as the program wants it; where warnings are errors to it, on standard error."""
    try:
        warnings.warn(warning, stacklevel=2)
    except RacewayWarning:
        to_standard_error(str(warning))
