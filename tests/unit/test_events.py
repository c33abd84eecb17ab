from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from hypothesis import given, strategies as st

from stem_core import events
from stem_core.events import Frame, TaskFailed, TaskReceived, WorkerHeartbeat, decode_frame, encode_frame, event_name
from stem_core.snapshot import WorkerSnapshot

KINDS = sorted(get_args(events.Event), key=event_name)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(at=st.floats(0, 1e11), texts=st.tuples(TEXT, TEXT, TEXT, TEXT, TEXT), seq=st.integers(0, 2**53))
def test_a_frame_comes_out_as_it_went_in(at: float, texts: tuple[str, str, str, str, str], seq: int) -> None:
    frame = Frame("w", "b", seq, at, 2, [TaskFailed(at, *texts[:3], 1, 0.5, *texts[3:])])
    assert decode_frame(encode_frame(frame)) == frame


def test_a_heartbeat_carries_its_snapshot() -> None:
    frame = Frame("w", "b", 0, 1.0, 0, [WorkerHeartbeat(1.0, "w", WorkerSnapshot(worker="w", boot="b"))])
    assert decode_frame(encode_frame(frame)) == frame


@pytest.mark.parametrize("kind", KINDS, ids=event_name)
def test_names_follow_the_classes(kind: type[events.Event]) -> None:
    words = "".join(part.capitalize() for part in event_name(kind).split("_"))
    assert words == kind.__name__


@pytest.mark.parametrize("junk", [b"", b"{}", b'["w"]', b'["w","b",0,1,0,[["no_such_event",1]]]'])
def test_junk_is_no_frame(junk: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_frame(junk)


def test_no_event_carries_arguments_or_results() -> None:
    assert TaskReceived.__struct_fields__ == ("at", "id", "task", "queue", "attempt")
    for kind in KINDS:
        assert not {"args", "result", "envelope"} & set(kind.__struct_fields__)
