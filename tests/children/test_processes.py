"""What a followed process sees of it, and what becomes of one that does not end as others do."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.children.running import Followed, Place
from tests.conftest import TIMEOUT_S, clean_environ

LOOKS = """\
import json
import os
import sys

if __name__ == "__main__":
    print(json.dumps({
        "argv": sys.argv,
        "original": sys.orig_argv[1:],
        "flags": list(sys.flags),
        "path": sys.path,
        "environ": {name: value for name, value in os.environ.items() if name not in ("TMPDIR", "HOME", "LC_CTYPE")},
        "file": globals().get("__file__"),
        "modules": sorted(name for name in sys.modules if "custom" in name or "_raceway" in name),
        "threads": __import__("threading").enumerate().__len__(),
    }))
"""

STARTS = """\
import os
import subprocess
import sys

environ = dict(os.environ, PYTHONPATH="somewhere") if sys.argv[1] == "path" else None
sys.exit(subprocess.run([sys.executable, *sys.argv[2:]], env=environ).returncode)
"""

DIES = """\
import glob
import os
import signal
import sys
import time

import shared

if os.fork() == 0:
    shared.race()
    if sys.argv[1] == "exit":
        os._exit(3)
    if sys.argv[1] == "exec":
        os.execv(sys.executable, [sys.executable, "-c", "import shared; shared.race()"])
    if sys.argv[1] == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    parts = os.path.join(os.environ["TMPDIR"], "raceway-*", "*.part")
    while not any(b"lost-update" in open(part, "rb").read() for part in glob.glob(parts)):
        time.sleep(0.01)  # until what was found has been handed in
    os.kill(os.getpid(), signal.SIGKILL)
print(os.wait()[1])
"""

TOLD_TO_DIE = """\
import os
import signal

import shared
from raceway.session import Session

