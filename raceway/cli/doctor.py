"""`raceway doctor`: what is installed here, which core runs and why, what is patched, and whether races are found.

The self-test runs two small programs on each core that loads, in processes of their own: a race that must be found, and
its twin with a lock, about which nothing must be said.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from raceway import __version__
from raceway.cli.options import refuse
from raceway.cli.parser import Parser
from raceway.config import SETTINGS, Config, cache_directory, helper_environment, resolve
from raceway.errors import ConfigError, CoreUnavailableError
from raceway.session import SELF_CHECK_FAILED, Session

_TIMEOUT_S = 60
_LABEL = 10

_RACE = """\
import threading
lock = threading.Lock()
class Account:
    balance = 0
account = Account()
def step():
    return 1
def work():
    {guard}account.balance = account.balance + step()
threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
_CASES = {"race": ("", ["lost-update"]), "ordered twin": ("with lock: ", [])}


def main(arguments: Sequence[str], prog: str) -> int:
    """Tell what there is to tell; the exit status is 0, or that of a failed self-check."""
    given = parser(prog).parse_args(arguments)
    try:
        config = resolve({"core": given.core})
        session = Session(config, ("doctor",))
    except (ConfigError, CoreUnavailableError) as error:
        refuse(prog, error)
    for label, value in _facts(session, config, verbose=given.verbose):
        print(f"{label:{_LABEL}}{value}")
    failed = False
    for core in ("native", "pure"):
        words, fine = _self_test(core)
        failed = failed or not fine
        print(f"{'self-test' if core == 'native' else '':{_LABEL}}{core}: {words}")
    return SELF_CHECK_FAILED if failed else 0


def _facts(session: Session, config: Config, *, verbose: bool) -> Iterator[tuple[str, str]]:
    yield "raceway", f"{__version__}, {os.path.dirname(os.path.dirname(__file__))}"
    session.start()
    patched = session.patched()
    session.stop()
    report = session.report()
    gil = "with a GIL" if report.run.gil else "without a GIL"
    yield "python", f"{report.run.python}, {platform.python_implementation()} {gil}, {sys.executable}"
    asked = f"asked for with --core {config.core}" if config.core != "auto" else "the best there is"
    yield "core", f"{report.tool.core}, {report.tool.fallback or asked}"
    yield "cache", _cache(cache_directory(config))
    yield "settings", ", ".join(_settings(config)) or "all as they are by default"
    owners = sorted({name.rpartition(".")[0] for name in patched})
    yield "patches", f"{len(patched)} attributes while a program is watched, of {', '.join(owners)}"
    if verbose:
        yield from (("", name) for name in patched)


def _cache(directory: str) -> str:
    if not directory:
        return "none: every run instruments anew"
    there = Path(directory)
    while not there.exists() and there != there.parent:
        there = there.parent
    if not os.access(there, os.W_OK):
        return f"{directory}, cannot be written: every run instruments anew; --cache-dir names another place"
    return directory


def _settings(config: Config) -> Iterator[str]:
    for setting in SETTINGS:
        value = getattr(config, setting.name)
        if value != setting.default:
            yield f"{setting.key} = {getattr(value, 'value', value)}"


def _self_test(core: str) -> tuple[str, bool]:
    """What the self-test of a core gave, in words, and whether that is well. A core that is not there is no fault."""
    words = []
    for name, (guard, expected) in _CASES.items():
        kinds, wrong = _kinds(core, _RACE.format(guard=guard))
        if "cannot be loaded" in wrong:
            return "not there", True
        if kinds != expected:
            return f"FAILED on the {name}: found {', '.join(kinds) or 'nothing'}. {wrong}".rstrip(), False
        words.append(f"{name} {'found' if expected else 'silent'}")
    return ", ".join(words), True


def _kinds(core: str, program: str) -> tuple[list[str], str]:
    """The kinds that a run of the program finds, and its last words when it gives no report."""
    with tempfile.TemporaryDirectory() as directory:
        script, output = Path(directory, "planted.py"), Path(directory, "report.json")
        script.write_text(program, encoding="utf-8")
        command = [sys.executable, "-m", "raceway.run", "--quiet", "--core", core, "--cache-dir", "", "--json"]
        home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        try:
            finished = subprocess.run(
                [*command, str(output), str(script)],
                env=helper_environment() | {"PYTHONPATH": home},
                cwd=directory,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return [], str(error)
        try:
            report = json.loads(output.read_bytes())
        except (OSError, ValueError):
            return [], finished.stderr.strip()
        return sorted(finding["kind"] for finding in report["findings"]), ""


def parser(prog: str) -> Parser:
    """The options of the command."""
    made = Parser(
        prog=prog,
        description="Say what is installed, which core runs and why, what is patched, and test if races are found.",
        epilog="The exit status is 0, or 70 when a core does not find the planted race or finds one where none is.",
        allow_abbrev=False,
    )
    made.add_argument("--core", choices=("auto", "pure", "native"), help="the core to ask about (default: auto)")
    made.add_argument("--verbose", action="store_true", help="list every patched attribute")
    return made
