"""The operator's side of the queues on Redis: figures, pauses, revocations, places, dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from stem_core.delivery import DeadLetter, Pause, Place, QueueStats, Revocation
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import Argument, Call, RedisConnection
from stem_core.stores.redis.entries import StoredLetter, parse_meta

_pauses: Final = msgspec.json.Decoder(Pause)
_revocations: Final = msgspec.json.Decoder(Revocation)
_letters: Final = msgspec.msgpack.Decoder(StoredLetter)
_REVOKE_CHUNK: Final = 500
_COUNTERS: Final = ("published", "succeeded", "failed", "cancelled", "retried")


class RedisOperations:
    """What people ask of queues and tell them. One part of `RedisStreamsBroker`."""

    namespace: str
    _redis: RedisConnection

    def _prefix(self, queue: str) -> str:
        return keys.queue_prefix(self.namespace, queue)

    async def time(self) -> float:
        """Return epoch seconds by the server's clock."""
        reply: Any = await self._redis.command("TIME")
        return int(reply[0]) + int(reply[1]) / 1e6

    async def queues(self) -> list[str]:
        """Return the names of all queues that were ever used, sorted."""
        reply: Any = await self._redis.command("SMEMBERS", keys.queue_names(self.namespace))
        return sorted(name.decode() for name in reply)

    async def stats(self, queues: Sequence[str]) -> list[QueueStats]:
        """Return figures, in one round trip."""
        replies = await self._redis.run_many([Call("stats", [self._prefix(queue)], []) for queue in queues])
        return [_stats(queue, reply) for queue, reply in zip(queues, replies, strict=True)]

    async def pause(self, queues: Sequence[str], pause: Pause) -> None:
        """Stop fetches from these queues, for all workers."""
        if not queues:
            return
        since = await self.time()
        body = msgspec.json.encode(Pause(by=pause.by, reason=pause.reason, since=since, until=pause.until))
        until: list[Argument] = [] if pause.until is None else ["PXAT", round(pause.until * 1000)]
        await self._redis.command("SADD", keys.queue_names(self.namespace), *queues)
        for queue in queues:
            await self._redis.command("SET", f"{self._prefix(queue)}pause", body, *until)

    async def resume(self, queues: Sequence[str]) -> None:
        """Take pauses back, and wake a waiting fetch."""
        for queue in queues:
            await self._redis.command("DEL", f"{self._prefix(queue)}pause")
            await self._redis.command("LPUSH", keys.bell(self.namespace, queue), "1")

    async def revoke(self, revocations: Sequence[Revocation], records: Mapping[str, bytes]) -> list[str]:
        """Keep jobs from running; those that wait are terminal at once."""
        ids = [revocation.id for revocation in revocations]
        queues = await self.queues()
        known = await self._queues_of(ids, queues)
        concerned: dict[str, list[int]] = {}
        for position, task_id in enumerate(ids):
            for queue in [known[task_id]] if task_id in known else queues:
                concerned.setdefault(queue, []).append(position)
        chunks = [
            (queue, positions[start : start + _REVOKE_CHUNK])
            for queue, positions in concerned.items()
            for start in range(0, len(positions), _REVOKE_CHUNK)
        ]
        calls = [
            Call("revoke", [self._prefix(queue)], _revocation_words([revocations[at] for at in positions], records))
            for queue, positions in chunks
        ]
        answers = ["pending"] * len(ids)
        for (_, positions), reply in zip(chunks, await self._redis.run_many(calls), strict=True):
            for position, answer in zip(positions, reply if isinstance(reply, list) else [], strict=True):
                if ids[position] in known:
                    answers[position] = answer.decode()
        return answers

    async def _queues_of(self, ids: Sequence[str], queues: Sequence[str]) -> dict[str, str]:
        pairs = [(queue, task_id) for queue in queues for task_id in ids]
        replies = await self._redis.commands(
            [("EXISTS", f"{self._prefix(queue)}t:{task_id}") for queue, task_id in pairs]
        )
        return {task_id: queue for (queue, task_id), reply in zip(pairs, replies, strict=True) if reply == 1}

    async def revoked(self, ids: Sequence[str]) -> list[Revocation]:
        """Return the standing revocations among these ids."""
        if not ids:
            return []
        queues = await self.queues()
        now = await self.time()
        replies = await self._redis.commands([("HMGET", f"{self._prefix(queue)}revoked", *ids) for queue in queues])
        answers: list[Any] = [self._redis.check(reply) for reply in replies]
        packed = [value for answer in answers for value in answer if value]
        found = (_revocations.decode(value.split(b" ", 1)[1]) for value in packed)
        return list({revocation.id: revocation for revocation in found if revocation.until > now}.values())

    async def waiting(self, queue: str, limit: int) -> list[Place]:
        """Return jobs that no worker holds, next to run first."""
        reply: Any = await self._redis.run("waiting", [self._prefix(queue)], [limit])
        return [_place(queue, task_id.decode(), place) for task_id, *place in reply]

    async def locate(self, ids: Sequence[str]) -> list[Place | None]:
        """Find jobs that have not ended."""
        queues = await self.queues()
        calls = [Call("locate", [self._prefix(queue)], list(ids)) for queue in queues]
        found: dict[str, Place] = {}
        for queue, reply in zip(queues, await self._redis.run_many(calls) if calls else [], strict=True):
            for task_id, place in zip(ids, reply if isinstance(reply, list) else [], strict=True):
                if place:
                    found[task_id] = _place(queue, task_id, place)
        return [found.get(task_id) for task_id in ids]

    async def dead(self, queue: str, limit: int, cursor: str = "") -> tuple[list[DeadLetter], str]:
        """Return dead letters, newest first, and the cursor of the next page."""
        score, _, task_id = cursor.partition(" ")
        reply: Any = await self._redis.run("dead", [self._prefix(queue)], [limit + 1, score, task_id])
        page = reply[:limit]
        following = f"{page[-1][0].decode()} {page[-1][1].decode()}" if len(reply) > limit else ""
        return [_letter(packed, float(score)) for score, _, packed in page if packed], following

    async def letters(self, queue: str, ids: Sequence[str]) -> list[DeadLetter | None]:
        """Return the dead letters of these ids, None where there is none."""
        if not ids:
            return []
        prefix = self._prefix(queue)
        scores: Any = await self._redis.command("ZMSCORE", f"{prefix}dead", *ids)
        packed: Any = await self._redis.command("HMGET", f"{prefix}letters", *ids)
        return [
            _letter(value, float(score)) if value is not None and score is not None else None
            for value, score in zip(packed, scores, strict=True)
        ]

    async def replay(self, queue: str, ids: Sequence[str]) -> int:
        """Make dead letters ready again with attempt 0."""
        if not ids:
            return 0
        prefix = self._prefix(queue)
        packed: Any = await self._redis.command("HMGET", f"{prefix}letters", *ids)
        words: list[Argument] = []
        for stored in (_letters.decode(value) for value in packed if value is not None):
            letter = stored.letter
            words += (letter.id, stored.priority, f"0 {letter.deliveries} 0 0 ", letter.body)
        return _number(await self._redis.run("replay", [prefix], words))

    async def purge(self, queue: str, ids: Sequence[str]) -> int:
        """Delete dead letters; returns how many there were."""
        if not ids:
            return 0
        return _number(await self._redis.run("purge", [self._prefix(queue)], list(ids)))


