"""Workers' answers to a command, and the gathering of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import msgspec

from stem_core.clock import Clock
from stem_core.commands import Command, Reply, decode_reply, reply_topic
from stem_core.stores.port import FROM_START, Broker

_LONGEST_READ: Final = 1.0
_REPLIES_PER_READ: Final = 512


class Answer(msgspec.Struct, frozen=True):
    """A worker's reply, and the seconds from sending the command until it was here."""

    reply: Reply
    latency: float


class CommandResult(msgspec.Struct, frozen=True):
    """What became of a command.

    Args:
        command: As it was sent.
        replies: In the order of their arrival.
        missing: Workers that did not answer in time: the named ones, or else all that were alive.
        live: Workers that were alive when it was sent.
        awaited: Workers that were named; empty if all that were alive.
    """

    command: Command
    replies: tuple[Answer, ...]
    missing: tuple[str, ...]
    live: tuple[str, ...]
    awaited: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether everyone answered, and nobody refused or failed."""
        return not self.missing and all(answer.reply.status == "ok" for answer in self.replies)


class RevokeResult(msgspec.Struct, frozen=True):
    """What became of a revocation.

    Args:
        outcomes: By task id: `cancelled` (it waited, and is terminal now), `pending` (a worker holds it, or it is
            unknown yet) or `ended` (it had ended before).
        sent: The workers' answers.
    """

    outcomes: dict[str, str]
    sent: CommandResult


OnReply: TypeAlias = Callable[[Answer], None]


class Collector:
    """Gathers the answers to one command."""

    def __init__(self, clock: Clock, sent_at: float, patience: float, on_reply: OnReply | None) -> None:
        self._clock = clock
        self._sent_at = sent_at
        self._patience = patience
        self._on_reply = on_reply
        self._answers: dict[str, Answer] = {}

    async def collect(self, broker: Broker, command_id: str, expected: frozenset[str]) -> dict[str, Answer]:
        """Read until all that are expected have answered, or time is up."""
        topic, cursor = reply_topic(command_id), FROM_START
        while not expected <= self._answers.keys():
            remaining = self._patience - (self._clock.monotonic() - self._sent_at)
            if remaining <= 0:
                break
            for message in await broker.read({topic: cursor}, _REPLIES_PER_READ, min(remaining, _LONGEST_READ)):
                cursor = message.cursor
                self._take(message.body, command_id)
        return self._answers

    def _take(self, body: bytes, command_id: str) -> None:
        try:
            reply = decode_reply(body)
        except msgspec.MsgspecError:
            return  # whoever wrote this counts as not having answered, and is reported as missing
        if reply.command_id != command_id or reply.worker in self._answers:
            return
        answer = Answer(reply, self._clock.monotonic() - self._sent_at)
        self._answers[reply.worker] = answer
        if self._on_reply is not None:
            self._on_reply(answer)
