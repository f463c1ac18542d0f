"""Builds a free-threaded CPython 3.13 from Debian's source package into a folder: `make test-freethreaded`.

    python tests/freethreaded/build.py FOLDER [CONFIGURE OPTION...]

The interpreter is then FOLDER/bin/python3.13t, and that path is the one line on standard output; progress goes to
standard error. A folder that is complete is left as it is, so only the first call takes minutes, and calls at the same
time wait for each other. Options for CPython's `configure` make other builds, such as `--with-thread-sanitizer`, which
need folders of their own.

Only the released source is taken from the package, without Debian's patches, which are for Debian's own layout. Nothing
of the machine's package set-up is changed: apt gets lists and a cache of its own, and one source line, which is derived
from the sources that the machine has.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

RELEASE = "trixie"
"""The release of Debian whose source package is taken."""

PACKAGE = "python3.13"
PYTHON = Path("bin", "python3.13t")
COMPLETE = "raceway-complete"
"""Written last: a folder without it is half made."""

TOOLS = {
    "apt-get": "on systems other than Debian give the target an interpreter: make test-freethreaded FREETHREADED=PATH",
    "gcc": "apt-get install build-essential",
    "make": "apt-get install build-essential",
    "tar": "apt-get install tar",
    "xz": "apt-get install xz-utils",
}
"""What the build runs, and what to do where it is missing."""

LIBRARIES = {"ctypes": "libffi-dev", "sqlite3": "libsqlite3-dev", "ssl": "libssl-dev", "zlib": "zlib1g-dev"}
"""Modules that CPython leaves out silently when these packages are missing, and that the tests need."""

ARCHIVE = re.compile(r"'(?P<base>\S+)/dists/(?P<suite>[a-z]+)/main/binary-\w+/Packages")
KEYRINGS = [Path("/usr/share/keyrings", f"debian-archive-keyring.{suffix}") for suffix in ("pgp", "gpg")]

CHECK = f"import {', '.join(LIBRARIES)}, sys; sys.exit(sys._is_gil_enabled())"
BEAT_S = 20
"""Seconds between two signs of life."""

TAIL_LINES = 15


class BuildError(Exception):
    """The build cannot go on; the text says why and what to do."""


def say(text: str) -> None:
    """One line of progress."""
    print(f"freethreaded: {text}", file=sys.stderr, flush=True)


def run(what: str, command: Sequence[str | Path], log: Path, directory: Path) -> None:
    """Run a command of the build with a sign of life now and then; what it prints goes to the end of `log`."""
    say(f"{what} ...")
    began = time.monotonic()
    with log.open("ab") as file:
        # The options of a `make` that called us are not meant for the one we call.
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
        process = subprocess.Popen(
            command, cwd=directory, env=environ, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    status = process.wait(BEAT_S)
                    break
                say(f"{what}: {time.monotonic() - began:.0f} s so far")
        except BaseException:
            process.kill()
            process.wait()
            raise
    if status != 0:
        last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
        raise BuildError("\n    ".join([f"{what} failed with status {status}; the end of {log}:", *last]))


def check_tools() -> None:
    """Refuse to begin what cannot end well."""
    for tool, remedy in TOOLS.items():
        if shutil.which(tool) is None:
            raise BuildError(f"there is no {tool} on this machine; {remedy}")


def source_line() -> str:
    """The line of an apt source for the source package, derived from the configured sources."""
    if platform.freedesktop_os_release()["ID"] != "debian":
        raise BuildError(f"this is not Debian; {TOOLS['apt-get']}")
    asked = subprocess.run(["apt-get", "update", "--print-uris"], capture_output=True, text=True, check=False)
    own = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    suites = {own, RELEASE, "oldstable", "stable", "testing", "sid", "unstable"}
    bases = [match["base"] for match in ARCHIVE.finditer(asked.stdout) if match["suite"] in suites]
    if not bases:
        raise BuildError(
            "no archive of Debian's component main is among the configured package sources; see /etc/apt/sources.list.d"
            f", and what `apt-get update --print-uris` prints\n{asked.stderr}"
        )
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    option = f"[signed-by={keyring}] " if keyring is not None else ""
    return f"deb-src {option}{bases[0]} {RELEASE} main\n"


def download(work: Path, log: Path) -> Path:
    """The archive of CPython's source, downloaded and verified by apt."""
    private = {
        "Dir::Etc::SourceList": work / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": work / "lists",
        "Dir::Cache": work / "cache",
        "APT::Sandbox::User": "root",
    }
    for name in ("lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    (work / "sources.list").write_text(source_line(), encoding="utf-8")
    apt = ["apt-get", "--quiet", *(word for name, value in private.items() for word in ("-o", f"{name}={value}"))]
    run(f"fetching Debian's list of sources ({RELEASE})", [*apt, "update", "--error-on=any"], log, work)
    run(f"fetching the source of {PACKAGE}", [*apt, "source", "--download-only", "--only-source", PACKAGE], log, work)
    found = [*work.glob("*.orig.tar.*z")]
    if len(found) != 1:
        raise BuildError(f"the source package holds {len(found)} archives of CPython's source; see {log}")
    return found[0]


def build(folder: Path, options: Sequence[str], work: Path) -> None:
    """Download, compile and install."""
    log = folder.with_name(f"{folder.name}.log")
    log.write_bytes(b"")
    archive = download(work, log)
    say(f"building {archive.name.partition('.orig')[0]} into {folder}, which takes some minutes; log: {log}")
    (work / "source").mkdir()
    run("unpacking", ["tar", "--extract", "--file", archive, "--directory", "source"], log, work)
    [source] = (work / "source").iterdir()
    (work / "build").mkdir()
    configure = [str(source / "configure"), "--quiet", "--disable-gil", f"--prefix={folder}", *options]
    run("configuring", configure, log, work / "build")
    make = ["make", "--silent", f"--jobs={os.cpu_count() or 1}"]
    run("compiling", make, log, work / "build")
    shutil.rmtree(folder, ignore_errors=True)
    run("installing", [*make, "install"], log, work / "build")
    check(folder, log)
    (folder / COMPLETE).write_text(f"{archive.name} {' '.join(options)}\n", encoding="utf-8")


def check(folder: Path, log: Path) -> None:
    """Refuse an interpreter that is not what the tests need."""
    checked = subprocess.run([folder / PYTHON, "-c", CHECK], capture_output=True, text=True, check=False)
    missing = [name for name in LIBRARIES if f"'{name}'" in checked.stderr or f"'_{name}'" in checked.stderr]
    if missing:
        needed = " ".join(LIBRARIES[name] for name in missing)
        raise BuildError(f"CPython was built without {', '.join(missing)}; apt-get install {needed}, and try again")
    if checked.returncode:
        raise BuildError(f"the new interpreter does not run without a GIL; see {log}\n{checked.stderr}")


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder."""
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say(f"another process builds {folder}; waiting for it ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """The exit status: 1 when there is no interpreter in the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where the interpreter is, or goes")
    arguments, options = parser.parse_known_args()
    folder = arguments.folder.expanduser().absolute()
    try:
        if not (folder / COMPLETE).exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with alone(folder), tempfile.TemporaryDirectory(prefix="raceway-cpython-") as work:
                if not (folder / COMPLETE).exists():
                    check_tools()
                    build(folder, options, Path(work))
    except (BuildError, OSError) as error:
        print(f"freethreaded: {error}", file=sys.stderr)
        return 1
    print(folder / PYTHON)
    return 0


if __name__ == "__main__":
    sys.exit(main())
