"""A shared file in which tasks of any process write when they ran.

That is a memory access: no traffic, and hardly any time, that would be measured with the rest.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_PLACE: Final = struct.Struct("=dIBB2x")
_WHEN_WHERE: Final = struct.Struct("=dI")
_STARTS: Final = 12
_ENDS: Final = 13


class Run(NamedTuple):
    """What the board says about one job: when and where it began last, how often it began and ended."""

    start: float
    process: int
    starts: int
    ends: int


class Board:
    """A place for each job, by its number."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    @classmethod
    def of(cls, path: Path, jobs: int) -> Board:
        """Make an empty one, in a file that replaces any older one."""
        path.unlink(missing_ok=True)
        path.write_bytes(bytes(_PLACE.size * jobs))
        return cls(path)

    def start(self, n: int) -> None:
        """Note that job `n` begins here and now."""
        at = n * _PLACE.size
        _WHEN_WHERE.pack_into(self._map, at, time.time(), os.getpid())
        self._map[at + _STARTS] += 1

    def end(self, n: int) -> None:
        """Note that job `n` has ended."""
        self._map[n * _PLACE.size + _ENDS] += 1

    def runs(self) -> Iterator[Run]:
        """Return what it says about every job."""
        return (Run(*values) for values in _PLACE.iter_unpack(self._map[:]))

    def started(self) -> int:
        """Return how many jobs have begun."""
        return self._more_than_none(_STARTS)

    def ended(self) -> int:
        """Return how many jobs have ended."""
        return self._more_than_none(_ENDS)

    def start_of(self, n: int) -> float:
        """Return when job `n` began, epoch seconds; 0 if it has not."""
        return _WHEN_WHERE.unpack_from(self._map, n * _PLACE.size)[0]

    def rate(self, processes: int) -> float:
        """Return jobs per second while that many processes were all at work.

        That is from when the last of them began its first job to when the first of them began its last.

        Raises:
            RuntimeError: Some had no work.
        """
        by_process: dict[int, list[float]] = {}
        for run in self.runs():
            by_process.setdefault(run.process, []).append(run.start)
        if len(by_process) < processes:
            raise RuntimeError(f"{len(by_process)} of {processes} processes had work: more jobs are needed")
        begin, end = max(map(min, by_process.values())), min(map(max, by_process.values()))
        return sum(1 for starts in by_process.values() for start in starts if begin < start <= end) / (end - begin)

    def _more_than_none(self, column: int) -> int:
        counts = self._map[column :: _PLACE.size]
        return len(counts) - counts.count(0)
