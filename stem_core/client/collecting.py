"""Reading a group: what its members returned, which are missing, and which of these are lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from stem_core.client.membership import LostMember, LostMembers
from stem_core.durations import format_duration
from stem_core.errors import BrokerUnavailableError, GroupFailedError, UsageError, WaitTimeoutError
from stem_core.results import decode_result
from stem_core.service import Backoff
from stem_core.states import TaskState
from stem_core.stores.port import Broker, ResultBackend
from stem_core.text import visible


class GroupStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How far a group is.

    Args:
        id: Group id.
        results: What the members returned, in order; None where one is missing.
        missing: Members that have not succeeded, by index; the first is 0.
        lost: Those of them that failed for good, were revoked or have expired, and were not replayed since. Of more
            than 2,000 the latest.
    """

    id: str
    results: list[object]
    missing: tuple[int, ...] = ()
    lost: tuple[LostMember, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all members have succeeded."""
        return not self.missing


class GroupReader:
    """Reads one group, again and again.

    Args:
        broker: Where the group is.
        backend: Where results are.
        group_id: Which group.
    """

    def __init__(self, broker: Broker, backend: ResultBackend, group_id: str) -> None:
        self._broker = broker
        self._id = group_id
        self._lost = LostMembers(broker, backend, group_id)
        self._total = 0
        self._missing: list[int] = []

    async def status(self) -> GroupStatus | None:
        """Return how far the group is; None if there is no such group, or it has run out."""
        bodies = await self._bodies()
        if bodies is None:
            return None
        results = [None if body is None else decode_result(body) for body in bodies]
        lost = await self._lost.among(self._missing)
        return GroupStatus(id=self._id, results=results, missing=tuple(self._missing), lost=tuple(lost))

    async def results(self) -> list[object] | None:
        """Return the results in order, None while one is missing.

        Raises:
            UsageError: There is no such group, or it has run out.
            GroupFailedError: A member is lost.
        """
        bodies = await self._bodies()
        if bodies is None:
            raise UsageError(
                f"there is no group {self._id!r}", "is the id right? what was collected runs out after its ttl"
            )
        if not self._missing:
            return [decode_result(body) for body in bodies if body is not None]
        lost = await self._lost.among(self._missing)
        if lost:
            raise incomplete(self._id, lost)
        return None

    async def wait(self, patience: float | None) -> list[object]:
        """Return the results once all are there; a broker that cannot be reached for a while may be back in time.

        No call to the broker is cut short, so that time may be overrun by as long as the broker takes to answer.

        Args:
            patience: Seconds to wait; None for as long as it takes. It is looked at once in any case.

        Raises:
            WaitTimeoutError: The group was not complete in time; likewise the errors of `results`.
        """
        loop = asyncio.get_running_loop()
        deadline = None if patience is None else loop.time() + patience
        pause, outage = Backoff(least=0.01, most=0.5), Backoff(most=0.5)
        while True:
            try:
                results = await self.results()
            except BrokerUnavailableError as error:
                whereabouts, rest = f"the broker cannot be reached: {error.message}", outage.next()
            else:
                if results is not None:
                    return results
                whereabouts, rest = f"{len(self._missing)} of {self._total} have not succeeded yet", pause.next()
                outage.reset()
            left = rest if deadline is None else deadline - loop.time()
            if left <= 0:
                raise WaitTimeoutError(
                    f"group {self._id!r} was not complete within {format_duration(patience or 0.0)}", whereabouts
                )
            await asyncio.sleep(min(rest, left))

    async def _bodies(self) -> list[bytes | None] | None:
        bodies = await self._broker.group(self._id)
        if bodies is not None:
            self._total = len(bodies)
            self._missing = [index for index, body in enumerate(bodies) if body is None]
        return bodies


def incomplete(group_id: str, lost: Sequence[LostMember]) -> GroupFailedError:
    """Return the error that names the first lost member."""
    first = lost[0]
    more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
    if any(member.state is TaskState.CANCELLED for member in lost):
        hint = "send it anew: a cancelled task does not come back"
    else:
        hint = f"once it is replayed (stem dlq replay {visible(first.id, 128)}), the group goes on"
    return GroupFailedError(
        f"group {group_id!r} is not complete: member {first.index}, task {visible(first.name, 80)!r} with the id"
        f" {visible(first.id, 128)}, is {first.state} ({visible(first.error, 200)}){more}",
        hint,
        task_id=first.id,
        task=first.name,
        state=str(first.state),
    )
