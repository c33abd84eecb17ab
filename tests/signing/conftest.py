"""Signers, and clusters on which everything is signed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stem_core.signing import PayloadSigner
from stem_core.stores import connect_broker
from stem_core.stores.memory import InMemoryBroker
from tests.conftest import SERVED
from tests.signing.signers import HMAC, SignedCluster


@pytest.fixture(params=["memory", *SERVED])
async def cluster(request: pytest.FixtureRequest, namespace: str) -> AsyncIterator[SignedCluster]:
    """A cluster on each kind of broker, where HMAC signatures are required."""
    if request.param == "memory":
        cluster = SignedCluster(InMemoryBroker(namespace, lease=1.0), HMAC)
    else:
        cluster = SignedCluster(await connect_broker(request.getfixturevalue(request.param), namespace=namespace), HMAC)
    yield cluster
    await cluster.close()


@pytest.fixture
async def memory(namespace: str) -> AsyncIterator[SignedCluster]:
    """The same in memory."""
    cluster = SignedCluster(InMemoryBroker(namespace, lease=1.0), HMAC)
    yield cluster
    await cluster.close()


@pytest.fixture(params=["hmac-sha256", "ed25519"])
def signer(request: pytest.FixtureRequest) -> PayloadSigner:
    """A signer of each kind."""
    return (
        PayloadSigner(keys={"k": b"s" * 32})
        if request.param == "hmac-sha256"
        else PayloadSigner(private_keys={"k": b"p" * 32})
    )
