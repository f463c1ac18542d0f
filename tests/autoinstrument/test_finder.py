"""The import hook with a stand-in session: what is instrumented, and that importing is otherwise as ever."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import pkgutil
import py_compile
import runpy
import sys
import traceback
import zipfile
from collections.abc import Iterator, Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from zipimport import zipimporter

import pytest

from raceway.autoinstrument.finder import InstrumentingFinder
from raceway.autoinstrument.source import Source
from tests.autoinstrument.watching import INSTRUMENTED, MODULE, PLAIN, watching


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory on the search path; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    importlib.invalidate_caches()


def write(project: Path, name: str, source: str = MODULE) -> Path:
    """A file of the project."""
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    importlib.invalidate_caches()
    return path


def test_modules_in_scope_are_instrumented_and_others_are_not(project: Path) -> None:
    write(project, "own.py")
    write(project, "pack/__init__.py")
    write(project, "pack/inner.py")
    write(project, "left_out.py")
    with watching(project, exclude=("left_out",)) as session:
        hows = {name: importlib.import_module(name).how for name in ("own", "pack", "pack.inner", "left_out")}
    assert hows == {"own": INSTRUMENTED, "pack": INSTRUMENTED, "pack.inner": INSTRUMENTED, "left_out": PLAIN}
    assert session.modules == ["own", "pack", "pack.inner"]


def test_installed_and_standard_modules_are_included_by_name(project: Path) -> None:
    write(project, "site-packages/installed.py")
    sys.path.insert(0, str(project / "site-packages"))
    sys.modules.pop("colorsys", None)
    with watching(project, include=("installed", "colorsys")) as session:
        assert importlib.import_module("installed").how == INSTRUMENTED
        importlib.import_module("colorsys")
    sys.path.remove(str(project / "site-packages"))
    assert session.modules == ["installed", "colorsys"]


def test_the_spec_is_as_ever(project: Path) -> None:
    path = write(project, "pack/__init__.py")
    plain = importlib.util.find_spec("pack")
    with watching(project):
        spec = importlib.util.find_spec("pack")
        module = importlib.import_module("pack")
    for found in (spec, module.__spec__):
        assert found is not None
        assert plain is not None
        for attribute in ("name", "origin", "cached", "submodule_search_locations", "parent", "has_location"):
            assert getattr(found, attribute) == getattr(plain, attribute)
        assert type(found.loader) is SourceFileLoader
    assert (module.__file__, module.__cached__) == (str(path), importlib.util.cache_from_source(str(path)))


def test_the_loader_keeps_its_methods(project: Path) -> None:
    path = write(project, "own.py")
    with watching(project):
        module = importlib.import_module("own")
    loader = module.__loader__
    assert isinstance(loader, SourceFileLoader)
    assert loader.get_source("own") == MODULE
    assert loader.get_data(str(path)) == MODULE.encode()
    assert (loader.get_filename("own"), loader.path, loader.name) == (str(path), str(path), "own")
    assert not loader.is_package("own")
    code = loader.source_to_code(MODULE.encode(), str(path))
    assert isinstance(code, CodeType)
    assert INSTRUMENTED not in code.co_consts
    assert copy.deepcopy(loader).get_filename("own") == str(path)
    with pytest.raises(ImportError, match="cannot handle other"):
        loader.get_code("other")


def test_ordinary_compiled_files_are_neither_read_nor_written(project: Path) -> None:
    path = write(project, "own.py")
    cached = Path(importlib.util.cache_from_source(str(path)))
    with watching(project):
        importlib.import_module("own")
    assert not cached.exists()
    del sys.modules["own"]
    py_compile.compile(str(path))
    before = cached.read_bytes()
    with watching(project):
        assert importlib.import_module("own").how == INSTRUMENTED
    assert cached.read_bytes() == before
    del sys.modules["own"]
    assert importlib.import_module("own").how == PLAIN


def test_uninstall_puts_everything_back(project: Path) -> None:
    write(project, "own.py")
    before = list(sys.meta_path), dict(vars(SourceFileLoader)), pkgutil.read_code
    with watching(project):
        module = importlib.import_module("own")
        assert len(sys.meta_path) == len(before[0]) + 1
    assert (list(sys.meta_path), dict(vars(SourceFileLoader)), pkgutil.read_code) == before
    assert importlib.reload(module).how == PLAIN


def test_a_reload_is_instrumented(project: Path) -> None:
    path = write(project, "own.py")
    with watching(project):
        module = importlib.import_module("own")
        path.write_text(MODULE + "more = 'plain'\n")
        assert importlib.reload(module).more == INSTRUMENTED
    assert module.how == INSTRUMENTED


def test_a_lazy_module_is_instrumented_when_it_is_loaded(project: Path) -> None:
    write(project, "own.py")
    with watching(project) as session:
        spec = importlib.util.find_spec("own")
        assert spec is not None
        assert spec.loader is not None
        spec.loader = importlib.util.LazyLoader(spec.loader)
        module = importlib.util.module_from_spec(spec)
        sys.modules["own"] = module
        spec.loader.exec_module(module)
        assert session.modules == []
        assert module.how == INSTRUMENTED


@pytest.mark.parametrize("compiled", [False, True])
def test_modules_in_an_archive_are_instrumented(compiled: bool, project: Path) -> None:
    source = write(project, "own.py")
    with zipfile.ZipFile(project / "app.zip", "w") as archive:
        archive.write(source, "packed.py")
        archive.writestr("pack/__init__.py", MODULE)
        if compiled:
            archive.write(py_compile.compile(str(source), str(project / "packed.pyc")) or "", "packed.pyc")
    sys.path.insert(0, str(project / "app.zip"))
    try:
        with watching(project) as session:
            modules = [importlib.import_module("packed"), importlib.import_module("pack")]
    finally:
        sys.path.remove(str(project / "app.zip"))
    assert [module.how for module in modules] == [INSTRUMENTED, INSTRUMENTED]
    assert all(type(module.__loader__) is zipimporter for module in modules)
    assert session.compiled[0] == ("packed", str(project / "app.zip" / "packed.py"))


def test_an_archive_without_source_runs_as_it_is(project: Path) -> None:
    source = write(project, "own.py")
    with zipfile.ZipFile(project / "app.zip", "w") as archive:
        archive.write(py_compile.compile(str(source), str(project / "packed.pyc")) or "", "packed.pyc")
    sys.path.insert(0, str(project / "app.zip"))
    try:
        with watching(project):
            assert importlib.import_module("packed").how == PLAIN
    finally:
        sys.path.remove(str(project / "app.zip"))


def test_namespace_packages_are_left_alone(project: Path) -> None:
    write(project, "space/part.py")
    with watching(project) as session:
        part = importlib.import_module("space.part")
        space = sys.modules["space"]
    assert part.how == INSTRUMENTED
    assert (space.__file__ if hasattr(space, "__file__") else None, session.notes) == (None, [])


class Customised(SourceFileLoader):
    """A loader with a way of its own from source to code, as other tools that rewrite have."""

    def source_to_code(self, data: object, path: object, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        """Its own."""
        return compile(MODULE.replace(PLAIN, "other"), str(path), "exec")


class Inheriting(SourceFileLoader):
    """A loader that changes nothing that matters."""

    def get_data(self, path: str) -> bytes:
        """More than is in the file."""
        return super().get_data(path) + b"extra = 'plain'\n"


class Finder:
    """Finds one module, with a loader of one class."""

    def __init__(self, project: Path, loader: type[SourceFileLoader]) -> None:
        self.project = project
        self.loader = loader
        self.asked: list[str] = []

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of `own`."""
        self.asked.append(name)
        file = str(self.project / "own.py")
        return (
            importlib.util.spec_from_file_location(name, file, loader=self.loader(name, file))
            if name == "own"
            else None
        )


