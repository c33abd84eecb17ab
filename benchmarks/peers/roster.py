"""Who is compared, in which version, and how each is set to do its best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Peer:
    """A task system under measurement.

    Args:
        name: Its module in `adapters`.
        slots: How many jobs a worker process runs at once where that is fastest.
        jobs: How many jobs last it some seconds.
        requirements: What to install for it, pinned so that two runs compare the same; the project itself if empty.
        recovers: Whether to measure what it does about a worker that is killed.
        note: What a reader of its figures must know.
    """

    name: str
    slots: int
    jobs: int
    requirements: tuple[str, ...] = ()
    recovers: bool = True
    note: str = ""

    @property
    def title(self) -> str:
        """What tables call it."""
        return f"{self.name} ({self.note})" if self.note else self.name


_HIREDIS: Final = "hiredis==3.5.0"  # redis-py's parser in C, which the project uses too

PEERS: Final = (
    Peer("stem", 100, 40_000),
    Peer("hand", 100, 60_000, recovers=False, note="the least there could be"),
    Peer(
        "repid", 1000, 6_000, ("repid[redis]==2.1.4", _HIREDIS, "typing_extensions==4.16.0"), note="stores no results"
    ),
    Peer("dramatiq", 4, 6_000, ("dramatiq[redis]==2.2.1", _HIREDIS)),
    Peer("huey", 1, 5_000, ("huey[redis]==3.5.4", _HIREDIS)),
    Peer("saq", 100, 2_000, ("saq[redis,hiredis]==0.26.4", _HIREDIS, "typing_extensions==4.16.0")),
    Peer("taskiq", 100, 2_000, ("taskiq==0.13.0", "taskiq-redis==1.2.4", _HIREDIS)),
    Peer("streaq", 32, 2_000, ("streaq==7.2.0", "uvloop==0.23.0")),
    Peer("arq", 100, 2_000, ("arq==0.28.0", _HIREDIS)),
    Peer("celery", 1, 1_500, ("celery[redis]==5.7.0", _HIREDIS)),
    Peer("rq", 1, 500, ("rq==3.0.0", _HIREDIS)),
)
"""In the order of the table. Those that declare too little are given typing_extensions, which they import."""
