"""Sockets: what one end sent orders the other end of the same process, and nobody else."""

from __future__ import annotations

import _socket
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.sync.recording import watched


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        with client, accepted:
            yield client, accepted


@pytest.mark.parametrize("send", ["send", "sendall"])
@pytest.mark.parametrize("receive", ["recv", "recv_into"])
def test_what_was_sent_comes_before_what_was_received(
    ends: tuple[socket.socket, socket.socket], send: str, receive: str
) -> None:
    client, accepted = ends
    with watched() as recorder:
        getattr(client, send)(b"x")
        getattr(accepted, receive)(1 if receive == "recv" else bytearray(1))
    released = recorder.told("release")
    acquired = recorder.told("acquire")
    assert released == acquired
    assert len(released) == 1


def test_the_two_directions_are_apart(ends: tuple[socket.socket, socket.socket]) -> None:
    client, accepted = ends
    with watched() as recorder:
        client.send(b"x")
        accepted.send(b"y")
    released = recorder.told("release")
    assert len(set(released)) == 2


@pytest.mark.parametrize("apart", [False, True])
def test_what_comes_from_elsewhere_comes_after_what_another_thread_has_asked(apart: bool) -> None:
    with watched() as recorder, socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            stranger = _socket.socket(fileno=server._accept()[0])  # type: ignore[attr-defined]  # of which nothing is told
            if apart:
                asking = threading.Thread(target=client.send, args=(b"x",))
                asking.start()
                asking.join()
            else:
                client.send(b"x")
            released = recorder.told("release")[-1:]
            stranger.send(stranger.recv(1))
            before = len(recorder.told("acquire"))
            client.recv(1)
            acquired = recorder.told("acquire")[before:]
        stranger.close()
    assert (released[0] in acquired) == apart


def test_who_is_called_from_elsewhere_is_not_followed() -> None:
    with watched() as recorder, socket.create_server(("127.0.0.1", 0)) as server:
        stranger = _socket.socket()  # of which nothing is told, as of one in another process
        stranger.connect(server.getsockname())
        accepted, _ = server.accept()
        with accepted:
            accepted.send(b"x")
        assert recorder.told("release") == []
        with socket.create_connection(server.getsockname()) as caller, server.accept()[0] as called:
            called.send(b"y")
            caller.recv(1)
        stranger.close()
    assert set(recorder.told("acquire")) < set(recorder.told("release"))
    assert len(recorder.told("acquire")) == 2  # the call, and what was sent


def test_an_unconnected_socket_orders_nothing() -> None:
    with watched() as recorder, socket.socket() as alone, pytest.raises(OSError, match="not connected"):
        alone.recv(1)
    assert recorder.log == []
