from __future__ import annotations

import msgspec
import pytest

from stem_core.envelope import Envelope, seal
from stem_core.results import TaskError, TaskRecord, decode_record, encode_record, status_of_record
from stem_core.states import TaskState


def test_a_record_tells_of_its_task_and_its_end() -> None:
    body = seal(Envelope(id="t", name="demo", queue="q", args={"n": 1}, enqueued_at=5.0)).body
    record = TaskRecord(
        state=TaskState.FAILED, attempt=2, deliveries=3, error=TaskError(type="ValueError", message="no"),
        reason="max-retries-exhausted", worker="w", started_at=6.0, finished_at=7.0, envelope=msgspec.Raw(body),
    )  # fmt: skip
    status = status_of_record(encode_record(record))
    assert (status.id, status.name, status.queue, status.args) == ("t", "demo", "q", {"n": 1})
    assert (status.state, status.attempt, status.deliveries, status.worker) == (TaskState.FAILED, 2, 3, "w")
    assert status.error == TaskError(type="ValueError", message="no")
    assert (status.enqueued_at, status.started_at, status.finished_at) == (5.0, 6.0, 7.0)


def test_the_envelope_stays_byte_for_byte() -> None:
    body = b'{ "id" : "t", "name":"demo" }'
    data = encode_record(TaskRecord(state=TaskState.SUCCEEDED, result=[1], envelope=msgspec.Raw(body)))
    assert bytes(decode_record(data).envelope) == body


@pytest.mark.parametrize("result", [object(), "\ud800"])
def test_a_result_that_is_not_json_is_refused(result: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        encode_record(TaskRecord(state=TaskState.SUCCEEDED, result=result))
