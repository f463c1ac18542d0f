"""The README's first example gives the report that the README shows."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT, RunRaceway, available_cores, has_gil

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# How often the threads met, and the counts of the run, may change with the interpreter.
_COUNTS = re.compile(r", seen [\d,]+ times|watched .*")


@pytest.mark.skipif(not has_gil(), reason="the README shows an interpreter with a GIL")
@pytest.mark.skipif("native" not in available_cores(), reason="the README shows the native core")
def test_the_first_example_is_reported_as_shown(run_raceway: RunRaceway) -> None:
    example = (ROOT / "README.md").read_text(encoding="utf-8").partition("## First example")[2].partition("\n## ")[0]
    blocks = dict(reversed(_FENCE.findall(example)))
    run_raceway.write("counter.py", blocks["python"])
    run = run_raceway("counter.py", environ={"RACEWAY_CORE": "native"})
    assert run.status == 0
    assert _COUNTS.sub("", run.stderr) == _COUNTS.sub("", blocks["text"])
