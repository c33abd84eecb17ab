"""Keys for tests, and a cluster whose messages are signed."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stem_core.client import ControlClient, Stem
from stem_core.signing import PayloadSigner
from stem_core.stores.port import Broker
from stem_core.worker import Worker
from tests.worker.cluster import Cluster

SECRET = b"0123456789abcdef0123456789abcdef"
HMAC = PayloadSigner(keys={"k1": SECRET})
FORGER = PayloadSigner(keys={"k1": b"another secret of the same length"})
STRANGER = PayloadSigner(keys={"k9": SECRET})
SEED = b"seed of a private key, 32 bytes!"
PUBLIC = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()


def written(key_id: str, material: bytes) -> str:
    """Return a key as the environment holds it."""
    return f"{key_id}:{b64encode(material).decode()}"


class SignedCluster(Cluster):
    """A cluster whose workers verify, with a producer and an operator that sign."""

    def __init__(self, broker: Broker, signer: PayloadSigner) -> None:
        super().__init__(broker)
        self.signer = signer
        self.stem = self.producer(signer)
        self.control = ControlClient(broker, issuer="ann", timeout=5, signer=signer)

    def producer(self, signer: PayloadSigner | None) -> Stem:
        return Stem(broker=self.broker, registry=self.registry, signer=signer)

    async def worker(self, **settings: Any) -> Worker:
        settings.setdefault("signer", self.signer)
        return await super().worker(**settings)
