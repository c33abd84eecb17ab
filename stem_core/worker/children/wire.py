"""The child's end of the socket to its worker: blocking, and safe to write to from all its threads."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Final

from stem_core.worker.children.messages import FromChild, ToChild, Unpacker, decode_to_child, pack

_CHUNK: Final = 65_536


class Wire:
    """Messages to and from the worker.

    Args:
        link: The socket that the worker handed down.
    """

    def __init__(self, link: socket.socket) -> None:
        link.set_inheritable(False)
        self._link = link
        self._lock = threading.Lock()

    def send(self, message: FromChild) -> None:
        """Say something; raises OSError if the worker is gone."""
        data = pack(message)
        with self._lock:
            self._link.sendall(data)

    def messages(self) -> Iterator[ToChild]:
        """Yield what the worker says, until it is gone."""
        unpacker = Unpacker()
        while True:
            try:
                data = self._link.recv(_CHUNK)
            except OSError:
                return
            if not data:
                return
            for body in unpacker.feed(data):
                yield decode_to_child(body)
