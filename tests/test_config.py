"""The settings table and its four sources: arguments, environment, `pyproject.toml`, defaults."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from pathlib import Path

import pytest

from raceway.config import SETTINGS, Config, Kind, is_output, resolve
from raceway.errors import ConfigError
from raceway.model.kinds import Severity
from raceway.model.struct import fields, replace


def write(directory: Path, text: str, name: str = "pyproject.toml") -> Path:
    """A settings file."""
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def settings(directory: Path, arguments: Mapping[str, object] | None = None, **environ: str) -> Config:
    """The settings for a run in `directory`; variables are given without their prefix."""
    variables = {f"RACEWAY_{name}": value for name, value in environ.items()}
    return resolve(arguments or {}, variables, str(directory))


def test_without_any_source_the_defaults_hold(tmp_path: Path) -> None:
    assert settings(tmp_path) == Config()
    assert (Config().show, Config().fail_on, Config().enabled) == (Severity.WARNING, Severity.ERROR, True)


def test_every_field_is_a_row_with_help() -> None:
    assert tuple(setting.name for setting in SETTINGS) == fields(Config)
    assert all(setting.about.help for setting in SETTINGS)
    assert {setting.name: (setting.key, setting.variable) for setting in SETTINGS}["fail_on"] == (
        "fail-on",
        "RACEWAY_FAIL_ON",
    )


def test_a_row_tells_the_choices_of_its_type() -> None:
    hints = typing.get_type_hints(Config, localns={"Literal": typing.Literal})
    for setting in SETTINGS:
        if setting.about.kind is Kind.CHOICE:
            assert setting.about.choices == typing.get_args(hints[setting.name])


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Config().quiet = True  # type: ignore[misc]


def test_arguments_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, '[tool.raceway]\nshow = "info"\nfail-on = "info"\ninclude = ["from_file"]\nquiet = true\n')
    found = settings(tmp_path, {"show": "error", "quiet": None}, SHOW="warning", FAIL_ON="never")
    assert found == Config(show=Severity.ERROR, fail_on=None, include=("from_file",), quiet=True)


def test_the_nearest_file_upward_is_read(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    write(tmp_path, "[tool.raceway]\nquiet = true\n")
    assert settings(inner).quiet
    write(tmp_path / "a", "[tool.black]\n")
    assert not settings(inner).quiet


def test_a_named_file_is_read_instead(tmp_path: Path) -> None:
    write(tmp_path, "[tool.raceway]\nquiet = true\n")
    write(tmp_path, "[tool.raceway]\ndebug = true\n", "other.toml")
    assert settings(tmp_path, {"config": "other.toml"}) == Config(debug=True)
    assert settings(tmp_path, {"config": tmp_path / "other.toml"}) == Config(debug=True)
    assert settings(tmp_path, CONFIG="other.toml") == Config(debug=True)


@pytest.mark.parametrize(
    "text",
    [
        "name = 'raceway'\n[ tool . 'raceway' ]\nquiet = true\n",
        "[tool]\nraceway.quiet = true\n",
        "tool.raceway.quiet = true\n",
        'tool = {"raceway" = {quiet = true}}\n',
    ],
)
def test_the_table_may_be_spelled_in_every_way(text: str, tmp_path: Path) -> None:
    write(tmp_path, text)
    assert settings(tmp_path).quiet


@pytest.mark.parametrize("key", ["fail-on", "fail_on"])
def test_keys_may_be_spelled_both_ways(key: str, tmp_path: Path) -> None:
    write(tmp_path, f'[tool.raceway]\n{key} = "never"\n')
    assert settings(tmp_path).fail_on is None


def test_a_broken_file_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "[tool.raceway]\n[tool.black\n")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        resolve({}, {}, str(tmp_path))
    path.write_text("[tool.black\n")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        resolve({"config": str(path)}, {}, str(tmp_path))


def test_a_file_without_a_word_of_raceway_is_not_even_parsed(tmp_path: Path) -> None:
    write(tmp_path, "[tool.black\n")
    assert resolve({}, {}, str(tmp_path)) == Config()


@pytest.mark.parametrize(("word", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("false", False)])
def test_flags_in_the_environment_are_words(word: str, value: bool, tmp_path: Path) -> None:
    assert settings(tmp_path, ENABLED=word).enabled is value


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    assert settings(tmp_path, SHOW="", JSON="", ENABLED="") == Config()


def test_an_empty_directory_is_nowhere(tmp_path: Path) -> None:
    assert settings(tmp_path, CACHE_DIR="") == Config(cache_dir="")
    assert settings(tmp_path, {"cache_dir": ""}) == Config(cache_dir="")
    assert settings(tmp_path, CACHE_DIR="cache").cache_dir == str(tmp_path / "cache")


def test_globs_are_separated_by_commas(tmp_path: Path) -> None:
    assert settings(tmp_path, INCLUDE="shop.*, json ,").include == ("shop.*", "json")
    assert settings(tmp_path, {"include": ["a,b", "c"], "exclude": "d"}).include == ("a", "b", "c")


def test_paths_are_absolute(tmp_path: Path) -> None:
    assert settings(tmp_path, {"json": Path("out/races.json")}).json == str(tmp_path / "out" / "races.json")
    assert settings(tmp_path, JSON="/elsewhere.json").json == "/elsewhere.json"


def test_python_values_are_taken_as_they_are(tmp_path: Path) -> None:
    found = settings(tmp_path, {"show": Severity.INFO, "fail_on": Severity.WARNING, "quiet": True})
    assert (found.show, found.fail_on, found.quiet) == (Severity.INFO, Severity.WARNING, True)


@pytest.mark.parametrize(
    ("arguments", "environ", "text", "complaint"),
    [
        ({"show": "loud"}, {}, "", "show: 'loud' is not one of error, warning, info"),
        ({"fail-on": "error"}, {}, "", "there is no setting 'fail-on'; did you mean 'fail_on'?"),
        ({"zzz": 1}, {}, "", "there is no setting 'zzz'; there are include, "),
        ({"include": 3}, {}, "", "include: expected a list of module names or globs, not 3"),
        ({"include": ["src/shop.py"]}, {}, "", "include: 'src/shop.py' is a path; globs are over dotted module names"),
        ({"json": ""}, {}, "", "json: expected a path, not ''"),
        ({"quiet": "perhaps"}, {}, "", "quiet: expected true or false, not 'perhaps'"),
        ({"config": "missing.toml"}, {}, "", "/missing.toml: No such file or directory"),
        ({"config": 3}, {}, "", "config: expected a path, not 3"),
        ({}, {"SHOW": "loud"}, "", "RACEWAY_SHOW: 'loud' is not one of error, warning, info"),
        ({}, {"CORE": "fast"}, "", "RACEWAY_CORE: 'fast' is not one of auto, pure, native"),
        ({}, {"FIAL_ON": "warning"}, "", "there is no variable RACEWAY_FIAL_ON; did you mean RACEWAY_FAIL_ON?"),
        ({}, {"SUPRESS": "*"}, "", "there is no variable RACEWAY_SUPRESS; did you mean RACEWAY_SUPPRESS?"),
        ({}, {}, "[tool.raceway]\nfail-onn = 1\n", "unknown key 'fail-onn' in [tool.raceway]; did you mean 'fail-on'?"),
        ({}, {}, "[tool.raceway]\nshow = 3\n", "pyproject.toml: show: 3 is not one of error, warning, info"),
        ({}, {}, "[tool.raceway\n", "pyproject.toml is not valid TOML: "),
        ({}, {}, "[tool]\nraceway = 3\n", "pyproject.toml has no table [tool.raceway]"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    arguments: dict[str, object], environ: dict[str, str], text: str, complaint: str, tmp_path: Path
) -> None:
    write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, arguments, **environ)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variables_of_others_are_left_alone(tmp_path: Path) -> None:
    assert settings(tmp_path, CHILD="1", PGO="0", TEAM="red", SARIF_SCHEMA="x.json") == Config()


def test_a_named_file_must_have_the_table(tmp_path: Path) -> None:
    write(tmp_path, "[tool.black]\n", "other.toml")
    with pytest.raises(ConfigError, match=r"other.toml has no table \[tool.raceway\]"):
        settings(tmp_path, {"config": "other.toml"})


def test_outputs_are_the_files_that_a_run_writes() -> None:
    assert {setting.name for setting in SETTINGS if is_output(setting)} == {"json", "html", "sarif", "junit", "trace"}


def test_the_process_gives_what_is_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RACEWAY_QUIET", "1")
    write(tmp_path, "[tool.raceway]\ndebug = true\n")
    assert resolve({}) == Config(quiet=True, debug=True)


def test_settings_can_be_compared_and_copied() -> None:
    assert replace(Config(), quiet=True) == Config(quiet=True)
