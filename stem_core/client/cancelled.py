"""Telling groups of members that are cancelled while they wait: no worker ever sees these."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import msgspec

from stem_core.client.membership import LostMember, group_topic, note_lost
from stem_core.envelope import GroupPlace, unseal
from stem_core.errors import EnvelopeInvalidError
from stem_core.results import decode_record
from stem_core.states import TaskState
from stem_core.stores.port import FROM_START, Broker


async def tell_groups(broker: Broker, ids: Sequence[str]) -> None:
    """Do for these tasks, if they were cancelled and are members of groups, what a worker does for those that it ends.

    Twice is once.

    Raises:
        BrokerError: The store has not taken all of it.
    """
    found = [_cancelled(body) for body in await broker.results().get(ids) if body is not None] if ids else []
    notes = [note for note in found if note is not None]
    for place in {place.id: place for place, _ in notes}.values():
        if place.on_error is not None and not await broker.read({group_topic(place.id): FROM_START}, 1, 0.0):
            await broker.publish([place.on_error.sealed()])
    await note_lost(broker, notes)


def _cancelled(body: bytes) -> tuple[GroupPlace, LostMember] | None:
    with suppress(msgspec.MsgspecError, EnvelopeInvalidError):  # what cannot be read is in no group
        record = decode_record(body)
        envelope = unseal(bytes(record.envelope))
        place = envelope.group
        if record.state is TaskState.CANCELLED and place is not None:
            return place, LostMember(
                index=place.index, id=envelope.id, name=envelope.name, state=record.state, error=record.reason
            )
    return None
