"""What is told of members of a group that ended without success.

Each is noted in a topic of the group. Notes are hints, so that nobody must look at all members: where a member stands
is told by its record, since a dead letter may have been replayed. A note says too that the group's `on_error` was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final

import msgspec

from stem_core.client.lookup import find_ended
from stem_core.decoding import decode
from stem_core.envelope import MAX_MEMBERS, GroupPlace, Id
from stem_core.results import TaskStatus
from stem_core.states import TaskState
from stem_core.stores.port import FROM_START, Broker, ResultBackend

_NOTES_PER_READ: Final = 500


class LostMember(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a group that ended without success.

    Args:
        index: Which member; the first is 0.
        id: Task id.
        name: Task name.
        state: `failed` or `cancelled`.
        error: Why, in a line.
    """

    index: Annotated[int, msgspec.Meta(ge=0, lt=MAX_MEMBERS)]
    id: Id
    name: str
    state: TaskState
    error: str = ""


_decoder: Final = msgspec.json.Decoder(LostMember)


def group_topic(group_id: str) -> str:
    """Return the topic in which a group's lost members are noted."""
    return f"group.{group_id}"


async def note_lost(broker: Broker, notes: Sequence[tuple[GroupPlace, LostMember]]) -> None:
    """Note members that end without success; to be called once the `on_error` of their groups was sent."""
    topics: dict[str, tuple[GroupPlace, list[bytes]]] = {}
    for place, member in notes:
        topics.setdefault(place.id, (place, []))[1].append(msgspec.json.encode(member))
    for group_id, (place, bodies) in topics.items():
        await broker.append(group_topic(group_id), bodies, place.ttl)


class LostMembers:
    """Finds out which members of one group are lost; the more often it is asked, the less there is to read.

    Args:
        broker: Where the group is.
        backend: Where results are.
        group_id: Which group.
    """

    def __init__(self, broker: Broker, backend: ResultBackend, group_id: str) -> None:
        self._broker = broker
        self._backend = backend
        self._topic = group_topic(group_id)
        self._cursor = FROM_START
        self._noted: dict[int, LostMember] = {}

    async def among(self, missing: Sequence[int]) -> list[LostMember]:
        """Return those of the members without a result that are lost, by index; one that was replayed is not."""
        await self._read()
        noted = [self._noted[index] for index in missing if index in self._noted]
        lost: list[LostMember] = []
        for start in range(0, len(noted), _NOTES_PER_READ):
            lost += await self._confirmed(noted[start : start + _NOTES_PER_READ])
        return lost

    async def _read(self) -> None:
        while messages := await self._broker.read({self._topic: self._cursor}, _NOTES_PER_READ, 0.0):
            self._cursor = messages[-1].cursor
            for message in messages:
                with suppress(msgspec.MsgspecError):  # whoever wrote that, it is no note
                    member = decode(_decoder, message.body)
                    self._noted[member.index] = member

    async def _confirmed(self, noted: Sequence[LostMember]) -> list[LostMember]:
        ids = [member.id for member in noted]
        ended = await find_ended(self._broker, self._backend, ids)
        if None in ended:
            alive = [place is not None for place in await self._broker.locate(ids)]
            # One that is in neither place may have ended between the two questions.
            ended = await find_ended(self._broker, self._backend, ids)
        else:
            alive = [False] * len(ids)
        return [
            lost
            for member, status, lives in zip(noted, ended, alive, strict=True)
            if (status is not None or not lives) and (lost := _as_recorded(member, status)) is not None
        ]


def _as_recorded(member: LostMember, status: TaskStatus | None) -> LostMember | None:
    # A record that is gone has run out: the note is the last that is known.
    if status is None:
        return member
    if status.state is TaskState.SUCCEEDED:
        return None
    error = status.reason if status.error is None else f"{status.error.type}: {status.error.message}"
    return msgspec.structs.replace(member, state=status.state, error=error)
