"""The worker's side of the queues on Redis: publish, fetch, begin, settle, renew, upkeep."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from itertools import groupby
from math import ceil
from typing import Final

from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import Delivery, Settled, Settlement, Subscription, Upkeep
from stem_core.envelope import Sealed
from stem_core.errors import BrokerError, BrokerUnavailableError, StemError
from stem_core.service import Backoff
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import LONGEST_BLOCK, Argument, Call, RedisConnection
from stem_core.stores.redis.entries import delivery_of, entry_order, place_of, settlement_words
from stem_core.stores.redis.keeping_up import RedisUpkeep
from stem_core.stores.redis.listening import Listener

_SETTLE_CHUNK: Final = 500
_PUBLISH_PATIENCE: Final = 2.0
_SWEEP_EVERY: Final = 500
_REGISTER_EVERY: Final = 10.0
"""Seconds after which a queue's name is written again: someone may have emptied the server."""
_REPLIES: Final = {0: Settled.FENCED, 1: Settled.COMMITTED, 2: Settled.GONE}


class RedisQueues:
    """Leased, fenced queues on streams. One part of `RedisStreamsBroker`."""

    def __init__(self, connection: RedisConnection, namespace: str, lease: float) -> None:
        self.namespace = namespace
        self._redis = connection
        self._lease = lease
        self._listener = Listener(connection, namespace)
        self._upkeep = RedisUpkeep(connection, namespace, lease)
        self._outstanding: dict[str, dict[tuple[str, str], None]] = {}
        self._doubtful: dict[str, set[str]] = {}
        self._registered: dict[str, float] = {}
        self._turn = 0
        self._rounds = 0

    def _prefix(self, queue: str) -> str:
        return keys.queue_prefix(self.namespace, queue)

    async def _register(self, queues: Sequence[str]) -> None:
        now = SYSTEM_CLOCK.monotonic()
        due = {queue for queue in queues if self._registered.get(queue, 0.0) <= now}
        if due:
            await self._redis.command("SADD", keys.queue_names(self.namespace), *due)
            self._registered.update(dict.fromkeys(due, now + _REGISTER_EVERY))

    async def publish(self, batch: Sequence[Sealed]) -> None:
        """Add jobs; a resend after a lost reply adds nothing twice."""
        marker = uuid.uuid4().hex
        calls = []
        for queue, jobs in groupby(sorted(batch, key=lambda sealed: sealed.queue), key=lambda sealed: sealed.queue):
            words: list[Argument] = [marker]
            for job in jobs:
                words += (job.id, job.priority, ceil(job.delay * 1000), ceil((job.not_before or 0) * 1000), job.body)
            calls.append(Call("publish", [self._prefix(queue)], words))
        backoff = Backoff()
        deadline = SYSTEM_CLOCK.monotonic() + _PUBLISH_PATIENCE
        while True:
            try:
                await self._register([sealed.queue for sealed in batch])
                await self._redis.run_many(calls)
            except BrokerUnavailableError:
                delay = backoff.next()
                if SYSTEM_CLOCK.monotonic() + delay > deadline:
                    raise
                await SYSTEM_CLOCK.sleep(delay)
            else:
                return

    async def fetch(self, wanted: Subscription, limit: int, wait: float) -> list[Delivery]:
        """Take up to `limit` jobs, waiting up to `wait` seconds for the first."""
        deadline = SYSTEM_CLOCK.monotonic() + wait
        first = ""
        while True:
            found = await self._take(wanted, limit, first)
            remaining = deadline - SYSTEM_CLOCK.monotonic()
            if found or remaining <= 0:
                return found
            heard = await self._listener.listen(wanted, min(remaining, LONGEST_BLOCK))
            if heard is None:
                await self._pass_on(wanted.queues)
                return []
            first = heard

    async def _pass_on(self, queues: Sequence[str]) -> None:
        """Ring again for others: the waiting that was cut off may have swallowed a ring."""
        if queues:
            await self._redis.run_many([Call("nudge", [self._prefix(queue)], []) for queue in queues])

    async def _take(self, wanted: Subscription, limit: int, first: str) -> list[Delivery]:
        try:
            if self._doubtful.get(wanted.owner):
                found = await self._recover(wanted)
                if found:
                    return found
            await self._register(wanted.queues)
            return await self._take_in_turns(wanted, limit, first)
        except (BrokerError, asyncio.CancelledError):
            self._doubtful.setdefault(wanted.owner, set()).update(wanted.queues)
            self._registered.clear()
            raise

    async def _take_in_turns(self, wanted: Subscription, limit: int, first: str) -> list[Delivery]:
        if not wanted.queues or limit < 1:
            return []
        self._turn += 1
        start = wanted.queues.index(first) if first else self._turn % len(wanted.queues)
        queues = [*wanted.queues[start:], *wanted.queues[:start]]
        share = max(1, limit // len(queues))
        asked = queues[:limit]
        found: list[Delivery] = []
        left = queues[len(asked) :]
        replies = await self._ask(
            wanted.owner, {queue: self._fetch_call(queue, wanted.owner, share) for queue in asked}
        )
        if all(isinstance(reply, StemError) for reply in replies.values()):
            self._redis.check(replies[asked[0]])
        for queue, reply in replies.items():
            taken = self._received(queue, wanted.owner, reply)
            found += taken
            if len(taken) == share:
                left.append(queue)
        for queue in left:
            if len(found) < limit:
                found += await self._take_more(queue, wanted.owner, limit - len(found), found)
        return found

    async def _take_more(self, queue: str, owner: str, limit: int, found: Sequence[Delivery]) -> list[Delivery]:
        try:
            replies = await self._ask(owner, {queue: self._fetch_call(queue, owner, limit)})
        except BrokerError:
            if not found:
                raise
            return []  # what was found must reach the worker; the error will meet the next fetch
        return self._received(queue, owner, replies[queue])

    async def _ask(self, owner: str, calls: Mapping[str, Call]) -> dict[str, object]:
        """Return replies by queue; an error stands for a queue that cannot be reached, since others may well be."""
        replies = dict(zip(calls, await self._redis.try_many(list(calls.values())), strict=True))
        failed = {queue: reply for queue, reply in replies.items() if isinstance(reply, StemError)}
        self._doubtful.setdefault(owner, set()).update(failed)
        for error in failed.values():
            if not isinstance(error, BrokerUnavailableError):
                self._redis.check(error)
        return replies

    def _fetch_call(self, queue: str, owner: str, limit: int) -> Call:
        return Call("fetch", [self._prefix(queue)], [owner, limit, self._turn])

    def _received(self, queue: str, owner: str, reply: object) -> list[Delivery]:
        if not isinstance(reply, list) or not reply:
            return []
        found = [delivery_of(queue, owner, job) for job in reply]
        self._outstanding.setdefault(owner, {}).update(((queue, delivery.token), None) for delivery in found)
        return found

    async def _recover(self, wanted: Subscription) -> list[Delivery]:
        """Return what was handed out in replies that never arrived."""
        doubtful = self._doubtful.pop(wanted.owner)
        queues = [queue for queue in wanted.queues if queue in doubtful]
        calls = {queue: Call("pending", [self._prefix(queue)], [wanted.owner]) for queue in queues}
        known = self._outstanding.setdefault(wanted.owner, {})
        found: list[Delivery] = []
        for queue, reply in (await self._ask(wanted.owner, calls)).items():
            jobs = reply if isinstance(reply, list) else []
            found += [
                delivery
                for job in jobs
                if (queue, (delivery := delivery_of(queue, wanted.owner, job)).token) not in known
            ]
        known.update(((delivery.queue, delivery.token), None) for delivery in found)
        return found

    def interrupt(self, owner: str) -> None:
        """End that owner's current or next waiting at once."""
        self._listener.interrupt(owner)

    async def begin(self, held: Sequence[Delivery]) -> None:
        """Record that these handlers start now."""
        for delivery in held:
            delivery.started = True
        await self._redis.run_many([call for call, _ in self._renew_calls(held)])

    def renew(self, held: Sequence[Delivery]) -> list[bool]:
        """Extend leases; False where another owner has the job. Blocking, from any thread."""
        grouped = self._renew_calls(held)
        kept: dict[int, bool] = {}
        for (_, positions), reply in zip(
            grouped, self._redis.run_in_thread([call for call, _ in grouped]), strict=True
        ):
            answers = reply if isinstance(reply, list) else []
            kept.update(zip(positions, (answer == 1 for answer in answers), strict=True))
        for position, delivery in enumerate(held):
            if not kept[position]:
                self._forget(delivery)
        return [kept[position] for position in range(len(held))]

    def _renew_calls(self, held: Sequence[Delivery]) -> list[tuple[Call, list[int]]]:
        groups: dict[tuple[str, str], list[int]] = {}
        for position, delivery in enumerate(held):
            groups.setdefault((delivery.queue, delivery.owner), []).append(position)
        calls = []
        for (queue, owner), positions in groups.items():
            words: list[Argument] = [owner]
            for position in positions:
                delivery = held[position]
                hold = round(delivery.hold * 1000) if delivery.hold > self._lease else 0
                words += (*place_of(delivery), int(delivery.started), hold)
            calls.append((Call("renew", [self._prefix(queue)], words), positions))
        return calls

    async def settle(self, outcomes: Sequence[Settlement]) -> list[Settled]:
        """Store outcomes and give the deliveries up, each in one fenced step."""
        groups: dict[tuple[str, str, str], list[int]] = {}
        for position, outcome in enumerate(outcomes):
            delivery = outcome.delivery
            groups.setdefault((delivery.queue, place_of(delivery)[0], delivery.owner), []).append(position)
        calls, order = [], []
        for (queue, stream, owner), positions in groups.items():
            positions.sort(key=lambda position: entry_order(outcomes[position].delivery))
            for start in range(0, len(positions), _SETTLE_CHUNK):
                chunk = positions[start : start + _SETTLE_CHUNK]
                most = len(self._outstanding.get(owner, ())) + len(chunk)
                words: list[Argument] = [stream, owner, most, len(chunk)]
                for position in chunk:
                    settlement_words(outcomes[position], words)
                calls.append(Call("settle", [self._prefix(queue)], words))
                order.append(chunk)
        settled: dict[int, Settled] = {}
        for chunk, reply in zip(order, await self._redis.run_many(calls), strict=True):
            answers = reply if isinstance(reply, list) else []
            settled.update(zip(chunk, (_REPLIES[answer] for answer in answers), strict=True))
        for outcome in outcomes:
            self._forget(outcome.delivery)
        return [settled[position] for position in range(len(outcomes))]

    def _forget(self, delivery: Delivery) -> None:
        held = self._outstanding.get(delivery.owner)
        if held is not None:
            held.pop((delivery.queue, delivery.token), None)

    async def upkeep(self, queues: Sequence[str]) -> Upkeep:
        """Make due jobs ready and take back jobs whose lease ran out."""
        self._rounds += 1
        if self._rounds % _SWEEP_EVERY == 0:
            await self._redis.try_many([Call("leave", [self._prefix(queue)], ["*"]) for queue in queues])
        return await self._upkeep.round(queues)

    async def lease(self) -> float:
        """Return the namespace's lease in seconds."""
        return self._lease

    async def _leave(self) -> None:
        owners = list(self._outstanding)
        queues = sorted(self._registered)
        if owners and queues:
            await self._redis.run_many([Call("leave", [self._prefix(queue)], owners) for queue in queues])
