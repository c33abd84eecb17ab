"""Arguments that come from other tasks: fetched when the job that wants them is about to start."""

from __future__ import annotations

from typing import Final

import msgspec

from stem_core.client.lookup import runs_again
from stem_core.envelope import Envelope
from stem_core.errors import BrokerError, RecordInvalidError
from stem_core.results import TaskRecord, decode_record, decode_result
from stem_core.service import Backoff
from stem_core.states import TaskState
from stem_core.stores.port import ResultBackend
from stem_core.worker.active import Job
from stem_core.worker.core import Core
from stem_core.worker.outcome import Ending, dead, requeued

_LOOKS: Final = (0.002, 0.005, 0.01, 0.02, 0.04)
_LATER: Final = 0.5


class _Missing(Exception):  # noqa: N818 - a piece of news, not a fault
    """An input is not there, and never will be; the text says which."""


class _NotYet(Exception):  # noqa: N818 - a piece of news, not a fault
    """An input will be there: the job before is not settled yet."""


class Inputs:
    """Finds inputs.

    Args:
        core: What the worker's duties share.
        backend: Where results are; None for the broker's own store.
    """

    def __init__(self, core: Core, backend: ResultBackend | None) -> None:
        own = core.broker.results()
        self._core = core
        self._backends = [own] if backend is None or backend.location == own.location else [backend, own]

    async def resolve(self, job: Job, envelope: Envelope) -> Envelope | Ending:
        """Return the envelope with all arguments, or how the job ends, for now or for good, because one is missing.

        A broker that cannot be reached is waited for, as long as the job is ours.
        """
        backoff = Backoff()
        while not job.void:
            try:
                found = {name: await self._found(source) for name, source in envelope.inputs.items()}
            except _NotYet:
                return requeued(_LATER)
            except _Missing as missing:
                return dead("input-missing", "InputMissing", str(missing))
            except BrokerError as error:
                delay = backoff.next()
                self._core.link_down(error, delay)
                await self._core.clock.sleep(delay)
            else:
                return msgspec.structs.replace(envelope, args={**envelope.args, **found})
        return requeued()

    async def _found(self, source: str) -> object:
        kind, _, place = source.partition(":")
        match kind:
            case "task":
                record = await self._latest(place)
                if record.state is not TaskState.SUCCEEDED:
                    raise _Missing(f"task {place} has no result: it is {record.state}")
                return record.result
            case "error":
                record = await self._record(place)
                if record.state is TaskState.CANCELLED:
                    return {"type": "Cancelled", "message": record.reason}
                if record.error is None:
                    raise _Missing(f"task {place} has no error: it is {record.state}")
                return {"type": record.error.type, "message": record.error.message}
            case _:
                return await self._group(place)

    async def _group(self, group_id: str) -> list[object]:
        bodies = await self._core.broker.group(group_id)
        if bodies is None:
            raise _Missing(f"the results of group {group_id} have run out: its ttl is over")
        missing = sum(body is None for body in bodies)
        if missing:
            raise _Missing(f"{missing} of {len(bodies)} results of group {group_id} are missing")
        try:
            return [decode_result(body) for body in bodies if body is not None]
        except RecordInvalidError as error:
            raise _Missing(f"group {group_id}: {error}") from None

    async def _record(self, task_id: str) -> TaskRecord:
        # A follow-up is sent just before the job that it follows is settled, and so may be here first.
        for rest in (0.0, *_LOOKS):
            if rest:
                await self._core.clock.sleep(rest)
            record = await self._kept(task_id)
            if record is not None:
                return record
        if (await self._core.broker.locate([task_id]))[0] is not None:
            raise _NotYet
        record = await self._kept(task_id)
        if record is None:
            raise _Missing(f"nothing is known any more of task {task_id}: its result_ttl has run out")
        return record

    async def _latest(self, task_id: str) -> TaskRecord:
        record = await self._record(task_id)
        if record.state is TaskState.SUCCEEDED:
            return record
        # Where results are elsewhere, the record of the run before a replay stands until that of the run after it.
        if runs_again(record.deliveries, (await self._core.broker.locate([task_id]))[0]):
            raise _NotYet
        return await self._record(task_id)

    async def _kept(self, task_id: str) -> TaskRecord | None:
        for backend in self._backends:
            body = (await backend.get([task_id]))[0]
            if body is not None:
                try:
                    return decode_record(body)
                except RecordInvalidError as error:
                    raise _Missing(f"task {task_id}: {error}") from None
        return None
