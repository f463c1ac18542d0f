"""A run that hangs is explained: at once, on a signal, and in the report that a signal brings about."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.conftest import TIMEOUT_S, clean_environ
from tests.fixture_format import FIXTURES

PROGRAM = FIXTURES / "programs" / "deadlock.py"


def read_until(stream: IO[str], words: str) -> str:
    """The lines up to the one with these words."""
    lines = []
    for line in stream:
        lines.append(line)
        if words in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_a_deadlock_is_told_while_it_lasts_and_reported(core: str, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    environ = clean_environ() | {"PYTHONPATH": str(FIXTURES), "RACEWAY_CORE": core}
    options = ["--explain-on", "SIGUSR1", "--exclude", "hidden", "--json", str(report)]
    command = [sys.executable, "-m", "raceway.run", *options, str(PROGRAM)]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True, encoding="utf-8") as process:
        assert process.stderr is not None
        told = read_until(process.stderr, "when it is ended")
        assert "the program hangs" in told
        assert "ERROR lock-order-cycle on Bank.books -> Bank.audit" in told
        process.send_signal(signal.SIGUSR1)
        explained = "".join(process.stderr.readline() for _ in range(6))
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == -signal.SIGTERM
    assert "Thread-1 (book) waits for Bank.audit" in explained
    assert "it holds Bank.books" in explained
    assert "Bank.audit is held by Thread-2 (audit), which is at" in explained
    (finding,) = json.loads(report.read_bytes())["findings"]
    assert (finding["kind"], finding["confidence"], finding["severity"]) == ("lock-order-cycle", "observed", "error")
    sides = [(side["operation"], side["locks"], side["function"]) for side in finding["accesses"]]
    assert sides == [("acquire Bank.audit", ["Bank.books"], "book"), ("acquire Bank.books", ["Bank.audit"], "audit")]


def test_a_program_with_a_handler_of_its_own_keeps_it(core: str, tmp_path: Path) -> None:
    program = tmp_path / "own.py"
    program.write_text(
        "import signal\n"
        "assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('mine'))\n"
        "signal.raise_signal(signal.SIGUSR1)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "raceway.run", "--quiet", "--explain-on", "SIGUSR1", "--core", core, str(program)]
    ended = subprocess.run(
        command, env=clean_environ(), capture_output=True, text=True, encoding="utf-8", timeout=TIMEOUT_S, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "mine\n", "")


def test_a_signal_ends_watching_and_the_program_goes_on(core: str, tmp_path: Path) -> None:
    program, report = tmp_path / "on.py", tmp_path / "report.json"
    program.write_text(
        "import os, signal, threading, time\n"
        "from raceway.session import running\n"
        "box = {'before': 0, 'after': 0}\n"
        "def add(key):\n"
        "    box[key] += 1\n"
        "def both(key):\n"
        "    threads = [threading.Thread(target=add, args=(key,)) for _ in range(2)]\n"
        "    for thread in threads: thread.start()\n"
        "    for thread in threads: thread.join()\n"
        "both('before')\n"
        "os.kill(os.getpid(), signal.SIGUSR2)\n"
        "while running() is not None: time.sleep(0.01)\n"
        "for _ in range(3): both('after')\n"
        "print(box)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "raceway.run", "--off-on", "SIGUSR2", "--json", str(report), "--core", core]
    ended = subprocess.run(
        [*command, str(program)], env=clean_environ() | {"PYTHONPATH": str(FIXTURES.parent)}, capture_output=True,
        text=True, encoding="utf-8", timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (0, "{'before': 2, 'after': 6}\n"), ended.stderr
    document = json.loads(report.read_bytes())
    assert document["summary"]["self_check"] == "ok"
    assert document["summary"]["accesses"] < 12
    assert [finding["kind"] for finding in document["findings"]] == ["lost-update"]
