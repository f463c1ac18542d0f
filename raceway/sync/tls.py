"""TLS over sockets of one process: what one end sends -> what the other end receives, as of plain `sockets`.

The methods of `ssl.SSLSocket` call OpenSSL, which uses the descriptor itself. A handshake sends and receives on both
sides; closing and shutting down are those of plain sockets. `ssl.SSLObject` has no socket: what its owner sends for it
goes through one. `ssl` is not imported for this.
"""

from __future__ import annotations

import sys

from raceway.model.typing import Any
from raceway.sync import sockets
from raceway.sync.patching import Patches

MODULE = "ssl"

_SENDING = ("send", "write")
_RECEIVING = "read"  # by `recv()` and `recv_into()`, too
_BOTH = ("do_handshake", "unwrap")


def patch(patches: Patches) -> None:
    """Put the models beside the methods, if `ssl` has been imported."""
    cls: Any = getattr(sys.modules.get(MODULE), "SSLSocket", None)
    for name in () if cls is None else (*_SENDING, *_BOTH):
        patches.replace(cls, name, patches.beside_builtin(getattr(cls, name), sockets.sending, before=True))
    for name in () if cls is None else (_RECEIVING, *_BOTH):
        patches.replace(cls, name, patches.beside_builtin(getattr(cls, name), sockets.received))
