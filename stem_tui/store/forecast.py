"""When a queue will be empty, if all goes on as it does now."""

from __future__ import annotations

from typing import Final, NamedTuple

from stem_tui.store.queues import QueueEntry

_NOISE_PER_SECOND: Final = 0.05
_NOISE_SHARE: Final = 0.02


class Drain(NamedTuple):
    """A forecast: `time` with its seconds, or `never`, `flat`, `idle`, `paused`, `unknown`."""

    kind: str
    seconds: float | None = None


def drain_forecast(queue: QueueEntry) -> Drain:
    """Return when the queue's backlog will be gone.

    `flat` means that as much comes in as goes out; `never` that it grows, or that nobody works on it.
    """
    if queue.stats.paused is not None:
        return Drain("paused")
    if queue.backlog == 0:
        return Drain("idle")
    inward, outward = queue.rates.inward, queue.rates.outward
    if inward is None or outward is None:
        return Drain("unknown")
    noise = max(_NOISE_PER_SECOND, _NOISE_SHARE * max(inward, outward))
    net = outward - inward
    if net > noise:
        return Drain("time", queue.backlog / net)
    return Drain("never") if net < -noise or outward <= 0 else Drain("flat")
