from __future__ import annotations

import msgspec
import pytest

from stem_core.snapshot import RunningTask, WorkerSnapshot, decode_snapshot, encode_snapshot


def test_a_snapshot_comes_out_as_it_went_in() -> None:
    running = RunningTask(id="t", task="demo", queue="q", started_at=1.0, progress=0.5, note="half")
    snapshot = WorkerSnapshot(worker="w", boot="b", queues=("q",), inflight={"q": 1}, running=(running,), held=1)
    assert decode_snapshot(encode_snapshot(snapshot)) == snapshot


@pytest.mark.parametrize("junk", [b"", b"[]", b"{}", b'{"worker":1,"boot":"b"}'])
def test_junk_is_no_snapshot(junk: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_snapshot(junk)


def test_what_is_unknown_is_left_out() -> None:
    assert b"lease_age" not in encode_snapshot(WorkerSnapshot(worker="w", boot="b"))
