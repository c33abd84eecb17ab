"""Finding out where a task stands, from the stores and from what workers say."""

from __future__ import annotations

from collections.abc import Sequence

from stem_core.client.liveness import SeenWorker, seen_workers
from stem_core.delivery import Place
from stem_core.envelope import unseal
from stem_core.results import TaskStatus, status_of_record
from stem_core.snapshot import RunningTask
from stem_core.states import TaskState
from stem_core.stores.port import Broker, ResultBackend


async def find_task(broker: Broker, backend: ResultBackend, task_id: str) -> TaskStatus | None:
    """Return all that is known of a task, or None if nothing is.

    A task that waits in the broker has not ended, whatever a result backend elsewhere keeps of it: it was replayed.

    Raises:
        EnvelopeInvalidError: What stands in the queue under that id is no envelope.
    """
    ended = await find_ended(broker, backend, task_id)
    if ended is not None and backend.location == broker.location:
        return ended
    place = (await broker.locate([task_id]))[0]
    if ended is not None and (place is None or place.where == "inflight"):
        return ended
    if place is None:
        # It may have ended between the two questions.
        return await find_ended(broker, backend, task_id)
    return status_of_place(place, seen_workers(await broker.presences()) if place.where == "inflight" else ())


async def find_ended(broker: Broker, backend: ResultBackend, task_id: str) -> TaskStatus | None:
    """Return a task that has ended, from the result backend, or else from the broker's own store.

    The latter has what was revoked while it waited, which no worker ever saw.
    """
    record = (await backend.get([task_id]))[0]
    if record is None and backend.location != broker.location:
        record = (await broker.results().get([task_id]))[0]
    return None if record is None else status_of_record(record)


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
