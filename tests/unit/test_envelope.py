from __future__ import annotations

import string
import time

import msgspec
import pytest
from hypothesis import given, strategies as st

from stem_core.envelope import MAX_ENVELOPE_BYTES, Envelope, FollowUp, check_name, new_task_id, seal, unseal
from stem_core.errors import (
    ConfigurationError,
    EnvelopeInvalidError,
    EnvelopeTooLargeError,
    InvalidArgumentsError,
)

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
DATA = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@given(args=st.dictionaries(TEXT, DATA, max_size=4), headers=st.dictionaries(TEXT, TEXT, max_size=3))
def test_what_is_sealed_comes_out_the_same(args: dict[str, object], headers: dict[str, str]) -> None:
    envelope = Envelope(id=new_task_id(), name="demo", args=args, headers=headers, max_retries=3)
    assert unseal(seal(envelope).body) == envelope


@given(junk=st.binary(max_size=200))
def test_junk_is_refused_and_nothing_else_happens(junk: bytes) -> None:
    with pytest.raises(EnvelopeInvalidError):
        unseal(b"!" + junk)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(EnvelopeInvalidError):
        unseal(b'{"id":"a","name":"b","args":{"x":' + b"[" * 100_000)


def test_a_wrong_field_is_named() -> None:
    with pytest.raises(EnvelopeInvalidError, match="priority"):
        unseal(b'{"id":"a","name":"b","priority":"high"}')


def test_arguments_that_are_not_json_are_refused_with_the_task_named() -> None:
    with pytest.raises(InvalidArgumentsError, match="demo"):
        seal(Envelope(id="a", name="demo", args={"x": object()}))
    with pytest.raises(InvalidArgumentsError, match="demo"):
        seal(Envelope(id="a", name="demo", args={"x": "\ud800"}))


def test_too_much_is_refused_on_both_sides() -> None:
    with pytest.raises(EnvelopeTooLargeError):
        seal(Envelope(id="a", name="demo", args={"x": "y" * MAX_ENVELOPE_BYTES}))
    with pytest.raises(EnvelopeInvalidError, match="more than"):
        unseal(b" " * (MAX_ENVELOPE_BYTES + 1))


def test_ids_are_version_7_and_ordered_by_time() -> None:
    first = new_task_id()
    time.sleep(0.002)
    second = new_task_id()
    assert (len(first), first[12], first[16] in "89ab") == (32, "7", True)
    assert first < second


@given(name=st.text(string.ascii_letters + string.digits + "._-", min_size=1, max_size=128))
def test_plain_names_are_usable(name: str) -> None:
    assert check_name("queue", name) == name


@pytest.mark.parametrize("name", ["", "a b", "a{b}", "x" * 129, "ü", "a/b", "a\n"])
def test_other_names_are_refused_with_their_kind(name: str) -> None:
    with pytest.raises(ConfigurationError, match="queue name"):
        check_name("queue", name)


FOLLOW_UP = {"id": "b", "queue": "q", "body": {}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("links", [{**FOLLOW_UP, "id": "a b"}]),
        ("links", [{**FOLLOW_UP, "id": "\x00"}]),
        ("links", [{**FOLLOW_UP, "queue": "q/../q"}]),
        ("error_links", [{**FOLLOW_UP, "priority": 10}]),
        ("error_links", [{**FOLLOW_UP, "delay": -1}]),
        ("group", {"id": "g", "index": -1, "total": 1}),
        ("group", {"id": "g", "index": 2**40, "total": 1}),
        ("group", {"id": "", "index": 0, "total": 1}),
        ("inputs", {"x": "file:/etc/passwd"}),
        ("inputs", {"x": "task:\x00"}),
        ("inputs", {"x": "task:"}),
        ("inputs", {"x": "task:a\n"}),
    ],
)
def test_what_no_store_would_take_is_no_envelope(field: str, value: object) -> None:
    body = msgspec.json.encode({"id": "a", "name": "t", field: value})
    with pytest.raises(EnvelopeInvalidError, match=field):
        unseal(body)


def test_a_follow_up_keeps_its_bytes_as_they_were_sealed() -> None:
    inner = b'{"id":"b",  "name":"t","sig":"k.x"}'
    outer = Envelope(id="a", name="t", links=(FollowUp(id="b", queue="q", priority=3, body=msgspec.Raw(inner)),))
    sealed = unseal(seal(outer).body).links[0].sealed()
    assert (sealed.id, sealed.queue, sealed.priority, sealed.body) == ("b", "q", 3, inner)
