"""Stream entries to deliveries, and settlements to the words of the settle script."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

import msgspec

from stem_core.delivery import DeadLetter, Delivery, Outcome, Revocation, Settlement
from stem_core.stores.redis.connection import Argument

_FRESH: Final = b"0 0 0 0 "
_revocations: Final = msgspec.json.Decoder(Revocation)
_letters: Final = msgspec.msgpack.Encoder()


class StoredLetter(msgspec.Struct, frozen=True):
    """A dead letter as it lies in Redis; when it died is its score."""

    letter: DeadLetter
    priority: int


def delivery_of(queue: str, owner: str, job: Sequence[Any]) -> Delivery:
    """Return the delivery for one job of a fetch: stream, entry, id, body, meta, revocation."""
    stream, entry, task_id, body, meta, revocation = job
    delivery = Delivery(
        id=task_id.decode(),
        queue=queue,
        body=body,
        priority=int(stream[1:]),
        owner=owner,
        token=f"{stream.decode()} {entry.decode()}",
    )
    if meta != _FRESH:
        attempt, deliveries, returns, crashes, crashed = parse_meta(meta)
        delivery.attempt, delivery.deliveries, delivery.returns = attempt, deliveries + 1, returns
        delivery.crashes, delivery.crashed = crashes, crashed
    if revocation:
        delivery.revoked = _revocations.decode(revocation.split(b" ", 1)[1])
    return delivery


def parse_meta(meta: bytes) -> tuple[int, int, int, int, tuple[str, ...]]:
    """Return attempt, deliveries before this one, returns, crashes and who crashed."""
    attempt, deliveries, returns, crashes, crashed = meta.decode().split(" ", 4)
    return int(attempt), int(deliveries), int(returns), int(crashes), tuple(crashed.split("|")) if crashed else ()


def place_of(delivery: Delivery) -> tuple[str, str]:
    """Return the delivery's stream and entry."""
    stream, _, entry = delivery.token.partition(" ")
    return stream, entry


def entry_order(delivery: Delivery) -> tuple[int, int]:
    """Return the entry's place in its stream; entries are numbers, so that 5-10 comes after 5-2."""
    milliseconds, _, number = place_of(delivery)[1].partition("-")
    return int(milliseconds), int(number)


def settlement_words(outcome: Settlement, words: list[Argument]) -> None:
    """Append one outcome to the arguments of the settle script."""
    delivery = outcome.delivery
    entry = delivery.token.partition(" ")[2]
    kind = outcome.outcome
    if kind is Outcome.SUCCEEDED:
        words += ("ok", entry, delivery.id, delivery.attempt, outcome.record or b"", _ttl(outcome))
    elif kind is Outcome.REVOKED:
        words += ("revoked", entry, delivery.id, delivery.attempt, outcome.record or b"", _ttl(outcome))
    elif kind is Outcome.DEAD:
        words += ("dead", entry, delivery.id, delivery.attempt, outcome.record or b"", _ttl(outcome), _letter(outcome))
    elif kind is Outcome.RETRY:
        meta = f"{delivery.attempt + 1} {delivery.deliveries} 0 0 "
        words += ("retry", entry, delivery.id, delivery.attempt)
        words += (delivery.priority, meta, delivery.body, ceil(outcome.delay * 1000))
    else:
        words += ("requeue", entry, delivery.id, delivery.attempt)
        words += (delivery.priority, _returned_meta(outcome), delivery.body, ceil(outcome.delay * 1000))


def _ttl(outcome: Settlement) -> int:
    return max(1, round(outcome.record_ttl * 1000))


def _returned_meta(outcome: Settlement) -> str:
    delivery = outcome.delivery
    deliveries = delivery.deliveries - (not delivery.started)
    returns = delivery.returns + outcome.unregistered
    return f"{delivery.attempt} {deliveries} {returns} {delivery.crashes} {'|'.join(delivery.crashed)}"


def _letter(outcome: Settlement) -> bytes:
    delivery = outcome.delivery
    letter = DeadLetter(
        id=delivery.id,
        queue=delivery.queue,
        body=delivery.body,
        reason=outcome.reason,
        error=outcome.error,
        attempt=delivery.attempt,
        deliveries=delivery.deliveries,
        died_at=0.0,
    )
    return _letters.encode(StoredLetter(letter, delivery.priority))