def test_a_loader_with_its_own_way_is_left_alone_and_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "own.py")
    finder = Finder(project, Customised)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    with watching(project) as session:
        module = importlib.import_module("own")
    assert module.how == "other"
    assert type(module.__loader__) is Customised
    assert session.notes == [("other-loader", "own", "Customised")]
    assert finder.asked == ["own"]


def test_a_loader_that_inherits_its_way_is_instrumented(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "own.py")
    monkeypatch.setattr(sys, "meta_path", [Finder(project, Inheriting), *sys.meta_path])
    with watching(project) as session:
        module = importlib.import_module("own")
    assert (module.how, module.extra) == (INSTRUMENTED, INSTRUMENTED)
    assert session.notes == []


def test_modules_without_source_are_named(project: Path) -> None:
    source = write(project, "own.py")
    py_compile.compile(str(source), str(project / "compiled.pyc"))
    with watching(project) as session:
        importlib.import_module("compiled")
    assert session.notes == [("no-source", "compiled", "SourcelessFileLoader")]


def test_extension_modules_are_named(project: Path) -> None:
    write(project, f"compiled{EXTENSION_SUFFIXES[0]}", "")
    with watching(project) as session:
        assert importlib.util.find_spec("compiled") is not None
    assert session.notes == [("extension-module", "compiled", "ExtensionFileLoader")]


