"""The settings of a run: one frozen table, filled from arguments, the environment, `pyproject.toml` and defaults.

Serves every entry point. A setting is declared once, as a field of `Config`; its option, its `RACEWAY_*` variable, its
key in `[tool.raceway]` and its line of help follow from that.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator, Mapping

from raceway.errors import ConfigError
from raceway.model.kinds import Severity
from raceway.model.struct import Struct, abouts, defaults, field
from raceway.model.typing import Any, Literal, assert_never

FILE_NAME = "pyproject.toml"

_TABLES = (b"[tool.raceway", b"[tool]", b"tool.raceway", b"tool=")
"""What a line begins with, but for `_BLANKS`, that a setting of ours follows."""

_BLANKS = b" \t\"'\xef\xbb\xbf"
"""Quotes, blanks, and the mark of UTF-8 at the start."""

_NEVER = "never"
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})
_SEVERITIES = tuple(severity.value for severity in Severity)


class Kind(enum.Enum):
    """What values a setting takes."""

    GLOBS = "globs"
    RULES = "rules"
    FILE = "file"
    DIRECTORY = "directory"
    TEXT = "text"
    FLAG = "flag"
    SEVERITY = "severity"
    LIMIT = "limit"
    CHOICE = "choice"


class About(Struct):
    """What a field of `Config` says of itself."""

    kind: Kind
    help: str
    choices: tuple[str, ...] = ()


class Config(Struct):
    """The settings of one run. Paths are absolute."""

    include: tuple[str, ...] = field(
        default=(),
        about=About(Kind.GLOBS, "also watch these modules: a glob over dotted names; a package covers its submodules"),
    )
    exclude: tuple[str, ...] = field(
        default=(), about=About(Kind.GLOBS, "do not watch these modules; wins over --include")
    )
    json: str | None = field(default=None, about=About(Kind.FILE, "write the report as JSON"))
    html: str | None = field(default=None, about=About(Kind.FILE, "write the report as one HTML page"))
    sarif: str | None = field(default=None, about=About(Kind.FILE, "write the report as SARIF 2.1.0"))
    junit: str | None = field(default=None, about=About(Kind.FILE, "write the report as JUnit XML"))
    show: Severity = field(
        default=Severity.WARNING,
        about=About(Kind.SEVERITY, "least severity that is shown (default: warning)", _SEVERITIES),
    )
    fail_on: Severity | None = field(
        default=Severity.ERROR,
        about=About(
            Kind.LIMIT, "least severity that makes the run end with 66 (default: error)", (*_SEVERITIES, _NEVER)
        ),
    )
    baseline: str | None = field(
        default=None, about=About(Kind.FILE, "report only what this baseline or JSON report lacks")
    )
    suppress: tuple[str, ...] = field(
        default=(), about=About(Kind.RULES, "leave out findings of this rule: KIND [variable=GLOB] [file=GLOB] [# why]")
    )
    suppressions: str | None = field(default=None, about=About(Kind.FILE, "read such rules from a file, one a line"))
    predict: bool = field(default=False, about=About(Kind.FLAG, "also report what the order of locks hid, as info"))
    switching: Literal["plain", "often"] = field(
        default="plain",
        about=About(Kind.CHOICE, "plain, or often: threads switch more, for more orders of steps", ("plain", "often")),
    )
    live: bool = field(default=False, about=About(Kind.FLAG, "report each finding when it is found, too"))
    children: Literal["follow", "ignore"] = field(
        default="follow",
        about=About(Kind.CHOICE, "watch the processes that the program starts (default: follow)", ("follow", "ignore")),
    )
    endpoint: str | None = field(default=None, about=About(Kind.TEXT, "send events to the collector at this URL"))
    trace: str | None = field(default=None, about=About(Kind.FILE, "write the events to a file"))
    events: Literal["shared", "full"] = field(
        default="shared",
        about=About(Kind.CHOICE, "which events are sent or written", ("shared", "full")),
    )
    functions: bool = field(
        default=False, about=About(Kind.FLAG, "add to the events which functions are entered and left, and errors")
    )
    quiet: bool = field(
        default=False, about=About(Kind.FLAG, "print nothing on standard error unless a finding is shown")
    )
    explain_on: Literal["never", "SIGUSR1", "SIGUSR2"] = field(
        default="never",
        about=About(
            Kind.CHOICE, "say on this signal who waits for which lock (default: never)", ("never", "SIGUSR1", "SIGUSR2")
        ),
    )
    off_on: Literal["never", "SIGUSR1", "SIGUSR2"] = field(
        default="never",
        about=About(Kind.CHOICE, "watch no longer after this signal (default: never)", ("never", "SIGUSR1", "SIGUSR2")),
    )
    debug: bool = field(default=False, about=About(Kind.FLAG, "say why each module is watched or not"))
    cache_dir: str | None = field(
        default=None,
        about=About(Kind.DIRECTORY, "keep instrumented bytecode here (default: the user's cache; empty: nowhere)"),
    )
    core: Literal["auto", "pure", "native"] = field(
        default="auto",
        about=About(Kind.CHOICE, "detection core (default: auto, the best there is)", ("auto", "pure", "native")),
    )
    enabled: bool = field(default=True, about=About(Kind.FLAG, "watch at all; 0 runs the program plainly"))


class Setting(Struct):
    """One row of the table."""

    name: str
    about: About
    default: object

    @property
    def key(self) -> str:
        """Its spelling in files and options: `fail-on`."""
        return self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """Its environment variable: `RACEWAY_FAIL_ON`."""
        return f"RACEWAY_{self.name.upper()}"


SETTINGS = tuple(Setting(name, about, defaults(Config)[name]) for name, about in abouts(Config).items())
"""The table: every setting with its kind, default and help."""

OPTIONS = tuple(setting for setting in SETTINGS if setting.name != "enabled")
"""The settings that the command line takes."""

_BY_NAME = {setting.name: setting for setting in SETTINGS}

_OTHERS = ("CONFIG", "API_KEY", "INSTANCE_ID", "CHILD", "CHILD_PYTHONPATH", "PGO", "WERROR", "CFLAGS", "REQUIRE_NATIVE")
_VARIABLES = [*(setting.variable for setting in SETTINGS), *(f"RACEWAY_{name}" for name in _OTHERS)]


def resolve(
    arguments: Mapping[str, object], environ: Mapping[str, str] | None = None, start_directory: str | None = None
) -> Config:
    """The settings: arguments over the environment over the nearest `pyproject.toml` over defaults.

    `arguments` are by field name, None for what was not given; `config` names a file to read instead of the nearest
    one. Without `environ` and `start_directory` those of the process are taken. Raises ConfigError.
    """
    variables = os.environ if environ is None else environ
    start = _working_directory() if start_directory is None else start_directory
    named = _file_named(arguments.get("config"), variables)
    values = dict(_from_file(os.path.join(start, named), start) if named else _from_nearest(start))
    values.update(_from_environment(variables, start))
    values.update(_from_arguments(arguments, start))
    return Config(**values)


def is_output(setting: Setting) -> bool:
    """Whether the setting names a file that the run writes."""
    return setting.about.kind is Kind.FILE and setting.name not in ("baseline", "suppressions")


def outputs(config: Config) -> list[str]:
    """The files that the run is to write."""
    paths = (getattr(config, setting.name) for setting in SETTINGS if is_output(setting))
    return [path for path in paths if path is not None]


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed; Python runs programs from there all the same
        return ""


def _file_named(argument: object, variables: Mapping[str, str]) -> str:
    """The file that is to be read instead of the nearest one; empty when none is named."""
    if argument is None:
        return variables.get("RACEWAY_CONFIG", "")
    if not isinstance(argument, (str, os.PathLike)) or not os.fspath(argument):
        raise ConfigError(f"config: expected a path, not {argument!r}")
    return os.fsdecode(argument)


def _from_arguments(arguments: Mapping[str, object], start: str) -> Iterator[tuple[str, Any]]:
    for name, value in arguments.items():
        if name == "config":
            continue
        if name not in _BY_NAME:
            raise ConfigError(f"there is no setting {name!r}{_suggestion(name, list(_BY_NAME))}")
        if value is not None:
            yield name, _read(_BY_NAME[name], value, name, start)


def _from_environment(variables: Mapping[str, str], start: str) -> Iterator[tuple[str, Any]]:
    for name in variables:
        if name.startswith("RACEWAY_") and name not in _VARIABLES and (known := _close(name, _VARIABLES, 0.92)):
            raise ConfigError(f"there is no variable {name}; did you mean {known}?")
    for setting in SETTINGS:
        value = variables.get(setting.variable)
        if value or (value is not None and setting.about.kind is Kind.DIRECTORY):  # nowhere is a directory, too
            yield setting.name, _read(setting, value, setting.variable, start)


def _from_nearest(start: str) -> Iterator[tuple[str, Any]]:
    """The settings of the nearest `pyproject.toml`, which may well say nothing of Raceway."""
    directory = start
    while directory:
        path = os.path.join(directory, FILE_NAME)
        if os.path.isfile(path):
            yield from _from_file(path, start, required=False)
            return
        parent = os.path.dirname(directory)
        directory = parent if parent != directory else ""


def _from_file(path: str, start: str, *, required: bool = True) -> Iterator[tuple[str, Any]]:
    content = _content(path)
    if not required and not _may_have_table(content):  # most have nothing for us, and need no parser
        return
    import tomllib

    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    tools = document.get("tool", {})
    table = tools.get("raceway") if isinstance(tools, dict) else None
    if table is None and not required:
        return
    if not isinstance(table, dict):
        raise ConfigError(f"{path} has no table [tool.raceway]")
    keys = {setting.key: setting for setting in SETTINGS}
    for key, value in table.items():
        setting = keys.get(key.replace("_", "-"))
        if setting is None:
            raise ConfigError(f"{path}: unknown key {key!r} in [tool.raceway]{_suggestion(key, list(keys))}")
        yield setting.name, _read(setting, value, f"{path}: {key}", start)


def _may_have_table(content: bytes) -> bool:
    """Whether a line of the file can begin what `[tool.raceway]` holds, in one of the spellings that TOML has."""
    lines = (line.translate(None, _BLANKS) for line in content.splitlines())
    return b"raceway" in content and any(line.startswith(_TABLES) for line in lines)


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}; correct the path") from None


def _close(word: str, known: list[str], cutoff: float = 0.6) -> str:
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, known, 1, cutoff)), "")


def _suggestion(word: str, known: list[str]) -> str:
    close = _close(word, known)
    return f"; did you mean {close!r}?" if close else f"; there are {', '.join(known)}"


def _read(setting: Setting, value: object, source: str, start: str) -> object:
    """The value of a setting as `Config` holds it; `source` names where it was given."""
    kind = setting.about.kind
    match kind:
        case Kind.GLOBS:
            return _globs(value, source)
        case Kind.RULES:
            return _rules(value, source)
        case Kind.FLAG:
            return _flag(value, source)
        case Kind.SEVERITY | Kind.LIMIT | Kind.CHOICE:
            return _choice(setting, value, source)
        case Kind.FILE | Kind.DIRECTORY:
            if not isinstance(value, (str, os.PathLike)) or (kind is Kind.FILE and not os.fspath(value)):
                raise ConfigError(f"{source}: expected a {'path' if kind is Kind.FILE else 'directory'}, not {value!r}")
            return os.path.join(start, os.fsdecode(value)) if os.fspath(value) else ""
        case Kind.TEXT:
            if not isinstance(value, str):
                raise ConfigError(f"{source}: expected a text, not {value!r}")
            return value
    assert_never(kind)


def is_enabled() -> bool:
    """Whether the environment leaves Raceway on: `RACEWAY_ENABLED`. Raises ConfigError."""
    value = os.environ.get("RACEWAY_ENABLED")
    return _flag(value, "RACEWAY_ENABLED") if value else True


def _globs(value: object, source: str) -> tuple[str, ...]:
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(glob, str) for glob in found):
        raise ConfigError(f"{source}: expected a list of module names or globs, not {value!r}")
    globs = tuple(glob.strip() for several in found for glob in several.split(",") if glob.strip())
    for glob in globs:
        if "/" in glob or glob.endswith(".py"):
            raise ConfigError(f"{source}: {glob!r} is a path; globs are over dotted module names, such as shop.*")
    return globs


def _rules(value: object, source: str) -> tuple[str, ...]:
    """Suppressions as they are spelled; one text may hold several lines."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(rule, str) for rule in found):
        raise ConfigError(f"{source}: expected a list of suppressions, not {value!r}")
    return tuple(line.strip() for several in found for line in several.splitlines() if line.strip())


