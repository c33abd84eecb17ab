"""A cluster that is all talk: workers that announce themselves and tell of tasks that nobody runs.

`python -m benchmarks.crowd WORKERS QUEUES`, set up by the environment. It says `ready` once all of it can be seen. Each
line that it is given is the number of events per second from then on, and is answered by how many were told so far.
Before the first, and after a negative one, not even heartbeats are.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.processes import ROOT
from benchmarks.stores import Place
from stem_core import Stem, events
from stem_core.client import Job
from stem_core.config import StemConfig
from stem_core.service import cancel, spawn
from stem_core.snapshot import RunningTask, WorkerSnapshot, encode_snapshot
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.stores.port import Broker

_BEAT: Final = 2.0
_ROUND: Final = 0.1
_EVENTS_PER_TASK: Final = 4
_FAILS_EACH: Final = 50


class Talker:
    """One worker of the crowd."""

    def __init__(self, number: int, queue: str) -> None:
        self.id = f"worker-{number:04}@host-{number // 8:03}"
        self.queue = queue
        self._seq = 0
        self._told: list[events.Event] = []

    def beat(self) -> bytes:
        """Return its snapshot, which it tells of as well."""
        now = time.time()
        running = tuple(
            RunningTask(id=f"{self.id}-{slot}", task=f"{self.queue}.run", queue=self.queue, started_at=now - 1)
            for slot in range(4)
        )
        snapshot = WorkerSnapshot(
            worker=self.id, boot="boot", host=self.id.partition("@")[2], pid=4000, version="0.2.0", at=now,
            started_at=now - 3600, interval=_BEAT, concurrency=8, prefetch=16, queues=(self.queue,),
            inflight={self.queue: 4}, running=running, held=4, active=4, succeeded=int(now * 10) % 1_000_000_000,
            rss=180 << 20, cpu=40.0, capabilities=("ping", "stats", "inspect", "pause", "resume", "scale", "drain"),
        )  # fmt: skip
        self._told.append(events.WorkerHeartbeat(now, self.id, snapshot))
        return encode_snapshot(snapshot)

    @property
    def pending(self) -> int:
        """Events that are in no frame yet."""
        return len(self._told)

    def work(self, number: int) -> None:
        """Tell of one task, from its delivery to its end."""
        now = time.time()
        about = (f"019a9f3c-0000-7b55-8f1d-{number:012x}", f"{self.queue}.run", self.queue, 0)
        fails = number % _FAILS_EACH == 0
        end: events.Event = events.TaskSucceeded(now, *about, 0.012)
        if fails:
            end = events.TaskFailed(now, *about, 0.012, f"LookupError: no order {number}", "max-retries-exhausted")
        self._told += [
            events.TaskReceived(now, *about),
            events.TaskPrerun(now, *about),
            events.TaskPostrun(now, *about, TaskState.FAILED if fails else TaskState.SUCCEEDED),
            end,
        ]

    def frame(self) -> bytes:
        """Return what it has told since the last frame."""
        told, self._told = self._told, []
        frame = events.Frame(self.id, "boot", self._seq, time.time(), 0, told)
        self._seq += len(told)
        return events.encode_frame(frame)


async def _wait() -> None:
    """Never run."""


class Crowd:
    """All workers, and how much they tell."""

    def __init__(self, broker: Broker, workers: int, queues: int) -> None:
        self._broker = broker
        self._talkers = [Talker(number, f"queue-{number % queues:03}") for number in range(workers)]
        self._tasks = 0
        self._told = 0
        self._order = asyncio.Lock()
        self.rate: int | None = None

    @property
    def told(self) -> int:
        """Events that are in the topic."""
        return self._told

    async def beat(self, talkers: list[Talker]) -> None:
        """Announce these workers."""
        await asyncio.gather(*(self._broker.announce(each.id, each.beat(), 60.0) for each in talkers))
        if self.rate is not None:
            await self._tell(talkers)

    async def _tell(self, talkers: Collection[Talker]) -> None:
        async with self._order:  # as a worker's frames do, they come in the order of their numbers
            told = sum(each.pending for each in talkers)
            await self._broker.append(events.EVENTS_TOPIC, [each.frame() for each in talkers])
            self._told += told

    async def beat_on(self) -> None:
        """Announce all of them each two seconds, a part of them at a time."""
        parts = round(_BEAT / _ROUND)
        turn, due = 0, time.monotonic()
        while True:
            part = self._talkers[turn % parts :: parts]
            if part:
                await self.beat(part)
            turn, due = turn + 1, due + _ROUND
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def talk_on(self) -> None:
        """Tell of tasks, the workers in turn and a frame each, as often as the rate asks for."""
        due, owed = time.monotonic(), 0.0
        while True:
            owed += (self.rate or 0) * _ROUND / _EVENTS_PER_TASK
            first, self._tasks = self._tasks, self._tasks + int(owed)
            owed -= int(owed)
            busy: dict[str, Talker] = {}
            for number in range(first, self._tasks):
                talker = self._talkers[number % len(self._talkers)]
                talker.work(number)
                busy[talker.id] = talker
            if busy:
                await self._tell(busy.values())
            due += _ROUND
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def assemble(self) -> None:
        """Let all be seen: the workers, and in each queue some jobs that nobody takes."""
        stem = Stem(broker=self._broker)
        task = stem.task("crowd.wait")(_wait)
        jobs = [Job(task.name, {}, queue=name) for name in sorted({each.queue for each in self._talkers})]
        await stem.enqueue_many([*jobs, *jobs])
        for first in range(0, len(self._talkers), 50):
            await self.beat(self._talkers[first : first + 50])


async def _serve(workers: int, queues: int) -> None:
    config = StemConfig.from_environment()
    broker = await connect_broker(config.broker_url or "", namespace=config.namespace)
    crowd = Crowd(broker, workers, queues)
    await crowd.assemble()
    loops = [spawn(crowd.beat_on(), "crowd-beats"), spawn(crowd.talk_on(), "crowd-talk")]
    print("ready", flush=True)
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            crowd.rate = int(line) if int(line) >= 0 else None
            await asyncio.sleep(2 * _ROUND)
            print(crowd.told, flush=True)
    finally:
        for loop in loops:
            await cancel(loop)
        await broker.close()


class Told:
    """The process of a crowd, seen from the outside."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def rate(self, per_second: int) -> int:
        """Set the pace, and return how many events were told so far; below 0 even heartbeats are announced only."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{per_second}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def crowd(place: Place, workers: int, queues: int) -> Iterator[Told]:
    """Run a crowd until the block ends."""
    command = [sys.executable, "-m", "benchmarks.crowd", str(workers), str(queues)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=place.environment(), stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the crowd did not come together")
        yield Told(process)
        process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), int(sys.argv[2])))
