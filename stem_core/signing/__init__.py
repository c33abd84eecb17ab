"""Signatures over messages: who may enqueue, and who may command.

A signed message is the JSON that it would be without, and its last field is the signature:
`{…,"sig":"<key id>.<base64url>"}`. What is signed are the exact bytes before that field, together with what the message
is bound to: its kind, the namespace, and for a job its queue and id. So it stays valid JSON that stores, records and
readers without keys handle as ever, nothing is encoded twice, and no canonical form is needed: what was signed is what
lies there.
"""

from stem_core.signing.signer import PayloadSigner, Scope, broadcast_scope, command_scope, job_scope, schedule_scope

__all__ = ["PayloadSigner", "Scope", "broadcast_scope", "command_scope", "job_scope", "schedule_scope"]
