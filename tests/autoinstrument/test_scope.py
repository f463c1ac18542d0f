"""Which modules are instrumented, and why."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

from raceway.autoinstrument.scope import Decision, Reason, Rules, Scope, decide, default_roots, editable_roots

STANDARD_LIBRARY = os.path.dirname(os.__file__)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a package of its own and a virtual environment."""
    site = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    for name in ("app.py", "shop/__init__.py", "shop/till.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    site.mkdir(parents=True)
    (site / "installed.py").touch()
    return tmp_path


def rules(project: Path, include: tuple[str, ...] = (), exclude: tuple[str, ...] = (), main: str = "__main__") -> Rules:
    """The rules of a run in the project."""
    return Rules(include, exclude, (str(project),), main)


def places(project: Path) -> dict[str, str]:
    """A file of every sort."""
    return {
        "shop.till": str(project / "shop" / "till.py"),
        "installed": str(project / ".venv" / "lib" / "python3.11" / "site-packages" / "installed.py"),
        "installed.part": str(project / ".venv" / "lib" / "python3.11" / "site-packages" / "installed" / "part.py"),
        "json.decoder": json.decoder.__file__,
        "elsewhere": "/somewhere/else/elsewhere.py",
    }


def decision(project: Path, module: str, **given: tuple[str, ...]) -> Decision:
    """The decision on one of these files."""
    return decide(rules(project, **given), module, places(project)[module])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("module", "instrument", "reason"),
    [
        ("shop.till", True, Reason.OWN),
        ("installed", False, Reason.INSTALLED),
        ("json.decoder", False, Reason.STANDARD_LIBRARY),
        ("elsewhere", False, Reason.ELSEWHERE),
    ],
)
def test_own_code_is_what_lies_in_the_project(module: str, instrument: bool, reason: Reason, project: Path) -> None:
    assert decision(project, module) == Decision(instrument, reason)


@pytest.mark.parametrize(
    ("glob", "module"),
    [
        ("installed", "installed"),
        ("installed", "installed.part"),
        ("installed.part", "installed.part"),
        ("installed.*", "installed.part"),
        ("inst*", "installed"),
        ("*", "installed"),
        ("*", "elsewhere"),
        ("json", "json.decoder"),
        ("json.*", "json.decoder"),
        ("json.decoder", "json.decoder"),
    ],
)
def test_a_glob_includes(glob: str, module: str, project: Path) -> None:
    assert decision(project, module, include=(glob,)) == Decision(True, Reason.INCLUDED, (glob,))


@pytest.mark.parametrize(
    ("glob", "module"),
    [
        ("installed.*", "installed"),
        ("install", "installed"),
        ("part", "installed.part"),
        ("Installed", "installed"),
        ("*", "json.decoder"),
        ("js*", "json.decoder"),
        ("*.decoder", "json.decoder"),
    ],
)
def test_a_glob_does_not_include(glob: str, module: str, project: Path) -> None:
    found = decision(project, module, include=(glob,))
    assert not found.instrument
    assert found.globs == ()


@pytest.mark.parametrize("glob", ["shop", "shop.till", "shop.*", "*"])
def test_exclude_wins(glob: str, project: Path) -> None:
    found = decision(project, "shop.till", include=("shop",), exclude=(glob,))
    assert found == Decision(False, Reason.EXCLUDED, ("shop", glob))


def test_the_program_is_own_code_wherever_it_lies(project: Path) -> None:
    path = places(project)["installed"]
    assert decide(rules(project), "__main__", path) == Decision(True, Reason.MAIN)
    assert decide(rules(project, main="installed"), "installed", path) == Decision(True, Reason.MAIN)
    assert decide(rules(project, main="installed"), "installed.__main__", path) == Decision(True, Reason.MAIN)
    assert not decide(rules(project, main="installed"), "installed.part", path).instrument
    assert not decide(rules(project, exclude=("__main__",)), "__main__", path).instrument


@pytest.mark.parametrize("module", ["raceway", "raceway.session", "libcst", "libcst._nodes.base", "msgspec"])
def test_what_instruments_is_never_instrumented(module: str, project: Path) -> None:
    found = decide(rules(project, include=("*", module)), module, str(project / "app.py"))
    assert found == Decision(False, Reason.RACEWAY)


