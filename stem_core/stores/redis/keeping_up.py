"""Making due jobs ready, and taking back what silent workers hold.

No script sees more than one queue, but a worker may hold jobs of several, and must be judged by all that it holds. So
before any of it is taken back, whatever it holds beside is marked as shared, in all queues. That takes three round
trips, where anything is to be taken back at all; and several may do so at once. What a server that is away cannot be
told is remembered where the rest is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from stem_core.delivery import Upkeep
from stem_core.errors import BrokerError, BrokerUnavailableError, StemError
from stem_core.stores.redis import keys
from stem_core.stores.redis.connection import Argument, Call, RedisConnection

_PROMOTE_CHUNK: Final = 256
_RECLAIM_CHUNK: Final = 200
_REMEMBERED: Final = 7 * 86_400_000
"""Milliseconds for which a server that was away may still learn what it could not be told."""


class RedisUpkeep:
    """Rounds of upkeep of one namespace.

    Args:
        connection: Connections to the server.
        namespace: What all keys are in.
        lease: The namespace's lease in seconds.
    """

    def __init__(self, connection: RedisConnection, namespace: str, lease: float) -> None:
        self._redis = connection
        self._namespace = namespace
        self._lease = round(lease * 1000)

    async def round(self, queues: Sequence[str]) -> Upkeep:
        """Do what is to be done now; what one server fails to do does not hold up the others."""
        prefixes = [keys.queue_prefix(self._namespace, queue) for queue in queues]
        calls = [Call("silent", [prefix], [self._lease, _RECLAIM_CHUNK]) for prefix in prefixes]
        calls += [Call("promote", [prefix], [_PROMOTE_CHUNK]) for prefix in prefixes]
        replies = await self._asked(calls)
        silent, promotes = replies[: len(prefixes)], replies[len(prefixes) :]
        taken = await self._reclaim({prefix: owners for prefix, owners in zip(prefixes, silent, strict=True) if owners})
        known = [reply for reply in promotes if reply is not None]
        dues = [due for _, due in known if due >= 0]
        return Upkeep(
            promoted=sum(promoted for promoted, _ in known),
            reclaimed=sum(reclaimed for reclaimed, _ in taken),
            lost=sum(lost for _, lost in taken),
            next_due=min(dues) / 1000 if dues else None,
        )

    async def _asked(self, calls: Sequence[Call]) -> list[Any]:
        """Return replies, None where there is no answer; it is an error only if nobody answers."""
        replies = await self._redis.try_many(calls)
        failed = [reply for reply in replies if isinstance(reply, StemError)]
        for error in failed:
            if len(failed) == len(replies) or not isinstance(error, BrokerUnavailableError):
                self._redis.check(error)
        return [None if isinstance(reply, StemError) else reply for reply in replies]

    async def _reclaim(self, silent: dict[str, list[bytes]]) -> list[Any]:
        if not silent:
            return []
        await self._mark_shared(sorted({owner for owners in silent.values() for owner in owners}), list(silent))
        words = [self._lease, _RECLAIM_CHUNK]
        calls = [Call("reclaim", [prefix], [*words, *owners]) for prefix, owners in silent.items()]
        return [reply for reply in await self._asked(calls) if reply is not None]

    async def _mark_shared(self, owners: Sequence[bytes], affected: Sequence[str]) -> None:
        """Mark what is held by those of these owners that hold more than one job, or may do so."""
        try:
            names: Any = await self._redis.command("SMEMBERS", keys.queue_names(self._namespace))
        except BrokerError:
            names = None
        prefixes = dict.fromkeys(affected)
        prefixes.update((keys.queue_prefix(self._namespace, name.decode()), None) for name in names or ())
        counts = await self._asked([Call("holding", [prefix], owners) for prefix in prefixes])
        held = [sum(of_queue) for of_queue in zip(*filter(None, counts), strict=True)]
        is_told = names is not None and None not in counts
        several = [owner for owner, number in zip(owners, held, strict=True) if number > 1 or not is_told]
        if several:
            marked = await self._asked([Call("share", [prefix], several) for prefix in prefixes])
            if not is_told or None in marked:
                words: list[Argument] = [*several, _REMEMBERED]
                await self._asked([Call("remember", [prefix], words) for prefix in affected])