shared.race()
names = {"__name__": "raceway.session", "os": os, "signal": signal, "report": Session.report}
exec(
    "def told(self, **how):\\n"
    "    os.kill(os.getpid(), signal.SIGTERM)\\n"
    "    return report(self, **how)\\n",
    names,
)
Session.report = names["told"]
"""
"""While it hands in, and is within Raceway."""


def seen(place: Place, how: str, *words: str) -> tuple[dict[str, object], dict[str, object]]:
    """What a child sees plain, and followed."""
    place.write("looks.py", LOOKS)
    place.write("starts.py", STARTS)
    command = [sys.executable, "starts.py", how, *words]
    plain = subprocess.run(
        command, cwd=place.directory, env=clean_environ(), capture_output=True, check=True, timeout=TIMEOUT_S
    )
    followed = place.run("starts.py", how, *words)
    return json.loads(plain.stdout), json.loads(followed.stdout)


@pytest.mark.parametrize("how", ["plain", "path"])
@pytest.mark.parametrize(
    "words",
    [("looks.py", "-x", "y"), ("-m", "looks", "a"),
     ("-c", "import runpy; runpy.run_path('looks.py', None, '__main__')"),
     ("-B", "-W", "ignore", "--", "looks.py"), ("-Xutf8", "-OO", "looks.py")],
    ids=["script", "module", "command", "dashes", "flags"],
)  # fmt: skip
def test_a_child_sees_nothing_of_it(place: Place, how: str, words: tuple[str, ...]) -> None:
    plain, followed = seen(place, how, *words)
    if "--" in words:  # the interpreter is started anew without them
        plain["original"] = [word for word in plain["original"] if word != "--"]  # type: ignore[attr-defined]
    assert followed == plain


IGNORING = [
    ["-S", "-W", "ignore", "child.py", "-x"],
    ["-I", "child.py"],
    ["-E", "-m", "child", "y"],
    ["-BIc", "import sys; sys.path.insert(0, '.')\nimport child\nsys.exit(3)", "z"],
    ["-Ic", "1 / 0"],
    ["-Im", "no_such"],
    ["-I", "broken.py"],
]


def test_a_child_that_ignores_its_environment_is_followed(place: Place) -> None:
    place.write("child.py", "import sys\nsys.path.insert(0, '.')\nimport shared\nshared.race()\n" + LOOKS)
    place.write("broken.py", "a b\n")
    starts = (
        "import subprocess, sys\nfor words in {!r}:\n    print(subprocess.run([sys.executable, *words]), flush=True)\n"
    )
    place.write("starts.py", starts.format(IGNORING))
    plain = subprocess.run(
        [sys.executable, "starts.py"], cwd=place.directory, env=clean_environ(), capture_output=True, text=True,
        timeout=TIMEOUT_S, check=True,
    )  # fmt: skip
    run = place.run("starts.py")
    assert run.stdout == plain.stdout
    assert run.stderr.startswith(plain.stderr)
    assert [process["ended"] for process in run.processes] == ["handed-in"] * len(IGNORING)
    assert (run.races, run.report["findings"][0]["count"]) == ([("lost-update", "Counter.value")], 4)
    assert run.report["not_seen"] == []
    assert run.left == []


def test_a_sitecustomize_of_the_program_runs(place: Place) -> None:
    place.write("sitecustomize.py", "print('customised')\n")
    place.write("looks.py", "print('looked')\n")
    place.write("starts.py", STARTS.replace('"somewhere"', "os.getcwd()"))
    assert place.run("starts.py", "path", "looks.py").stdout == "customised\nlooked\n"


def test_a_program_that_is_no_interpreter_has_the_environment_it_was_given(place: Place) -> None:
    place.write("starts.py", "import subprocess\nsubprocess.run(['/usr/bin/env'], env={'A': '1'})\n")
    assert place.run("starts.py").stdout == "A=1\n"


@pytest.mark.parametrize(
    ("how", "status", "ended"),
    [("exit", 3 << 8, ["handed-in"]), ("exec", 0, ["handed-in", "handed-in"]), ("term", 15, ["handed-in"]),
     ("kill", 9, ["lost"])],
)  # fmt: skip
def test_a_forked_child_hands_in_however_it_ends(place: Place, how: str, status: int, ended: list[str]) -> None:
    place.write("dies.py", DIES)
    run = place.run("dies.py", how)
    assert run.stdout == f"{status}\n"
    assert run.races == [("lost-update", "Counter.value")]
    assert [process["ended"] for process in run.processes] == ended
    assert ("process-lost" in {note["reason"] for note in run.report["not_seen"]}) == (how == "kill")
    assert run.left == []


def test_a_child_that_is_told_to_die_while_it_hands_in_does_so_first(place: Place) -> None:
    place.write("child.py", TOLD_TO_DIE)
    place.write("app.py", "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import child'])\n")
    run = place.run("app.py")
    assert [process["ended"] for process in run.processes] == ["handed-in"]
    assert run.races == [("lost-update", "Counter.value")]
    assert run.stderr.startswith("ERROR lost-update"), "nothing else is printed"


def test_suppressions_in_comments_of_modules_that_only_children_load(place: Place) -> None:
    source = (place.directory / "shared.py").read_text(encoding="utf-8")
    known = source.replace("self.value = seen + 1", "self.value = seen + 1  # raceway: ignore[lost-update] known")
    place.write("other.py", known.replace("return seen >= 0", "return seen >= 0  # raceway: ignore[double-init] never"))
    place.write("app.py", "import os\npid = os.fork()\nif pid: os.wait()\nelse:\n    import other\n    other.race()\n")
    run = place.run("app.py")
    assert (run.status, run.races, run.report["summary"]["suppressed"]) == (0, [], 1)
    assert [(note["state"], note["where"]) for note in run.report["notes"]] == [("suppression-unused", "other.py:14")]


def test_what_the_parent_had_found_stays_its_own(place: Place) -> None:
    place.write("app.py", "import os, shared\nshared.race()\npid = os.fork()\nif pid: os.waitpid(pid, 0)\n")
    run = place.run("app.py")
    once = place.run("--children", "ignore", "app.py")
    assert [finding["count"] for finding in run.report["findings"]] == [
        finding["count"] for finding in once.report["findings"]
    ]
    assert (len(run.processes), once.processes) == (1, [])


@pytest.mark.parametrize("core", ["pure", "native"])
def test_findings_are_told_as_they_occur(place: Place, core: str) -> None:
    place.write("app.py", "import shared\nshared.race()\nprint('raced', flush=True)\ninput()\n")
    with place.serving("--live", "--core", core, "app.py") as (process, finish):
        assert process.stdout is not None
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any("lost-update on Counter.value" in line for line in lines)
        found: Followed = finish()
    assert found.races == [("lost-update", "Counter.value")]
