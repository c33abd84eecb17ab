"""Finding out where a task stands, from the stores and from what workers say."""

from __future__ import annotations

from collections.abc import Sequence

from stem_core.client.liveness import SeenWorker, seen_workers
from stem_core.delivery import Place
from stem_core.envelope import unseal
from stem_core.errors import RecordInvalidError
from stem_core.results import TaskStatus, status_of_record
from stem_core.snapshot import RunningTask
from stem_core.states import TaskState
from stem_core.stores.port import Broker, ResultBackend


async def find_task(broker: Broker, backend: ResultBackend, task_id: str) -> TaskStatus | None:
    """Return all that is known of a task, or None if nothing is.

    A task that waits or runs in the broker has not ended, whatever a result backend elsewhere keeps of an earlier run.

    Raises:
        EnvelopeInvalidError: What stands in the queue under that id is no envelope.
        RecordInvalidError: What is kept of it cannot be read.
    """
    (ended,) = await find_ended(broker, backend, [task_id])
    if ended is not None and backend.location == broker.location:
        return ended
    place = (await broker.locate([task_id]))[0]
    if ended is not None and not runs_again(ended.deliveries, place):
        return ended
    if place is None:
        # It may have ended between the two questions.
        return (await find_ended(broker, backend, [task_id]))[0]
    return status_of_place(place, seen_workers(await broker.presences()) if place.where == "inflight" else ())


async def find_ended(broker: Broker, backend: ResultBackend, ids: Sequence[str]) -> list[TaskStatus | None]:
    """Return tasks that have ended, None where one has not: from the result backend, or else from the broker's store.

    The latter has what was revoked while it waited, which no worker ever saw. A result backend elsewhere does not hear
    of replays; so of what it calls failed, the broker is asked too.

    Raises:
        RecordInvalidError: What is kept of one of them cannot be read.
    """
    found = await _kept(backend, ids)
    if backend.location == broker.location:
        return found
    failed = [at for at, status in enumerate(found) if status is not None and status.state is TaskState.FAILED]
    if failed:
        await _replace_replayed(broker, backend, found, failed)
    missing = [at for at, status in enumerate(found) if status is None]
    if missing:
        for at, status in zip(missing, await _kept(broker.results(), [ids[at] for at in missing]), strict=True):
            found[at] = status
    return found


def runs_again(deliveries: int, place: Place | None) -> bool:
    """Return whether a task whose end is recorded waits or runs again, as after a replay.

    One whose worker is about to give it up is still in flight, but in the very delivery that the record tells of.

    Args:
        deliveries: How often it had been handed out when it ended.
        place: Where the broker has it now.
    """
    return place is not None and (place.where != "inflight" or place.deliveries > deliveries)


async def _kept(backend: ResultBackend, ids: Sequence[str]) -> list[TaskStatus | None]:
    records = await backend.get(ids)
    return [None if record is None else _read(id_, record) for id_, record in zip(ids, records, strict=True)]


def _read(task_id: str, record: bytes) -> TaskStatus:
    try:
        return status_of_record(record)
    except RecordInvalidError as error:
        raise RecordInvalidError(
            f"what is kept of task {task_id!r} cannot be read: {error.__cause__ or error}",
            "was it another version, or another program?",
        ) from error


async def _replace_replayed(
    broker: Broker, backend: ResultBackend, found: list[TaskStatus | None], failed: Sequence[int]
) -> None:
    """Take out what was replayed; what is not in the broker any more may have ended anew since it was looked at."""
    ids = [status.id for at in failed if (status := found[at]) is not None]
    places = await broker.locate(ids)
    for at, place, latest in zip(failed, places, await _kept(backend, ids), strict=True):
        found[at] = None if latest is not None and runs_again(latest.deliveries, place) else latest


def status_of_place(place: Place, workers: Sequence[SeenWorker]) -> TaskStatus:
    """Return what is known of a task that has not ended."""
    envelope = unseal(place.body)
    running = _running(place.id, workers)
    state = TaskState.RETRIED if place.attempt > 0 else TaskState.QUEUED
    worker, started_at = "", None
    if running is not None:
        worker, task = running
        state, started_at = TaskState.RUNNING, task.started_at
    return TaskStatus(
        id=place.id,
        name=envelope.name,
        queue=place.queue,
        state=state,
        attempt=place.attempt,
        args=envelope.args,
        worker=worker,
        deliveries=place.deliveries,
        enqueued_at=envelope.enqueued_at,
        started_at=started_at,
        due_at=place.due,
        secrets=envelope.secrets,
    )


def _running(task_id: str, workers: Sequence[SeenWorker]) -> tuple[str, RunningTask] | None:
    for worker in workers:
        for task in worker.snapshot.running:
            if task.id == task_id and task.started_at is not None:
                return worker.snapshot.worker, task
    return None
