"""Builds the native core where a C compiler is there; without one Raceway installs and runs on the pure core.

With GCC the core is built twice: the first build counts what a run of `fixtures/training` does, the second is laid out
by that (docs/decisions/016-a-profile.md). RACEWAY_PGO=0 leaves it at one build; =auto, as when it is installed, makes
two where that can be done; =1 makes it an error when it cannot.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SOURCES = sorted(str(path) for path in Path("raceway/native").glob("*.c"))
HEADERS = sorted(str(path) for path in Path("raceway/native").glob("*.h"))
POSIX = os.name == "posix"  # the core maps memory and keys threads the POSIX way

# The fast paths of one file call small functions of others: seen as one program, the core is a tenth faster.
WHOLE = [] if os.environ.get("RACEWAY_CFLAGS") else ["-flto=auto" if sys.platform == "linux" else "-flto"]
FLAGS = ["-std=gnu11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra", *WHOLE]
if os.environ.get("RACEWAY_WERROR"):  # developers and CI: no warning is accepted
    FLAGS.append("-Werror")
FLAGS.extend(os.environ.get("RACEWAY_CFLAGS", "").split())  # sanitizers

# Who installs or makes a wheel gets the better core; who calls this file works on the core, and waits for it.
INSTALLS = "setuptools.build_meta" in sys.modules
PGO = os.environ.get("RACEWAY_PGO") or ("auto" if INSTALLS else "0")
TRAINING = Path("fixtures", "training")
COUNTING = ["-fprofile-generate", "-fprofile-update=atomic"]
# What the training leaves out is compiled as without a profile, not for size.
COUNTED = [
    "-fprofile-use",
    "-fprofile-partial-training",
    "-fprofile-correction",
    "-Wno-missing-profile",
    "-DRW_PROFILED=1",
]
LIMIT_S = 300


def may_profile() -> bool:
    """Whether to build twice: if that is asked for, or can be done and `auto` is."""
    if PGO != "auto":
        return PGO == "1"
    gil = not sysconfig.get_config_var("Py_GIL_DISABLED")  # without it msgspec has no wheels that could be fetched
    return gil and sys.platform == "linux" and not os.environ.get("RACEWAY_CFLAGS") and TRAINING.is_dir()


class BuildPackage(build_py):
    """Copies the modules, and beside `raceway explain` the page that it reads in a checkout."""

    def run(self) -> None:
        """Copy them."""
        super().run()
        if not self.editable_mode:
            self.copy_file("docs/messages.md", os.path.join(self.build_lib, "raceway", "cli", "messages.md"))


class BuildCore(build_ext):
    """Builds the core by a profile of what it does, or else plainly."""

    def build_extension(self, ext: Extension) -> None:
        """Build it."""
        if may_profile():
            try:
                self.build_by_profile(ext)
                return
            except Exception as error:
                if PGO == "1":
                    raise
                print(f"raceway: the native core is built without a profile: {error}")
                self.force = True
        super().build_extension(ext)

    def build_by_profile(self, ext: Extension) -> None:
        """Build it so that it counts, use it, and build it again. The counts lie beside the object files."""
        compiler = self.compiler.compiler[0]  # type: ignore[attr-defined]
        if "Free Software Foundation" not in subprocess.check_output([compiler, "--version"], text=True):
            raise RuntimeError(f"{compiler} is not GCC")
        objects = Path(self.build_temp)
        for old in objects.rglob("*.gcda"):
            old.unlink()
        self.force = True
        self.build_with(ext, COUNTING)
        with tempfile.TemporaryDirectory() as place:
            train(Path(place), Path(self.get_ext_fullpath(ext.name)))
        if not any(objects.rglob("*.gcda")):
            raise RuntimeError("the training left no counts")
        self.build_with(ext, COUNTED)

    def build_with(self, ext: Extension, flags: list[str]) -> None:
        """One of the builds."""
        before = ext.extra_compile_args, ext.extra_link_args
        ext.extra_compile_args, ext.extra_link_args = [*before[0], *flags], [*before[1], *flags]
        try:
            super().build_extension(ext)
        finally:
            ext.extra_compile_args, ext.extra_link_args = before


def trained_with() -> list[str]:
    """What a run of Raceway needs: its dependencies."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [str(requirement) for requirement in project["dependencies"]]


def train(place: Path, core: Path) -> None:
    """Run the training on this core, in a copy of the package: with nothing cached, at length, and hardly at all."""
    shutil.copytree(
        ROOT / "raceway", place / "raceway", ignore=shutil.ignore_patterns("__pycache__", "_native.*", "native")
    )
    shutil.copy2(core, place / "raceway")
    shutil.copytree(ROOT / TRAINING, place / "training")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RACEWAY_")}
    environment["PYTHONPATH"] = os.pathsep.join([str(place), *filter(None, [os.environ.get("PYTHONPATH")])])
    options = ["--core", "native", "--cache-dir", str(place / "cache"), "--quiet", "--fail-on", "never"]
    command = [sys.executable, "-m", "raceway.run", *options, "training"]
    for rounds in (["1"], [], *[["1"]] * 5):
        ran = subprocess.run(
            [*command, *rounds],
            check=False,
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        if ran.returncode != 0:
            raise RuntimeError(f"the training ended with {ran.returncode}\n{ran.stderr}")


if sys.implementation.name == "cpython" and POSIX:
    setup(
        cmdclass={"build_ext": BuildCore, "build_py": BuildPackage},
        setup_requires=trained_with() if INSTALLS and may_profile() else [],
        ext_modules=[
            Extension(
                "raceway._native",
                SOURCES,
                depends=HEADERS,
                extra_compile_args=FLAGS,
                extra_link_args=[*WHOLE, "-O3", *os.environ.get("RACEWAY_LDFLAGS", "").split()],
                optional=not os.environ.get("RACEWAY_REQUIRE_NATIVE"),
            )
        ],
    )
else:
    setup(cmdclass={"build_py": BuildPackage})
