"""Polling objects: who registers a descriptor comes before another thread that is told of it, on both cores."""

from __future__ import annotations

import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from raceway.sync.serials import KEPT
from tests.sync.recording import FakeRecorder

KINDS = [select.poll, *([select.epoll] if hasattr(select, "epoll") else [])]
READ = 1


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def poller(request: pytest.FixtureRequest, recorder: FakeRecorder) -> Any:
    """A polling object, within a run."""
    return request.param()


@pytest.fixture
def readable() -> Iterator[int]:
    """A descriptor of which there is something to tell."""
    reader, writer = os.pipe()
    os.write(writer, b"x")
    yield reader
    os.close(reader)
    os.close(writer)


def elsewhere(act: Callable[[], object]) -> None:
    """Have another thread do this."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


def of_pollers(recorder: FakeRecorder, verb: str) -> list[int]:
    """What was told of registrations that are remembered."""
    return [number for number in recorder.told(verb) if recorder.kinds.get(number) == "poller"]


@pytest.mark.parametrize("verb", ["register", "modify"])
def test_who_registers_comes_before_another_thread_that_is_told(
    poller: Any, recorder: FakeRecorder, readable: int, verb: str
) -> None:
    if verb == "modify":
        poller.register(readable, 0)
    elsewhere(lambda: getattr(poller, verb)(readable, READ))
    assert [descriptor for descriptor, _ in poller.poll(1)] == [readable]
    assert of_pollers(recorder, "acquire") == of_pollers(recorder, "release")[-1:]


def test_what_a_thread_has_registered_itself_tells_it_nothing(
    poller: Any, recorder: FakeRecorder, readable: int
) -> None:
    poller.register(readable, READ)
    assert poller.poll(1)
    assert of_pollers(recorder, "acquire") == []


def test_names_of_arguments_are_known(poller: Any, recorder: FakeRecorder, readable: int) -> None:
    if type(poller) is select.poll().__class__:
        pytest.skip("takes its arguments by position alone")
    elsewhere(lambda: poller.register(eventmask=READ, fd=readable))
    assert poller.poll(timeout=1)
    assert len(of_pollers(recorder, "acquire")) == 1


def test_a_socket_is_known_by_its_descriptor(poller: Any, recorder: FakeRecorder) -> None:
    first, second = socket.socketpair()
    with first, second:
        first.send(b"x")
        elsewhere(lambda: poller.register(second, READ))
        assert poller.poll(1)
    assert len(of_pollers(recorder, "acquire")) == 1


def test_a_descriptor_of_the_program_is_asked_for_once(poller: Any, recorder: FakeRecorder, readable: int) -> None:
    asked: list[int] = []

    class File:
        def fileno(self) -> int:
            asked.append(readable)
            return readable

    elsewhere(lambda: poller.register(File(), READ))
    assert poller.poll(1)
    assert asked == [readable]
    assert of_pollers(recorder, "acquire") == []


def test_what_was_taken_out_is_forgotten(poller: Any, recorder: FakeRecorder, readable: int) -> None:
    elsewhere(lambda: poller.register(readable, READ))
    poller.unregister(readable)
    poller.register(readable, READ)
    assert poller.poll(1)
    assert of_pollers(recorder, "acquire") == []


def test_so_many_registrations_are_remembered(poller: Any, recorder: FakeRecorder, readable: int) -> None:
    """Nothing tells of the end of a polling object, so the oldest are forgotten."""
    others = [select.poll() for _ in range(KEPT // 8)]
    elsewhere(lambda: poller.register(readable, READ))
    for _again in range(3):
        for descriptor in range(8):
            for other in others[1:]:
                other.register(descriptor, 0)
    assert poller.poll(1)
    assert len(of_pollers(recorder, "acquire")) == 1
    for descriptor in range(8):
        others[0].register(descriptor, 0)
    assert poller.poll(1)
    assert of_pollers(recorder, "acquire") == []


def test_a_refusal_is_as_without(poller: Any, recorder: FakeRecorder) -> None:
    with pytest.raises(TypeError):
        poller.register()
    with pytest.raises(TypeError):
        poller.register("no file")
    with pytest.raises((OSError, KeyError)):
        poller.modify(2**20, READ)
    with pytest.raises((OSError, ValueError, OverflowError)):
        poller.register(-5, READ)
