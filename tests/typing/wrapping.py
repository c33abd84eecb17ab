"""What mypy says of middleware and of the wrappers for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from stem_core import InMemoryBroker, Middleware, SimpleTaskRegistry, Stem, TaskContext, Worker
from stem_core.client import Job
from stem_core.clock import Clock
from stem_core.stores.port import Broker
from stem_core.testing import FaultyBroker, InlineWorker, ManualClock


class Good(Middleware):
    async def on_enqueue(self, job: Job, call_next: Callable[[Job], Awaitable[str]]) -> str:
        return await call_next(job.with_options(headers={"a": "b"}))

    async def on_execute(self, context: TaskContext, call_next: Callable[[TaskContext], Awaitable[object]]) -> object:
        return await call_next(context)


class Wrong(Middleware):
    async def on_enqueue(self, job: Job, call_next: Callable[[Job], Awaitable[str]]) -> int:  # E: override
        return len(await call_next(job))


clock: Clock = ManualClock()
broker: Broker = FaultyBroker(InMemoryBroker(clock=clock), clock)
stem = Stem(broker=broker, middleware=[Good()])
worker = Worker(broker=broker, registry=SimpleTaskRegistry(), middleware=stem.middleware)
inline = InlineWorker(stem, immediately=True)
stem.middleware.append(Good)  # E: arg-type
Job("a", {}).with_options(header={"a": "b"})  # E: call-arg
