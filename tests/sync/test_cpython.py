"""CPython's own tests of the primitives pass with the models in. The long ones: `python tests/sync/cpython.py`."""

from __future__ import annotations

import pytest

from tests.sync.cpython import KNOWN, available, outcomes

NAMES = (
    "test_threading.LockTests",
    "test_threading.CRLockTests",
    "test_threading.EventTests",
    "test_threading.BoundedSemaphoreTests",
    "test_queue.CPriorityQueueTest",
    "test_queue.CSimpleQueueTest",
)


def test_cpython_tests_of_the_primitives_pass() -> None:
    names = available(NAMES)
    if not names:
        pytest.skip("this interpreter comes without its tests")
    count, failed = outcomes(True, names)
    assert count > 60
    assert failed.keys() <= KNOWN
