"""Consoles to test: one that stands still over a fixed model, one over a live cluster in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from stem_core import FunctionTaskHandler, InMemoryBroker, SimpleTaskRegistry, Stem, TaskContext, TaskOptions, Worker
from stem_core.client import ClusterClient, ControlClient
from stem_tui.app import ConsoleApp
from stem_tui.commander import Commander
from stem_tui.keymap import build_keymap
from stem_tui.local import LocalWorkers
from stem_tui.session import Session
from stem_tui.settings import ConsoleSettings
from stem_tui.store import ClusterModel
from stem_tui.theme import load_theme
from tests.tui.models import NOW, WALL


class StillClock:
    """A clock that stands still."""

    def time(self) -> float:
        return WALL

    def monotonic(self) -> float:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class InMemory:
    """A source over one broker of this process."""

    location = "memory"
    refuses_local_workers = "the broker lives in this process"

    def __init__(self, broker: InMemoryBroker) -> None:
        self.broker = broker

    async def connect(self) -> ClusterClient:
        return ClusterClient(self.broker, issuer="ann@bastion")

    async def close(self) -> None:
        """It lives as long as the test."""


class StillSession(Session):
    """A session that reads nothing: its model is what it was given."""

    def __init__(self, model: ClusterModel) -> None:
        clock, broker = StillClock(), InMemoryBroker()
        settings = ConsoleSettings(issuer="ann@bastion", prod=model.identity.prod, app="shop.tasks:stem")
        super().__init__(settings, InMemory(broker), clock)
        self.model = model
        self.commander = Commander(model, clock, settings.issuer, self.refresh)
        if model.link.is_live:
            self.commander.control = ControlClient(broker)
        self.local = LocalWorkers(model, settings.config, clock)

    async def run(self) -> None:
        await asyncio.Event().wait()


def still(model: ClusterModel, theme: str = "dark") -> ConsoleApp:
    """Return a console over a model that never changes."""
    return ConsoleApp(StillSession(model), load_theme(theme), build_keymap(), StillClock())


def screen_text(app: ConsoleApp) -> str:
    """Return what is on the screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def until(condition: Callable[[], object], within: float = 20.0) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.01)


async def nap(context: TaskContext, seconds: float) -> str:
    for _ in range(int(seconds * 50)):
        context.checkpoint()
        await asyncio.sleep(0.02)
    return "rested"


async def boom(order: int, token: str = "") -> None:  # noqa: ARG001 - it is there to be hidden
    raise LookupError(f"no order {order}")


class Live:
    """A console over a real worker in memory, and the pilot of its keys."""

    def __init__(self, app: ConsoleApp, pilot: Pilot[int], stem: Stem, worker: Worker, broker: InMemoryBroker) -> None:
        self.app = app
        self.pilot = pilot
        self.stem = stem
        self.worker = worker
        self.broker = broker

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def sees(self, text: str) -> None:
        try:
            await until(lambda: text in screen_text(self.app))
        except AssertionError:
            raise AssertionError(f"{text!r} is not on the screen:\n{screen_text(self.app)}") from None

    async def die(self, number: int, first: int = 1) -> list[str]:
        """Let so many jobs die, and return their ids."""
        ids = [await self.stem.enqueue("boom", args={"order": first + n, "token": "tok-77"}) for n in range(number)]
        await until(lambda: self.dead() >= first + number - 1)
        return ids

    def dead(self) -> int:
        """Return how many dead letters the console knows of."""
        queue = self.app.session.model.queues.get("naps")
        return 0 if queue is None else queue.stats.dead

    async def paused(self, queue: str) -> bool:
        (stats,) = await self.broker.stats([queue])
        return stats.paused is not None


@asynccontextmanager
async def live(*, read_only: bool = False, prod: bool = False, armable: bool = False) -> AsyncIterator[Live]:
    """Run a worker on two queues and a console that watches it."""
    broker = InMemoryBroker()
    registry = (
        SimpleTaskRegistry()
        .register(FunctionTaskHandler("nap", nap, TaskOptions(queue="naps")))
        .register(FunctionTaskHandler("boom", boom, TaskOptions(queue="naps", max_retries=0)))
    )
    worker = Worker(
        broker=broker, registry=registry, queue="naps", consumer_name="w1", concurrency=2, heartbeat_interval=0.1
    )
    await worker.start()
    stem = Stem(broker=broker, registry=registry)
    settings = ConsoleSettings(issuer="ann@bastion", read_only=read_only, prod=prod, armable=armable, profile="prod-eu")
    app = ConsoleApp(Session(settings, InMemory(broker)), load_theme("dark"), build_keymap())
    try:
        async with app.run_test(size=(100, 30)) as pilot:
            await until(lambda: app.session.model.queues and app.session.model.workers)
            app.paint()
            await pilot.pause()
            yield Live(app, pilot, stem, worker, broker)
    finally:
        await worker.shutdown()
        await stem.close()
        await broker.close()
