"""Rows to deliveries, and settlements to the parameters of statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from stem_core.delivery import Delivery, Outcome, Revocation, Settlement
from stem_core.stores.postgres.connection import Row

_revocations: Final = msgspec.json.Decoder(Revocation)

PUT_BACK: Final = frozenset({Outcome.RETRY, Outcome.REQUEUE})


def rank_of(priority: int) -> int:
    """Return where jobs of that priority stand that never left; those that came back stand one before."""
    return (9 - priority) * 2 + 1


def delivery_of(owner: str, row: Row) -> Delivery:
    """Return the delivery for one row of a claim."""
    task_id, queue, body, rank, attempt, deliveries, returns, crashes, crashed, place, revoked = row
    return Delivery(
        id=task_id,
        queue=queue,
        body=body,
        priority=9 - rank // 2,
        attempt=attempt,
        deliveries=deliveries,
        returns=returns,
        crashes=crashes,
        crashed=tuple(crashed) if crashed else (),
        owner=owner,
        token=str(place),
        revoked=_revocations.decode(revoked) if revoked else None,
    )


def place_of(delivery: Delivery) -> int:
    """Return the delivery's place; 0, which no job has, if its token is none of this store's."""
    return int(delivery.token) if delivery.token.isdecimal() else 0


def key_of(delivery: Delivery) -> tuple[str, int, str]:
    """Return by what statements name a delivery."""
    return delivery.id, place_of(delivery), delivery.owner


def held_parameters(namespace: int, held: Sequence[Delivery]) -> dict[str, object]:
    """Return what names these deliveries in a statement."""
    return {
        "namespace": namespace,
        "ids": [delivery.id for delivery in held],
        "places": [place_of(delivery) for delivery in held],
        "owners": [delivery.owner for delivery in held],
    }


def ending_parameters(outcomes: Sequence[Settlement]) -> dict[str, object]:
    """Return what `settle` needs beside the deliveries."""
    return {
        "kinds": [outcome.outcome.value for outcome in outcomes],
        "records": [outcome.record for outcome in outcomes],
        "ttls": [float(outcome.record_ttl) for outcome in outcomes],
        "reasons": [_text(outcome.reason) for outcome in outcomes],
        "errors": [_text(outcome.error) for outcome in outcomes],
    }


def returning_parameters(outcomes: Sequence[Settlement]) -> dict[str, object]:
    """Return what `put_back` needs beside the deliveries."""
    return {
        "retries": [outcome.outcome is Outcome.RETRY for outcome in outcomes],
        "delays": [float(outcome.delay) for outcome in outcomes],
        "started": [outcome.delivery.started for outcome in outcomes],
        "unregistered": [outcome.unregistered for outcome in outcomes],
    }


def _text(value: str) -> str:
    """Return what Postgres takes as text: no zero bytes, no halves of characters."""
    return value.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
