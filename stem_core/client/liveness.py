"""Which workers are alive, from what they last said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from stem_core.delivery import Presence
from stem_core.snapshot import WorkerSnapshot, decode_snapshot

UNREADABLE: Final = "unreadable"

_SILENT_AFTER: Final = 3.0
_GRACE: Final = 1.0


class SeenWorker(msgspec.Struct, frozen=True):
    """A worker as it last showed itself.

    Args:
        snapshot: What it said. Its `state` is `unreadable` if that cannot be understood.
        age: Seconds since, by the broker's clock.
    """

    snapshot: WorkerSnapshot
    age: float

    @property
    def alive(self) -> bool:
        """Whether it spoke within the last three heartbeats, with a second's grace."""
        return self.age <= _SILENT_AFTER * self.snapshot.interval + _GRACE


def seen_workers(presences: Iterable[Presence]) -> list[SeenWorker]:
    """Read what workers announced, sorted by worker id."""
    return sorted((_seen(presence) for presence in presences), key=lambda seen: seen.snapshot.worker)


def _seen(presence: Presence) -> SeenWorker:
    try:
        snapshot = decode_snapshot(presence.body)
    except msgspec.MsgspecError:
        snapshot = WorkerSnapshot(worker=presence.worker, boot="", state=UNREADABLE)
    return SeenWorker(snapshot, presence.age)
