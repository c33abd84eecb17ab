"""The loops that read one connection into the model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from stem_core.client import ClusterClient
from stem_core.clock import Clock
from stem_core.errors import BrokerUnavailableError, StemError
from stem_core.service import spawn
from stem_tui.feed.letters import LetterReader, letter_of, status_of_letter
from stem_tui.feed.patience import in_time
from stem_tui.feed.schedules import ScheduleReader
from stem_tui.store import ClusterModel

POLL_EVERY: Final = 1.0
EVENTS_EVERY: Final = 0.2
FRAMES_PER_READ: Final = 64
_EVENT_WAIT: Final = 1.0
_TASKS_PER_ROUND: Final = 32
WAITING_SHOWN: Final = 100
"""Waiting tasks read of the queue that is looked at; a queue may hold millions."""


class Feed:
    """Reads a cluster into a model: events as they come, figures each second.

    Args:
        model: What is fed.
        clock: Tells the time at which something was read.

    Attributes:
        cursor: After which event to go on reading; kept over reconnects.
    """

    def __init__(self, model: ClusterModel, clock: Clock) -> None:
        self._model = model
        self._clock = clock
        self._poll_now = asyncio.Event()
        self._task_now = asyncio.Event()
        self._waiting_now = asyncio.Event()
        self._letters_now = asyncio.Event()
        self._letters = LetterReader(model, clock)
        self._schedules_now = asyncio.Event()
        self._schedules = ScheduleReader(model, clock)
        self.cursor: str | None = None

    def refresh(self) -> None:
        """Read figures now."""
        self._poll_now.set()
        self._task_now.set()
        self._waiting_now.set()
        self._letters.refresh()
        self._letters_now.set()
        self._schedules_now.set()

    async def run(self, cluster: ClusterClient) -> None:
        """Read until the connection breaks.

        Raises:
            BrokerUnavailableError: The broker cannot be reached any more.
        """
        if self.cursor is None:
            self.cursor = await in_time(cluster.events_tail())
        loops = [
            spawn(self._forever(cluster, self._read_events, "events", None), "console-events"),
            spawn(self._forever(cluster, self._read_figures, "figures", self._poll_now), "console-figures"),
            spawn(self._forever(cluster, self._read_tasks, "task", self._task_now), "console-tasks"),
            spawn(self._forever(cluster, self._read_waiting, "waiting", self._waiting_now), "console-waiting"),
            spawn(self._forever(cluster, self._letters.look, "letters", self._letters_now), "console-letters"),
            spawn(self._forever(cluster, self._schedules.look, "schedules", self._schedules_now), "console-schedules"),
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_EXCEPTION)
            for loop in done:
                await loop
        finally:
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def _forever(
        self,
        cluster: ClusterClient,
        read: Callable[[ClusterClient], Awaitable[float]],
        part: str,
        wake: asyncio.Event | None,
    ) -> None:
        while True:
            try:
                pause = await read(cluster)
                self._model.problem(part, None)
            except BrokerUnavailableError:
                raise
            except StemError as error:
                self._model.problem(part, str(error))
                pause = POLL_EVERY
            except Exception as error:  # noqa: BLE001 - one bad answer must not end the console; it is shown instead
                self._model.problem(part, f"{type(error).__name__}: {error}")
                pause = POLL_EVERY
            if wake is None:
                await asyncio.sleep(pause)
            else:
                await _wait(wake, pause)

    async def _read_events(self, cluster: ClusterClient) -> float:
        batch = await in_time(cluster.events(self.cursor or "0", FRAMES_PER_READ, _EVENT_WAIT))
        self.cursor = batch.cursor
        for frame in batch.frames:
            self._model.apply_frames((frame,), self._clock.monotonic())
            await asyncio.sleep(0)  # keys are handled between two frames, however many there are
        if batch.undecodable:
            self._model.apply_frames((), self._clock.monotonic(), batch.undecodable)
        return 0.0 if len(batch.frames) >= FRAMES_PER_READ else EVENTS_EVERY

    async def _read_figures(self, cluster: ClusterClient) -> float:
        model, now = self._model, self._clock.monotonic
        seen = await in_time(cluster.workers())
        model.apply_workers([(worker.snapshot, worker.age) for worker in seen], now())
        await asyncio.sleep(0)
        names = {name for worker in seen if worker.alive for name in worker.snapshot.queues}
        names.update(await in_time(cluster.broker.queues()))
        stats = await in_time(cluster.queues(sorted(names))) if names else []
        model.apply_stats(stats, now())
        model.apply_rtt(await in_time(cluster.ping()), now())
        return POLL_EVERY

    async def _read_tasks(self, cluster: ClusterClient) -> float:
        for task_id in sorted(self._model.tasks_to_read())[:_TASKS_PER_ROUND]:
            status = await in_time(cluster.task(task_id))
            if status is None and task_id == self._model.watched and self._model.watched_letter is not None:
                status = await in_time(status_of_letter(cluster, self._model.watched_letter))
            letter = None
            if status is not None and task_id == self._model.watched:
                letter = await in_time(letter_of(cluster, status))
            self._model.apply_task(task_id, status, self._clock.monotonic(), letter)
        return POLL_EVERY

    async def _read_waiting(self, cluster: ClusterClient) -> float:
        queue = self._model.watched_queue
        if queue is not None:
            found = await in_time(cluster.waiting(queue, WAITING_SHOWN))
            self._model.apply_waiting(queue, found, self._clock.monotonic())
        return POLL_EVERY


async def _wait(wake: asyncio.Event, pause: float) -> None:
    try:
        await asyncio.wait_for(wake.wait(), pause)
    except TimeoutError:
        return
    wake.clear()
