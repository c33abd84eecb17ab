"""Rates as differences of counters that only grow, over a sliding window."""

from __future__ import annotations

from collections import deque


class CounterWindow:
    """Counters read together, and how fast they grew over the last seconds.

    Args:
        span: Seconds to look back.
        least: Seconds of history below which a rate is not known.
    """

    __slots__ = ("_least", "_samples", "_span")

    def __init__(self, span: float, least: float = 0.8) -> None:
        self._span = span
        self._least = least
        self._samples: deque[tuple[float, tuple[int, ...]]] = deque()

    def add(self, now: float, counters: tuple[int, ...]) -> None:
        """Take a reading; one that is lower than the last starts the history anew (the source was reset)."""
        samples = self._samples
        if samples and (any(new < old for new, old in zip(counters, samples[-1][1], strict=True))):
            samples.clear()
        elif samples and now <= samples[-1][0]:
            samples.pop()
        samples.append((now, counters))
        while len(samples) > 2 and samples[1][0] <= now - self._span:
            samples.popleft()

    def clear(self) -> None:
        """Forget the history."""
        self._samples.clear()

    def growth(self) -> tuple[float, tuple[int, ...]] | None:
        """Return the seconds looked at and what each counter grew by in them, or None if not known yet."""
        if len(self._samples) < 2:
            return None
        (began, first), (ended, last) = self._samples[0], self._samples[-1]
        if ended - began < self._least:
            return None
        return ended - began, tuple(new - old for new, old in zip(last, first, strict=True))
