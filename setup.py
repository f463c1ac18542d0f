"""Builds the native core where a C compiler is there; without one Raceway installs and runs on the pure core."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

SOURCES = sorted(str(path) for path in Path("raceway/native").glob("*.c"))
HEADERS = sorted(str(path) for path in Path("raceway/native").glob("*.h"))
POSIX = os.name == "posix"  # the core maps memory and keys threads the POSIX way

# The fast paths of one file call small functions of others: seen as one program, the core is a tenth faster.
WHOLE = [] if os.environ.get("RACEWAY_CFLAGS") else ["-flto=auto" if sys.platform == "linux" else "-flto"]
FLAGS = ["-std=gnu11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra", *WHOLE]
if os.environ.get("RACEWAY_WERROR"):  # developers and CI: no warning is accepted
    FLAGS.append("-Werror")
FLAGS.extend(os.environ.get("RACEWAY_CFLAGS", "").split())  # sanitizers

if sys.implementation.name == "cpython" and POSIX:
    setup(
        ext_modules=[
            Extension(
                "raceway._native",
                SOURCES,
                depends=HEADERS,
                extra_compile_args=FLAGS,
                extra_link_args=[*WHOLE, "-O3", *os.environ.get("RACEWAY_LDFLAGS", "").split()],
                optional=not os.environ.get("RACEWAY_REQUIRE_NATIVE"),
            )
        ]
    )
else:
    setup()
