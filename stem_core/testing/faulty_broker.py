"""A broker that fails when a test wants it to, in front of any other one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Self

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.delivery import (
    DeadLetter,
    Delivery,
    EndedRange,
    Pause,
    Place,
    Presence,
    QueueStats,
    Revocation,
    Settled,
    Settlement,
    Subscription,
    Upkeep,
)
from stem_core.envelope import Sealed
from stem_core.stores.port import Broker, Document, KeptRecord, Message, ResultBackend
from stem_core.testing.faults import Faults

_NEVER_FAIL: Final = frozenset({"close", "interrupt", "results"})
METHODS: Final = frozenset(
    name
    for port in (Broker, ResultBackend)
    for name in dir(port)
    if not name.startswith("_") and callable(getattr(port, name)) and name not in _NEVER_FAIL
)
"""The methods that may fail."""


class FaultyBroker:
    """Passes each call on, unless `faults` has something else for it.

    Args:
        inner: The broker behind it; closed with it.
        clock: What delays wait for.

    Attributes:
        faults: The script.
    """

    def __init__(self, inner: Broker, clock: Clock = SYSTEM_CLOCK) -> None:
        self._inner = inner
        self.faults = Faults(METHODS, clock)

    @property
    def location(self) -> str:
        return self._inner.location

    @property
    def namespace(self) -> str:
        return self._inner.namespace

    @property
    def warnings(self) -> Sequence[str]:
        return self._inner.warnings

    def results(self) -> ResultBackend:
        return FaultyBackend(self._inner.results(), self.faults)

    async def ping(self) -> float:
        return await self.faults.play("ping", self._inner.ping)

    async def close(self) -> None:
        await self._inner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def publish(self, batch: Sequence[Sealed]) -> None:
        await self.faults.play("publish", lambda: self._inner.publish(batch))

    async def fetch(self, wanted: Subscription, limit: int, wait: float) -> list[Delivery]:
        return await self.faults.play("fetch", lambda: self._inner.fetch(wanted, limit, wait))

    def interrupt(self, owner: str) -> None:
        self._inner.interrupt(owner)

    async def begin(self, held: Sequence[Delivery]) -> None:
        await self.faults.play("begin", lambda: self._inner.begin(held))

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        return await self.faults.play("settle", lambda: self._inner.settle(outcomes))

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        return self.faults.play_blocking("renew", lambda: self._inner.renew(held))

    async def upkeep(self, queues: Sequence[str]) -> Upkeep:
        return await self.faults.play("upkeep", lambda: self._inner.upkeep(queues))

    async def lease(self) -> float:
        return await self.faults.play("lease", self._inner.lease)

    async def time(self) -> float:
        return await self.faults.play("time", self._inner.time)

    async def queues(self) -> list[str]:
        return await self.faults.play("queues", self._inner.queues)

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        return await self.faults.play("stats", lambda: self._inner.stats(queues))

    async def pause(self, queues: Sequence[str], pause: Pause) -> None:
        await self.faults.play("pause", lambda: self._inner.pause(queues, pause))

    async def resume(self, queues: Sequence[str]) -> None:
        await self.faults.play("resume", lambda: self._inner.resume(queues))

    async def revoke(self, revocations: Sequence[Revocation], records: Mapping[str, bytes]) -> list[str]:
        return await self.faults.play("revoke", lambda: self._inner.revoke(revocations, records))

    async def revoked(self, ids: Sequence[str]) -> list[Revocation]:
        return await self.faults.play("revoked", lambda: self._inner.revoked(ids))

    async def waiting(self, queue: str, limit: int) -> list[Place]:
        return await self.faults.play("waiting", lambda: self._inner.waiting(queue, limit))

    async def locate(self, ids: Sequence[str]) -> list[Place | None]:
        return await self.faults.play("locate", lambda: self._inner.locate(ids))

    async def dead(self, queue: str, limit: int, cursor: str = "") -> tuple[list[DeadLetter], str]:
        return await self.faults.play("dead", lambda: self._inner.dead(queue, limit, cursor))

    async def letters(self, queue: str, ids: Sequence[str]) -> list[DeadLetter | None]:
        return await self.faults.play("letters", lambda: self._inner.letters(queue, ids))

    async def replay(self, queue: str, ids: Sequence[str]) -> int:
        return await self.faults.play("replay", lambda: self._inner.replay(queue, ids))

    async def purge(self, queue: str, ids: Sequence[str]) -> int:
        return await self.faults.play("purge", lambda: self._inner.purge(queue, ids))

    async def append(self, topic: str, bodies: Sequence[bytes], ttl: float | None = None) -> None:
        await self.faults.play("append", lambda: self._inner.append(topic, bodies, ttl))

    async def read(self, cursors: Mapping[str, str], limit: int, wait: float) -> list[Message]:
        return await self.faults.play("read", lambda: self._inner.read(cursors, limit, wait))

    async def tail(self, topic: str) -> str:
        return await self.faults.play("tail", lambda: self._inner.tail(topic))

    async def announce(self, worker: str, body: bytes, ttl: float) -> None:
        await self.faults.play("announce", lambda: self._inner.announce(worker, body, ttl))

    async def withdraw(self, worker: str) -> None:
        await self.faults.play("withdraw", lambda: self._inner.withdraw(worker))

    async def presences(self) -> list[Presence]:
        return await self.faults.play("presences", self._inner.presences)

    async def lock(self, name: str, owner: str, ttl: float) -> str:
        return await self.faults.play("lock", lambda: self._inner.lock(name, owner, ttl))

    async def relock(self, name: str, owner: str, ttl: float) -> bool:
        return await self.faults.play("relock", lambda: self._inner.relock(name, owner, ttl))

    async def unlock(self, name: str, owner: str) -> bool:
        return await self.faults.play("unlock", lambda: self._inner.unlock(name, owner))

    async def lock_owner(self, name: str) -> str | None:
        return await self.faults.play("lock_owner", lambda: self._inner.lock_owner(name))

    async def take_token(self, bucket: str, rate: float, burst: float, line: float = 0.0) -> float:
        return await self.faults.play("take_token", lambda: self._inner.take_token(bucket, rate, burst, line))

    async def open_group(self, group: str, total: int, ttl: float) -> None:
        await self.faults.play("open_group", lambda: self._inner.open_group(group, total, ttl))

    async def add_to_group(self, group: str, member: int, body: bytes) -> int | None:
        return await self.faults.play("add_to_group", lambda: self._inner.add_to_group(group, member, body))

    async def group(self, group: str) -> list[bytes | None] | None:
        return await self.faults.play("group", lambda: self._inner.group(group))

    async def documents(self, kind: str) -> list[Document]:
        return await self.faults.play("documents", lambda: self._inner.documents(kind))

    async def write_document(self, kind: str, key: str, body: bytes | None, version: int | None = None) -> int | None:
        return await self.faults.play("write_document", lambda: self._inner.write_document(kind, key, body, version))


class FaultyBackend:
    """A broker's results, with the same faults.

    Args:
        inner: The backend behind it.
        faults: The script.
    """

    def __init__(self, inner: ResultBackend, faults: Faults) -> None:
        self._inner = inner
        self._faults = faults

    @property
    def location(self) -> str:
        return self._inner.location

    @property
    def warnings(self) -> Sequence[str]:
        return self._inner.warnings

    async def put(self, entries: Sequence[KeptRecord]) -> list[bool]:
        return await self._faults.play("put", lambda: self._inner.put(entries))

    async def get(self, ids: Sequence[str]) -> list[bytes | None]:
        return await self._faults.play("get", lambda: self._inner.get(ids))

    async def ended(self, wanted: EndedRange, limit: int, cursor: str = "") -> tuple[list[bytes], str]:
        return await self._faults.play("ended", lambda: self._inner.ended(wanted, limit, cursor))

    async def close(self) -> None:
        await self._inner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
