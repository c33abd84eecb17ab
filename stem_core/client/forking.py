"""What a forked child must not have in common with its parent: the connections of an event loop."""

from __future__ import annotations

import os
import select
import selectors
import socket


def cut_off(selector: selectors.BaseSelector) -> None:
    """Let an event loop that came along into a child reach nobody any more; call this in the child.

    Its descriptors still lead to the parent's connections, and to the parent's own list of what to listen for. Whatever
    is destroyed in the child would be struck off that list, and TLS would say goodbye on the parent's connection.

    Args:
        selector: Of the parent's event loop.
    """
    places = [key.fd for key in (selector.get_map() or {}).values()]
    dead, other = socket.socketpair()
    other.close()
    for place in places:
        os.dup2(dead.fileno(), place, inheritable=False)
    dead.close()
    if hasattr(select, "epoll") and isinstance(selector, selectors.EpollSelector):
        with select.epoll() as fresh:
            os.dup2(fresh.fileno(), selector.fileno(), inheritable=False)
