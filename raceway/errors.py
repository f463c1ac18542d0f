"""Every error and warning of Raceway. Each has a slug that is also its entry in `docs/messages.md`."""

from __future__ import annotations


class RacewayError(Exception):
    """Base of all errors a caller may handle. `slug` names the entry in the messages page."""

    slug = "error"


class ConfigError(RacewayError):
    """A setting, option or path is wrong; the command line prints it as one line and ends with status 2."""

    slug = "config"


class CoreUnavailableError(RacewayError):
    """The detection core that was asked for cannot be loaded here."""

    slug = "core-unavailable"


class TransformError(RacewayError):
    """A module cannot be instrumented; it runs as it is and is listed under `not_seen`."""

    slug = "not-transformed"


class RacewayContextError(RacewayError, RuntimeError):
    """A hand-written tracking call was made where no trace is active."""

    slug = "no-context"

    page = "https://docs.raceway.dev/python/context"

    def __init__(self, call: str) -> None:
        super().__init__(
            f"{call}() called outside of Raceway context\n"
            "\n"
            "Did you forget to:\n"
            "  1. Initialize context with the @raceway_context decorator, or client.start_trace()?\n"
            "  2. Set up the middleware for Flask, FastAPI, Django or aiohttp?\n"
            "  3. Call create_context() manually?\n"
            "\n"
            f"See: {self.page}"
        )
        self.call = call

    def __reduce__(self) -> tuple[type[RacewayContextError], tuple[str]]:
        return type(self), (self.call,)


class RacewayWarning(UserWarning):
    """Base of warnings, so that one filter silences them."""

    slug = "warning"


class NativeCoreWarning(RacewayWarning):
    """The native core cannot be loaded, and nobody asked for one by name: the pure core is used, the report says so."""

    slug = "native-core-missing"


class MisplacedOptionWarning(RacewayWarning):
    """An option of Raceway stands after the program, which got it; a line at the end of the report says so."""

    slug = "option-after-program"


class SelfCheckWarning(RacewayWarning):
    """The race that every run plants was not found, so its report is worth nothing."""

    slug = "self-check-failed"


class ReportError(RacewayError):
    """A report file cannot be read back: it is cut off, not a report, or of another schema."""

    slug = "report-unreadable"


class PluginWarning(RacewayWarning):
    """A plugin raised; it is left out from then on."""

    slug = "plugin-disabled"


class RecompileWarning(RacewayWarning):
    """A decorated function cannot be instrumented on its own; it runs as it is."""

    slug = "not-recompiled"


class SuppressionError(ConfigError):
    """A suppression does not parse: in a setting, a suppression file, or a comment of the program."""

    slug = "suppression-unreadable"


class NotWrittenError(RacewayError):
    """A report file could not be written in the end; what it should hold goes to standard error."""

    slug = "report-not-written"
