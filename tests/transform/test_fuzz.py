"""Random programs, plain and tapped: same log, results, exceptions and tracebacks. RACEWAY_FUZZ=N runs more of them."""

from __future__ import annotations

import os
import re
import warnings
from random import Random
from types import CodeType

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.transform.generated import program
from tests.transform.test_renderings import assert_same_meaning
from tests.transform.test_tracebacks import assert_same_places
from tests.transform.twins import TAPS, plain_code, recording, run, tapped_code

NORMAL = 8
EXAMPLES = int(os.environ.get("RACEWAY_FUZZ", NORMAL))


def seen(code: CodeType, source: str) -> str:
    """What can be compared of a run: addresses are left out."""
    return re.sub(r"0x[0-9a-f]+", "0x", str(run(code, source)))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= NORMAL,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
@given(st.integers(0, 2**32))
def test_random_programs_run_as_they_did(seed: int) -> None:
    source = program(Random(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            plain = plain_code(source)
        except SyntaxError:
            assume(False)
        before = seen(plain, source)
        for taps in TAPS:
            with recording(taps):
                assert seen(tapped_code(source, taps), source) == before
            assert_same_places(source, taps)
        assert_same_meaning(source.encode())
