"""From bytes to an envelope, or to the reason why not: the signature is looked at before anything is decoded."""

from __future__ import annotations

from stem_core.delivery import Delivery
from stem_core.envelope import MAX_ENVELOPE_BYTES, Envelope, unseal
from stem_core.errors import EnvelopeInvalidError, SignatureError
from stem_core.refusals import RefusalLog
from stem_core.signing import PayloadSigner, Scope, broadcast_scope, job_scope
from stem_core.text import visible
from stem_core.worker.active import Refusal


class Verifier:
    """Reads what a worker is given.

    Args:
        signer: Knows the keys; None if nothing is signed here.
        namespace: What signatures must be for.
        refusals: Is told what is refused.
    """

    def __init__(self, signer: PayloadSigner | None, namespace: str, refusals: RefusalLog) -> None:
        self._signer = signer
        self._namespace = namespace
        self._refusals = refusals

    def read(self, delivery: Delivery) -> Envelope | Refusal:
        """Return a job's envelope; its signature must be for the queue and the id that the store gave."""
        if self._signer is None:
            return self._read(delivery, None)
        envelope = self._read(delivery, job_scope(self._namespace, delivery.queue, delivery.id))
        if isinstance(envelope, Envelope) and envelope.id != delivery.id:
            refusal = Refusal("signature-invalid", "SignatureError", "it was signed with another id")
            return self._refused(delivery, refusal)
        return envelope

    def read_broadcast(self, delivery: Delivery, channel: str) -> Envelope | Refusal:
        """Return the envelope of a broadcast; its signature must be for the channel."""
        return self._read(delivery, broadcast_scope(self._namespace, channel))

    def _read(self, delivery: Delivery, scope: Scope | None) -> Envelope | Refusal:
        try:
            if self._signer is not None and scope is not None and len(delivery.body) <= MAX_ENVELOPE_BYTES:
                self._signer.verify(delivery.body, scope)
            return unseal(delivery.body)
        except SignatureError as error:
            return self._refused(delivery, Refusal(error.reason, "SignatureError", str(error)))
        except EnvelopeInvalidError as error:
            return self._refused(delivery, Refusal("invalid-envelope", "EnvelopeInvalidError", str(error)))

    def _refused(self, delivery: Delivery, refusal: Refusal) -> Refusal:
        which = f"task {visible(delivery.id, 80)} in queue {visible(delivery.queue, 128)}"
        self._refusals.tell("tasks", refusal.reason, f"{which} is refused: {refusal.message}")
        return refusal
