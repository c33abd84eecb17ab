"""What an adapter offers to whoever enqueues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Producer:
    """How a peer enqueues; coroutine functions if it is asynchronous.

    Args:
        one: Enqueue the job with that number.
        many: Enqueue jobs by one call, if the peer has one for that.
    """

    one: Callable[[int], Awaitable[object] | object]
    many: Callable[[Sequence[int]], Awaitable[object] | object] | None = None
