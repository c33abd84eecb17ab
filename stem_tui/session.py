"""One console's connection with one cluster: kept up for ever, read into a model, commanded."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from stem_core.client import ClusterClient
from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.errors import BrokerUnavailableError, StemError
from stem_core.service import Backoff, cancel, spawn
from stem_tui.commander import Commander
from stem_tui.feed import Feed, LiveSource, Source
from stem_tui.local import LocalWorkers
from stem_tui.settings import ConsoleSettings
from stem_tui.store import ClusterModel, Identity

CONNECT_WITHIN: Final = 5.0
TICK: Final = 0.25


class Session:
    """What the screen stands on.

    Nothing in it raises into the screen: what goes wrong stands in the model (`link`, `problems`, `receipts`).

    Args:
        settings: The console's settings.
        source: The cluster; the one that the settings name if None.
        clock: Tells the time.

    Attributes:
        settings: The console's settings.
        source: The cluster.
        clock: Tells the time.
        model: What is known.
        commander: Gives commands.
        local: Worker processes of this console.
        last_local: What the last local worker was started with, for the next one.
        break_off: Set to let a long operation stop after its next step.
    """

    def __init__(self, settings: ConsoleSettings, source: Source | None = None, clock: Clock = SYSTEM_CLOCK) -> None:
        self.settings = settings
        self.source = source or LiveSource(settings.config, settings.issuer)
        self.clock = clock
        now = clock.monotonic()
        identity = Identity(
            name=settings.profile,
            prod=settings.prod,
            namespace=settings.config.namespace,
            location=self.source.location,
            read_only=settings.read_only,
            demo=settings.demo,
            armable=settings.armable,
        )
        self.model = ClusterModel(identity, started=now, wall_offset=clock.time() - now)
        self.commander = Commander(self.model, clock, settings.issuer, self.refresh)
        self.local = LocalWorkers(self.model, settings.config, clock)
        self.last_local: dict[str, str] = {}
        self.break_off = asyncio.Event()
        self._feed = Feed(self.model, clock)
        self._retry_now = asyncio.Event()
        self._running: asyncio.Task[object] | None = None

    def now(self) -> float:
        """Return the moment that views take: the console's monotonic clock."""
        return self.clock.monotonic()

    @property
    def changed(self) -> int:
        """A number that grows whenever something to be shown has changed."""
        return self.model.version

    def start(self) -> None:
        """Run in the background until `close`."""
        self._running = spawn(self.run(), "console-session")

    async def run(self) -> None:
        """Connect, read, and connect again when the broker went away; until cancelled."""
        ticker = spawn(self._tick(), "console-tick")
        backoff = Backoff()
        tries = 0
        try:
            while True:
                tries += 1
                self.model.link_connecting(tries, None, self.model.link.reason, self.now())
                reason, connected = await self._try()
                if connected:
                    backoff.reset()
                    tries = 0
                delay = backoff.next()
                self.model.link_connecting(tries, self.now() + delay, reason, self.now())
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._retry_now.wait(), delay)
                self._retry_now.clear()
        finally:
            await cancel(ticker)

    async def _try(self) -> tuple[str, bool]:
        """Connect and read until that breaks; return why it broke, and whether there was a connection."""
        cluster: ClusterClient | None = None
        connected = False
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                cluster = await self.source.connect()
                await cluster.ping()
            connected = True
            self.model.link_up(self.now())
            self.model.warned(cluster.warnings)
            self.commander.control, self.commander.cluster = cluster.control, cluster
            await self._feed.run(cluster)
        except TimeoutError:
            return "timed out", connected
        except StemError as error:
            return (error.message if isinstance(error, BrokerUnavailableError) else str(error)), connected
        except Exception as error:  # noqa: BLE001 - whatever a driver throws, the console stays up and says so
            return f"{type(error).__name__}: {error}", connected
        finally:
            self.commander.control = self.commander.cluster = None
            if cluster is not None:
                await _close(cluster)
        return "the connection was closed", connected

    async def _tick(self) -> None:
        while True:
            self.model.set_clock(self.clock.time(), self.now())
            self.model.check_receipts(self.now())
            armed_until = self.model.identity.armed_until
            if armed_until is not None and self.now() >= armed_until:
                self.disarm()
            await self.clock.sleep(TICK)

    def refresh(self) -> None:
        """Read everything now; if the broker is away, try it now."""
        self._retry_now.set()
        self._feed.refresh()

    def watch_task(self, task_id: str | None, letter: str | None = None) -> None:
        """Read this task in full, now and each second; None for no more. `letter` is the dead letter that it is."""
        self.model.watch(task_id, letter)
        self._feed.refresh()

    def watch_queue(self, queue: str | None) -> None:
        """Read the tasks that wait in this queue, now and each second; None for no more."""
        self.model.watch_queue(queue)
        self._feed.refresh()

    def watch_letters(self, queues: tuple[str, ...] | None) -> None:
        """Read the dead letters of these queues, of all if empty, again when they change; None for no more."""
        self.model.letters.watch(queues)
        self._feed.refresh()

    def watch_schedules(self, *, watched: bool, opened: str = "") -> None:
        """Read the schedules again and again, one of them with its next ticks; or stop that."""
        self.model.schedules.watched, self.model.schedules.opened = watched, opened
        self._feed.refresh()

    def read_more_letters(self) -> None:
        """Read not only the newest dead letters, but as many as there are, within reason."""
        self.model.letters.read_on()
        self._feed.refresh()

    def arm(self) -> None:
        """Allow a read-only console to change the cluster, until it was not used for a while."""
        self.model.identity = self.model.identity.armed(self.now())
        self.model.touch()

    def disarm(self) -> None:
        """Make an armed console read only again."""
        self.model.identity = self.model.identity.disarmed()
        self.model.touch()

    async def close(self) -> None:
        """Stop reading, end local workers, give the source up."""
        await cancel(self._running)
        await self.local.close()
        await self.source.close()


async def _close(cluster: ClusterClient) -> None:
    with suppress(StemError, OSError, TimeoutError):  # it is given up anyway; a broken connection may fail to close
        async with asyncio.timeout(2.0):
            await cluster.close()
