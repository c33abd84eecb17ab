"""Bytes that are made to hurt whoever decodes them."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given, strategies as st

from stem_core.commands import decode_command, decode_reply
from stem_core.decoding import MAX_DEPTH, check_depth
from stem_core.envelope import MAX_ENVELOPE_BYTES, Envelope, seal, unseal
from stem_core.errors import EnvelopeInvalidError, InvalidArgumentsError, RecordInvalidError
from stem_core.events import decode_frame
from stem_core.results import TaskRecord, decode_record, decode_result, encode_record, status_of_record
from stem_core.snapshot import decode_snapshot
from stem_core.states import TaskState

HEAD = b'{"id":"a","name":"b","args":{"n":'


@pytest.mark.parametrize(
    "body",
    [
        b" " * (MAX_ENVELOPE_BYTES + 1),
        HEAD + b"[" * 200_000 + b"]" * 200_000 + b"}}",
        HEAD + b'{"a":' * 100_000,
        HEAD + b"9" * 900_000 + b"}}",
        HEAD + b"1" + b"0" * 900_000 + b".0}}",
        HEAD + b"1e999999999}}",
        b'{"id":"a","name":"b","enqueued_at":1e999}',
        HEAD + b'"\\ud800"}}',
        b'\xff\xfe{"id":"a"}',
        HEAD + b'"\xff"}}',
        b'{"id":"\xff","name":"b"}',
        b'{"id":"a","name":"b","args":{"\xff":1}}',
        HEAD + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}}",
        b'{"id":"a","name":"b","later":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
        b'{"id":"a","name":"b","result_ttl":1e308}',
        b'{"id":"a","name":"b","hard_time_limit":-1}',
        b'{"id":"a","name":"b","links":[{"id":"c","queue":"q","delay":1e308,"body":{}}]}',
        b"null",
        b"",
    ],
    ids=[
        "too long",
        "deep lists",
        "deep objects",
        "digits",
        "a long float",
        "exponent",
        "time",
        "surrogate",
        "UTF-16",
        "a value that is not UTF-8",
        "an id that is not UTF-8",
        "an argument's name that is not UTF-8",
        "a level too deep",
        "a level too deep where nobody looks",
        "for ever",
        "a limit below nothing",
        "a link for ever",
        "null",
        "nothing",
    ],
)
def test_a_bomb_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(EnvelopeInvalidError):
        unseal(body)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_comes_is_an_envelope_or_refused(data: bytes) -> None:
    for body in (data, HEAD + data + b"}}", HEAD + b'"' + data + b'"}}'):
        with contextlib.suppress(EnvelopeInvalidError):
            assert isinstance(unseal(body), Envelope)
        with contextlib.suppress(msgspec.MsgspecError):
            decode_command(body)


NOT_UTF8 = b'{"a":"\xff","id":"\xff","worker":"\xff","source":"\xff","state":"\xff","command_id":"\xff"}'


@pytest.mark.parametrize("decode", [decode_command, decode_reply, decode_frame, decode_snapshot])
@pytest.mark.parametrize("body", [NOT_UTF8, b'{"later":' + b"[" * 200_000], ids=["not UTF-8", "deep"])
def test_whatever_comes_by_a_topic_is_read_or_refused_by_one_kind_of_error(decode, body: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(body)


def test_what_a_worker_answers_is_nested_no_deeper_than_can_be_printed() -> None:
    head = b'{"command_id":"c","worker":"w","payload":{"a":'
    decode_reply(head + b"[" * (MAX_DEPTH - 2) + b"]" * (MAX_DEPTH - 2) + b"}}")
    with pytest.raises(msgspec.MsgspecError, match="deeper"):
        decode_reply(head + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}}")


@pytest.mark.parametrize("decode", [decode_record, status_of_record, decode_result])
@pytest.mark.parametrize("body", [NOT_UTF8, b"[" * 200_000, b"", b"nonsense"])
def test_a_record_that_cannot_be_read_is_an_error_that_says_so(decode, body: bytes) -> None:
    with pytest.raises(RecordInvalidError, match="cannot be read"):
        decode(body)


def nested(depth: int) -> object:
    value: object = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_arguments_may_be_nested_as_deeply_as_is_said_and_no_deeper() -> None:
    def envelope(depth: int) -> Envelope:
        return Envelope(id="a", name="b", args={"n": nested(depth)})

    deepest = MAX_DEPTH - 2  # the envelope and its arguments are levels too
    assert unseal(seal(envelope(deepest)).body).args == {"n": nested(deepest)}
    for depth in (deepest + 1, 900, 100_000):
        with pytest.raises(InvalidArgumentsError, match="cannot be sent"):
            seal(envelope(depth))


def test_a_result_may_be_nested_as_deeply_as_is_said_and_no_deeper() -> None:
    def record(depth: int) -> TaskRecord:
        return TaskRecord(state=TaskState.SUCCEEDED, result=nested(depth), envelope=msgspec.Raw(b'{"id":"a"}'))

    assert decode_record(encode_record(record(MAX_DEPTH))).result == nested(MAX_DEPTH)
    with pytest.raises(ValueError, match="deeper than"):
        encode_record(record(MAX_DEPTH + 1))


json_values = st.recursive(
    st.none() | st.text('[]{}\\"a\n', max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[{}]\\"', max_size=3), inner, max_size=4),
    max_leaves=20,
)


def depth_of(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(json_values)
def test_depth_is_counted_outside_of_texts(value: object) -> None:
    body, depth = msgspec.json.encode(value), depth_of(value)
    check_depth(body, depth)
    if depth:
        with pytest.raises(msgspec.DecodeError):
            check_depth(body, depth - 1)