def test_modules_that_were_there_before_are_named(project: Path) -> None:
    write(project, "early.py")
    write(project, "left_out.py")
    early = importlib.import_module("early")
    importlib.import_module("left_out")
    with watching(project, exclude=("left_out",)) as session:
        assert session.notes == [("imported-before-hook", "early", "")]
    assert early.how == PLAIN


def failing_import(name: str) -> str:
    """The traceback of an import that fails."""
    try:
        importlib.import_module(name)
    except (ImportError, SyntaxError, ValueError, AttributeError):
        return traceback.format_exc()
    raise AssertionError(name)


@pytest.mark.parametrize(
    "source", ["def f(:\n", "import broken\n", "import no_such_module_at_all\n", "import os\nos.missing\n", "\0"]
)
def test_tracebacks_of_failing_imports_are_as_ever(source: str, project: Path) -> None:
    write(project, "own.py", f"import failing{' ' * 3}\n")
    write(project, "failing.py", source)
    write(project, "broken.py", "x = (\n")
    plain = failing_import("own")
    for name in ("own", "failing", "broken"):
        sys.modules.pop(name, None)
    with watching(project):
        assert failing_import("own") == plain


def test_modules_that_do_not_exist_are_not_found(project: Path) -> None:
    with watching(project):
        assert importlib.util.find_spec("no_such_module_at_all") is None
        with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module_at_all'"):
            importlib.import_module("no_such_module_at_all")


def test_what_is_imported_while_compiling_is_left_alone(project: Path) -> None:
    write(project, "own.py")
    write(project, "needed.py")
    with watching(project) as session:
        plain_compile = session.compile

        def compile_and_import(source: Source, filename: str, module: str) -> CodeType:
            importlib.import_module("needed")
            return plain_compile(source, filename, module)

        (finder,) = (one for one in sys.meta_path if isinstance(one, InstrumentingFinder))
        finder.uninstall()
        finder = InstrumentingFinder(session.scope, compile_and_import, session.not_seen)
        finder.install()
        try:
            assert importlib.import_module("own").how == INSTRUMENTED
        finally:
            finder.uninstall()
    assert sys.modules["needed"].how == PLAIN


def test_a_module_found_by_its_file_is_instrumented(project: Path) -> None:
    path = write(project, "own.py")
    with watching(project):
        spec = importlib.util.spec_from_file_location("by_file", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        loaded = SourceFileLoader("loaded", str(path)).get_code("loaded")
    assert module.how == INSTRUMENTED
    assert loaded is not None
    assert INSTRUMENTED in loaded.co_consts


def test_runpy_is_instrumented(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(project, "own.py")
    write(project, "folder/__main__.py")
    monkeypatch.chdir(project)
    with watching(project):
        by_path = runpy.run_path("own.py")
        assert by_path["how"] == INSTRUMENTED
        assert by_path["tell"].__code__.co_filename == "own.py"
        assert runpy.run_module("own")["how"] == INSTRUMENTED
        assert runpy.run_path("folder")["how"] == INSTRUMENTED
    assert runpy.run_path("own.py")["how"] == PLAIN


def test_runpy_tells_errors_as_ever(project: Path) -> None:
    path = write(project, "own.py", "def f(:\n")
    texts: list[str] = []
    for _ in range(2):
        with pytest.raises(SyntaxError) as caught, watching(project, exclude=("*",) if not texts else ()):
            runpy.run_path(str(path))
        texts.append("".join(traceback.format_exception(caught.value)))
    assert texts[0] == texts[1]


def test_a_compiled_script_runs_as_it_is(project: Path) -> None:
    path = write(project, "own.py")
    py_compile.compile(str(path), str(project / "script.pyc"))
    with watching(project):
        assert runpy.run_path(str(project / "script.pyc"))["how"] == PLAIN
