"""`raceway doctor` tells what is here and tests it; `raceway completion` prints scripts that complete."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from raceway import cli
from raceway.cli import completion, doctor
from raceway.config import OPTIONS
from tests.conftest import available_cores, clean_environ


def test_the_doctor_tells_core_cache_and_patches_and_tests_each_core(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("RACEWAY_CORE", raising=False)
    assert doctor.main(["--verbose"], "raceway doctor") == 0
    lines = capsys.readouterr().out.splitlines()
    facts = {line[:10].strip(): line[10:] for line in lines if not line.startswith(" ")}
    assert facts["core"].startswith(available_cores()[-1])
    assert "threading.Thread" in facts["patches"]
    assert any(line.strip() == "threading.Thread.join" for line in lines)
    tests = [line[10:] for line in lines[-2:]]
    expected = "race found, ordered twin silent"
    assert tests == [f"native: {expected if 'native' in available_cores() else 'not there'}", f"pure: {expected}"]


def test_the_doctor_says_why_a_core_runs(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_self_test", lambda core: (f"{core} tried", True))
    assert doctor.main(["--core", "pure"], "raceway doctor") == 0
    assert "core      pure, asked for with --core pure\n" in capsys.readouterr().out


def test_a_self_test_that_fails_is_status_70(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "_RACE", "print({guard!r})\n")
    assert doctor.main([], "raceway doctor") == 70
    assert "FAILED on the race: found nothing." in capsys.readouterr().out


def test_a_setting_that_is_wrong_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RACEWAY_SHOW", "loud")
    with pytest.raises(SystemExit) as caught:
        doctor.main([], "raceway doctor")
    assert caught.value.code == 2
    assert "raceway doctor: error: RACEWAY_SHOW: 'loud' is not one of" in capsys.readouterr().err


def completed(shell_words: list[str]) -> list[str]:
    """What bash offers for the last of the words."""
    script = subprocess.run(
        [sys.executable, "-c", "from raceway.cli import main; main()", "completion", "bash"],
        env=clean_environ(), capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    words = " ".join(f"'{word}'" for word in shell_words)
    script += (
        f"\nCOMP_WORDS=({words}); COMP_CWORD={len(shell_words) - 1}; _raceway; printf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    )
    finished = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return finished.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_commands_options_and_choices() -> None:
    assert completed(["raceway", ""])[: len(cli.COMMANDS)] == list(cli.COMMANDS)
    assert set(completed(["raceway", "run", "--"])) >= {f"--{setting.key}" for setting in OPTIONS}
    assert completed(["raceway", "run", "--fail-on", ""]) == ["error", "warning", "info", "never"]
    assert completed(["raceway", "report", "--format", "s"]) == ["sarif"]
    assert "check" in completed(["raceway", "baseline", "c"])


def test_the_scripts_of_other_shells_know_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert completion.main(["fish"], "raceway completion") == 0
    fish = capsys.readouterr().out
    assert all(f"-l {setting.key} " in fish for setting in OPTIONS)
    assert "-l format -x -a 'text html sarif junit github markdown json' -d " in fish
    assert completion.main(["zsh"], "raceway completion") == 0
    assert capsys.readouterr().out.startswith("#compdef raceway\n")