def _letter(packed: bytes, died_at_ms: float) -> DeadLetter:
    return msgspec.structs.replace(_letters.decode(packed).letter, died_at=died_at_ms / 1000)


def _number(reply: object) -> int:
    return reply if isinstance(reply, int) else 0


def _revocation_words(revocations: Sequence[Revocation], records: Mapping[str, bytes]) -> list[Argument]:
    words: list[Argument] = []
    for revocation in revocations:
        words += (revocation.id, _packed(revocation), records.get(revocation.id, b"").removesuffix(b"null}"))
    return words


def _packed(revocation: Revocation) -> bytes:
    return b"%d %s" % (round(revocation.until * 1000), msgspec.json.encode(revocation))


def _stats(queue: str, reply: Any) -> QueueStats:
    ready, inflight, delayed, dead, oldest, pause, flat = reply
    counters = {name.decode(): int(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}
    return QueueStats(
        name=queue,
        ready=ready,
        inflight=inflight,
        delayed=delayed,
        dead=dead,
        oldest_s=None if oldest < 0 else oldest / 1000,
        paused=_pauses.decode(pause) if pause else None,
        **{name: counters.get(name, 0) for name in _COUNTERS},
    )


def _place(queue: str, task_id: str, place: Sequence[bytes]) -> Place:
    where, body, meta, owner, due = place
    attempt, deliveries, _, _, _ = parse_meta(meta)
    inflight = where == b"inflight"
    return Place(
        id=task_id,
        queue=queue,
        where=where.decode(),
        body=body,
        attempt=attempt,
        deliveries=deliveries + inflight,
        owner=owner.decode(),
        due=float(due) / 1000 if where == b"delayed" else None,
    )
