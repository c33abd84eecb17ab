"""A small cluster for tests: a broker, workers on it, and ways to wait for what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from stem_core.commands import (
    CONTROL_TOPIC,
    Command,
    Order,
    Reply,
    ShutdownMode,
    decode_reply,
    encode_command,
    reply_topic,
)
from stem_core.envelope import Envelope, new_task_id, seal
from stem_core.events import EVENTS_TOPIC, Event, Frame, decode_frame
from stem_core.options import TaskOptions
from stem_core.results import TaskStatus, status_of_record
from stem_core.stores.port import FROM_START, Broker
from stem_core.tasks import FunctionTaskHandler, SimpleTaskRegistry
from stem_core.worker import Worker

DEADLINE = 20.0
"""Seconds; only a test that fails takes so long."""


async def until(condition: Callable[[], Any], what: str = "", within: float = DEADLINE) -> Any:
    """Wait for a condition; fail the test if it does not come true."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        assert loop.time() < end, f"waited {within} s for {what or condition}"
        await asyncio.sleep(0.005)


class Cluster:
    """A broker and its workers; all workers end with the test."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.registry = SimpleTaskRegistry()
        self.workers: list[Worker] = []

    def task(self, name: str, function: Callable[..., Any], **options: Any) -> None:
        self.registry.register(FunctionTaskHandler(name, function, TaskOptions(**options)))

    async def worker(self, **settings: Any) -> Worker:
        settings.setdefault("consumer_name", f"w{len(self.workers) + 1}")
        settings.setdefault("concurrency", 2)
        settings.setdefault("registry", self.registry)
        settings.setdefault("heartbeat_interval", 0.2)
        worker = Worker(broker=self.broker, **settings)
        self.workers.append(worker)
        await worker.start()
        return worker

    async def send(self, name: str, args: dict[str, object] | None = None, delay: float = 0.0, **fields: Any) -> str:
        envelope = Envelope(id=new_task_id(), name=name, args=args or {}, **fields)
        await self.broker.publish([seal(envelope, delay)])
        return envelope.id

    async def ended(self, task_id: str, within: float = DEADLINE) -> TaskStatus:
        async def record() -> bytes | None:
            return (await self.broker.results().get([task_id]))[0]

        return status_of_record(await until(record, f"the end of {task_id}", within))

    async def command(self, order: Order, replies: int = 1, **fields: Any) -> list[Reply]:
        command = Command(id=new_task_id(), order=order, issuer="test", **fields)
        await self.broker.append(CONTROL_TOPIC, [encode_command(command)])
        topic = reply_topic(command.id)
        answers: list[Reply] = []
        cursor = FROM_START
        while len(answers) < replies:
            messages = await asyncio.wait_for(self._next(topic, cursor), DEADLINE)
            for message in messages:
                cursor = message.cursor
                answers.append(decode_reply(message.body))
        return answers

    async def _next(self, topic: str, cursor: str) -> list[Any]:
        while not (messages := await self.broker.read({topic: cursor}, 100, 0.5)):
            pass
        return messages

    async def frames(self) -> list[Frame]:
        messages = await self.broker.read({EVENTS_TOPIC: FROM_START}, 10_000, 0.0)
        return [decode_frame(message.body) for message in messages]

    async def events(self, *kinds: type[Any]) -> list[Event]:
        return [event for frame in await self.frames() for event in frame.events if not kinds or type(event) in kinds]

    async def close(self) -> None:
        for worker in self.workers:
            await worker.shutdown(ShutdownMode.HARD)
        await self.broker.close()
