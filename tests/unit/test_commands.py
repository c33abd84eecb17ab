from __future__ import annotations

import msgspec
import pytest

from stem_core.commands import (
    ORDERS,
    Command,
    Order,
    PauseQueues,
    Ping,
    RateLimit,
    Reply,
    Revoke,
    Scale,
    Shutdown,
    ShutdownMode,
    decode_command,
    decode_reply,
    encode_command,
    encode_reply,
    order_name,
    reply_topic,
)
from stem_core.delivery import Revocation


@pytest.mark.parametrize(
    "order",
    [
        Ping(),
        Revoke((Revocation(id="a", terminate=True),)),
        PauseQueues(("q",), "why"),
        Scale(minimum=1, maximum=4),
        Shutdown(ShutdownMode.SOFT, 3.0),
        RateLimit("email.send", "10/s"),
    ],
    ids=order_name,
)
def test_a_command_comes_out_as_it_went_in(order: Order) -> None:
    command = Command(id="c", order=order, targets=("w",), issuer="ann@host", issued_at=1.0, expires_at=2.0)
    assert decode_command(encode_command(command)) == command


def test_a_reply_comes_out_as_it_went_in() -> None:
    reply = Reply(command_id="c", worker="w", status="error", error="no", payload={"a": [1]}, at=1.0)
    assert decode_reply(encode_reply(reply)) == reply


def test_orders_have_the_names_that_people_type() -> None:
    assert [order_name(order) for order in ORDERS] == [
        "ping", "stats", "inspect", "revoke", "pause", "resume", "scale", "drain", "undrain", "shutdown",
        "rate-limit",
    ]  # fmt: skip


def test_each_command_has_a_reply_topic_of_its_own() -> None:
    assert reply_topic("a") != reply_topic("b")


@pytest.mark.parametrize("junk", [b"", b"[]", b'{"id":"c","order":{"type":"reboot"}}'])
def test_junk_is_no_command(junk: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode_command(junk)
