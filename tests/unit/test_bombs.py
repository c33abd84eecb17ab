"""Bytes that are made to hurt whoever decodes them."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given, strategies as st

from stem_core.commands import decode_command
from stem_core.envelope import MAX_ENVELOPE_BYTES, Envelope, unseal
from stem_core.errors import EnvelopeInvalidError

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
        "null",
        "nothing",
    ],
)
def test_a_bomb_is_refused_by_name(body: bytes) -> None:
    with pytest.raises(EnvelopeInvalidError):
        unseal(body)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_comes_is_an_envelope_or_refused(data: bytes) -> None:
    for body in (data, HEAD + data + b"}}"):
        with contextlib.suppress(EnvelopeInvalidError):
            assert isinstance(unseal(body), Envelope)
        with contextlib.suppress(msgspec.MsgspecError):
            decode_command(body)