def _flag(value: object, source: str) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ConfigError(f"{source}: expected true or false, not {value!r}")


def _choice(setting: Setting, value: object, source: str) -> object:
    word = value.value if isinstance(value, Severity) else value
    if not isinstance(word, str) or word not in setting.about.choices:
        raise ConfigError(f"{source}: {word!r} is not one of {', '.join(setting.about.choices)}")
    if setting.about.kind is Kind.CHOICE:
        return word
    return None if word == _NEVER else Severity(word)


def cache_directory(config: Config | None = None) -> str:
    """Where instrumented bytecode is kept, by the XDG rules unless a setting says otherwise; empty for nowhere."""
    if config is not None and config.cache_dir is not None:
        return config.cache_dir
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "raceway") if os.path.isabs(base) else ""


def instance_id() -> str:
    """What tells this process from others of its service: `RACEWAY_INSTANCE_ID`, else made of host and process."""
    import platform

    return os.environ.get("RACEWAY_INSTANCE_ID") or f"{platform.node() or 'localhost'}-{os.getpid()}"


def api_key() -> str | None:
    """The key for the collector, from `RACEWAY_API_KEY`: on a command line everybody on the machine could read it."""
    return os.environ.get("RACEWAY_API_KEY") or None


def has_dumb_terminal() -> bool:
    """Whether the terminal says that it knows no escape codes."""
    return os.environ.get("TERM", "dumb") == "dumb"


def temporary_directory() -> str:
    """Where short-lived files go, by the first rule of `tempfile`, which takes long to import."""
    return os.environ.get("TMPDIR") or "/tmp"


def program_environment() -> dict[bytes, bytes]:
    """A copy of the environment of this process."""
    return dict(os.environb)


def take_from_environment(*names: str) -> dict[str, str]:
    """The values of those variables that are set, which are unset from now on."""
    return {name: os.environ.pop(name) for name in names if name in os.environ}


def put_into_environment(name: str, value: str | None) -> None:
    """Set a variable; None unsets it."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def helper_environment() -> dict[str, str]:
    """The environment for a Python process of ours: what is meant for the program's interpreter is left out."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "RACEWAY_"))}
