"""What is obeyed when messages are signed: only what is signed, fresh, and seen for the first time."""

from __future__ import annotations

from typing import Final

from stem_core.commands import MAX_COMMAND_LIFE, Command
from stem_core.envelope import MAX_ENVELOPE_BYTES, Envelope
from stem_core.errors import SignatureError
from stem_core.signing import PayloadSigner, command_scope

BROADCAST_LIFE: Final = 600.0
"""Seconds after its enqueueing within which a signed broadcast is taken."""

_SKEW: Final = 5.0
_SWEEP: Final = 30.0


class Once:
    """Remembers ids until a time of their own, so that nothing is taken twice."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._swept = 0.0

    def first(self, message_id: str, until: float, now: float) -> bool:
        """Return whether an id comes for the first time, and remember it until `until`; times are epoch seconds."""
        if now > self._swept + _SWEEP:
            self._swept = now
            self._until = {each: end for each, end in self._until.items() if end >= now}
        if message_id in self._until:
            return False
        self._until[message_id] = until
        return True


class Gate:
    """Decides about messages that have no store to settle them: commands and broadcasts.

    What was captured and sent again is refused: within its life because its id is remembered, after it because it has
    expired, and by a worker that started in between because it was made before that.

    Args:
        signer: Knows the keys; None if nothing is signed here, and the gate stands open.
        namespace: What signatures must be for.

    Attributes:
        since: When this worker began to listen, in epoch seconds by the broker's clock.
    """

    def __init__(self, signer: PayloadSigner | None, namespace: str) -> None:
        self._signer = signer
        self._scope = command_scope(namespace)
        self._commands = Once()
        self._broadcasts = Once()
        self.since = 0.0

    def signature_fault(self, body: bytes) -> str:
        """Return why the bytes of a command are not to be trusted, or an empty text."""
        if len(body) > MAX_ENVELOPE_BYTES:
            return f"the command has {len(body):,} bytes, more than {MAX_ENVELOPE_BYTES:,}"
        if self._signer is None:
            return ""
        try:
            self._signer.verify(body, self._scope)
        except SignatureError as error:
            return f"{error.reason}: {error}"
        return ""

    def command_fault(self, command: Command, now: float) -> str:
        """Return why a command must not be carried out now, or an empty text.

        Args:
            command: The command.
            now: Epoch seconds by the broker's clock.
        """
        if command.expires_at and now > command.expires_at:
            return f"the command expired {now - command.expires_at:.1f} s ago"
        if self._signer is None:
            return ""
        if not command.expires_at or command.expires_at > now + MAX_COMMAND_LIFE + _SKEW:
            return f"a signed command must expire within {MAX_COMMAND_LIFE:.0f} s"
        if command.issued_at < self.since:
            return "the command was issued before this worker started"
        if not self._commands.first(command.id, command.expires_at, now):
            return "the command was received before: this is a repetition"
        return ""

    def broadcast_fault(self, envelope: Envelope, now: float) -> str:
        """Return why a broadcast must not be run now, or an empty text."""
        if self._signer is None:
            return ""
        until = envelope.enqueued_at + BROADCAST_LIFE
        if now > until:
            return f"the broadcast is {now - envelope.enqueued_at:.0f} s old, and was signed"
        if envelope.enqueued_at < self.since:
            return "the broadcast was enqueued before this worker started"
        if not self._broadcasts.first(envelope.id, until, now):
            return "the broadcast was received before: this is a repetition"
        return ""