def test_raceway_as_main_is_not_own_code(project: Path) -> None:
    import raceway.run

    assert decide(rules(project), "__main__", raceway.run.__file__).reason is Reason.RACEWAY


def test_names_that_begin_like_raceway_are_own_code(project: Path) -> None:
    assert decide(rules(project), "racewayish", str(project / "racewayish.py")).instrument


@pytest.mark.parametrize("filename", [None, ""])
def test_without_a_file_there_is_nothing_to_instrument(filename: str | None, project: Path) -> None:
    assert decide(rules(project, include=("*",)), "shop", filename) == Decision(False, Reason.NO_FILE)


def test_the_standard_library_is_not_own_code_under_a_root_that_holds_it() -> None:
    assert decide(Rules(roots=("/",)), "json", json.__file__).reason is Reason.STANDARD_LIBRARY
    assert decide(Rules(roots=("/",)), "own", "/own.py").reason is Reason.OWN


def test_a_directory_with_a_longer_name_is_another_one(tmp_path: Path) -> None:
    assert not decide(Rules(roots=(str(tmp_path / "app"),)), "x", str(tmp_path / "application" / "x.py")).instrument


def test_a_link_out_of_site_packages_into_the_project_is_own_code(project: Path) -> None:
    site = project / ".venv" / "lib" / "python3.11" / "site-packages"
    (site / "linked").symlink_to(project / "shop")
    assert decide(rules(project), "linked.till", str(site / "linked" / "till.py")).reason is Reason.OWN


def test_a_scope_finds_roots_through_links(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    link = tmp_path_factory.mktemp("links") / "project"
    link.symlink_to(project)
    scope = Scope((), (), (str(link),))
    assert scope.decide("app", str(project / "app.py")).instrument
    assert scope.decide("app2", str(link / "app.py")).instrument


def test_globs_that_matched_nothing_are_told(project: Path) -> None:
    scope = Scope(("installed", "nothing"), ("shop", "no*"), (str(project),))
    assert scope.unmatched() == ("installed", "nothing", "shop", "no*")
    for module, path in places(project).items():
        scope.decide(module, path)
    assert scope.unmatched() == ("nothing", "no*")


def test_a_program_that_is_told_later_counts(project: Path) -> None:
    scope = Scope((), (), ())
    path = places(project)["installed"]
    assert not scope.decide("installed", path).instrument
    scope.add_program(main="installed", root=str(project / "shop"))
    assert scope.decide("installed", path).instrument
    assert scope.decide("shop.till", str(project / "shop" / "till.py")).instrument


@pytest.mark.parametrize(
    ("include", "exclude", "named"),
    [
        (("queue",), (), True),
        (("queue",), ("queue",), False),
        (("*",), (), False),
        ((), (), False),
        (("concurrent",), (), False),
    ],
)
def test_modules_of_the_standard_library_are_asked_for_by_name(
    include: tuple[str, ...], exclude: tuple[str, ...], named: bool
) -> None:
    assert Scope(include, exclude, ()).names("queue") is named


def test_decisions_are_explained_once(project: Path) -> None:
    scope = Scope((), ("shop.till",), (str(project),))
    stream = io.StringIO()
    scope.explain_on(stream)
    for module in ("app", "app", "shop.till"):
        scope.decide(module, str(project / f"{module.replace('.', '/')}.py"))
    scope.decide("sys", None)
    assert stream.getvalue() == "raceway: app: watched: own code\nraceway: shop.till: not watched: excluded\n"


def test_default_roots_are_those_of_the_script_and_the_process(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = ModuleType("__main__")
    main.__file__ = str(project / "shop" / "till.py")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "path", [])
    assert set(default_roots()) == {str(project), str(project / "shop")}


def test_editable_installs_are_roots(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = project / ".venv" / "lib" / "python3.11" / "site-packages"
    (site / "__editable__.tool.pth").write_text(f"# a comment\nimport something\n\n{project / 'src'}\nrelative\n")
    (site / "broken.pth").write_bytes(b"\xff\xfe")
    finder = ModuleType("__editable___other_finder")
    finder.MAPPING = {"other": "/src/other"}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, finder.__name__, finder)
    monkeypatch.setattr(sys, "path", [str(site), str(project / "no" / "site-packages"), str(project)])
    assert list(editable_roots()) == [str(project / "src"), "/src/other"]
