"""Endings that a store did not take: what lies elsewhere waits in a line of its own, and what is refused stands alone.

Queues may lie on several servers. What one of them does not take must not keep the endings of the other queues waiting,
nor their slots. Which place it was, an error does not tell, so all that failed together is tried again place by place.
A store that is there and still refuses a batch is given halves of it, until what it refuses stands alone.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from stem_core.errors import BrokerFullError, BrokerUnavailableError, ConfigurationError, StemError
from stem_core.service import Backoff, cancel, spawn, supervise
from stem_core.text import visible
from stem_core.worker.core import Core, log
from stem_core.worker.entry import Entry

_MOST: Final = 256
_TRIES: Final = 3
"""How often something that stands alone is refused before it is given up."""
_HALVING: Final = 0.02
_SELDOM: Final = 30.0

_Line: TypeAlias = tuple[str, str]
"""A place, and the id of the task that stands alone there, "" for all others."""


def is_refusal(error: Exception) -> bool:
    """Return whether a store refused what it was given, or failed over it; else it is away, or needs its operator."""
    return not isinstance(error, (BrokerUnavailableError, BrokerFullError, ConfigurationError))


@dataclass(frozen=True, slots=True)
class Errand:
    """What is done with endings.

    Args:
        what: What it is about, for the log, with `%s` for the place.
        place: Returns where an ending goes.
        do: Does it for some of one place; all of them may be given again after an error.
        give_up: Called with one that is refused time and again, and the error; raises if that is of no use either.
    """

    what: str
    place: Callable[[Entry], str]
    do: Callable[[list[Entry]], Awaitable[None]]
    give_up: Callable[[Entry, Exception], Awaitable[None]]


class Aside:
    """A line for each place that did not take its endings, until it does.

    Args:
        core: What the worker's duties share.
        errand: What is done with endings.
    """

    def __init__(self, core: Core, errand: Errand) -> None:
        self._core = core
        self._errand = errand
        self._lines: dict[_Line, list[Entry]] = {}
        self._tasks: dict[_Line, asyncio.Task[object]] = {}

    @property
    def pending(self) -> int:
        """How many endings wait here."""
        return sum(map(len, self._lines.values()))

    def takes(self, entry: Entry) -> bool:
        """Let an ending wait if others wait for the same place; returns whether it does."""
        line = self._lines.get((self._errand.place(entry), ""))
        if line is not None:
            line.append(entry)
        return line is not None

    async def attempt(self, batch: list[Entry]) -> None:
        """Do the errand; if it fails, let the endings wait here, and try again as soon as that can be of use."""
        error = await self._tried(batch)
        if error is None:
            self._core.link_up()
        else:
            self._put(batch, error)

    def _put(self, entries: Iterable[Entry], error: Exception) -> None:
        if not is_refusal(error):
            self._core.link_down(error, 0.0)
        for entry in entries:
            self._lines.setdefault((self._errand.place(entry), ""), []).append(entry)
        self.resume()

    def resume(self) -> None:
        """Go on with every line that nobody sees to."""
        for key in self._lines:
            if key not in self._tasks:
                run = partial(self._insist if key[1] else self._serve, key)
                self._tasks[key] = spawn(
                    supervise(run, self._core.link_down, self._core.clock.sleep), f"{self._core.settings.id}-aside"
                )

    async def _serve(self, key: _Line) -> None:
        core, backoff, line, most = self._core, Backoff(), self._lines[key], _MOST
        has_told = False
        while line:
            batch = line[:most]
            error = await self._tried(batch)
            if error is None:
                core.link_up()
                backoff.reset()
                del line[: len(batch)]
                most = min(2 * most, _MOST)
            elif not is_refusal(error):
                if core.connected and not has_told:
                    has_told = True
                    log.warning(f"{self._errand.what}: %s", visible(key[0]), visible(str(error), 300))
                await core.clock.sleep(backoff.next())
            else:
                most = len(batch) // 2
                if not most:
                    self._set_apart(key[0], line.pop(0), error)
                    most = 1
                await core.clock.sleep(_HALVING)
        del self._lines[key], self._tasks[key]

    def _set_apart(self, place: str, entry: Entry, error: Exception) -> None:
        unforeseen = None if isinstance(error, StemError) else error
        said = f"{self._errand.what}, task %s stands alone: %s"
        log.error(said, visible(place), entry.job.delivery.id, visible(str(error), 300), exc_info=unforeseen)
        self._lines.setdefault((place, entry.job.delivery.id), []).append(entry)
        self.resume()

    async def _insist(self, key: _Line) -> None:
        line = self._lines[key]
        while line:  # a job that was lost and fetched again may stand here twice
            await self._insist_on(line[0])
            del line[0]
        del self._lines[key], self._tasks[key]

    async def _insist_on(self, entry: Entry) -> None:
        """Try one that is refused again, ever more seldom: the store, or what it keeps, may be mended."""
        backoff = Backoff(most=_SELDOM)
        for tries in itertools.count(1):
            await self._core.clock.sleep(backoff.next())
            error = await self._tried([entry])
            if error is not None and is_refusal(error) and tries >= _TRIES:
                error = await self._given_up(entry, error)
            if error is None:
                return

    async def _tried(self, batch: list[Entry]) -> Exception | None:
        try:
            await self._errand.do(batch)
        except Exception as error:  # noqa: BLE001 - whatever a store raises, no ending may be lost over it
            return error
        return None

    async def _given_up(self, entry: Entry, error: Exception) -> Exception | None:
        try:
            await self._errand.give_up(entry, error)
        except Exception as again:  # noqa: BLE001 - as above
            return again
        return None

    async def close(self) -> None:
        """Give up for now; what waits stays, until `resume`."""
        tasks, self._tasks = self._tasks, {}
        await cancel(*tasks.values())
