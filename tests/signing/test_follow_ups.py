"""What follows a signed job is signed by its producer: workers that can only verify pass it on."""

from __future__ import annotations

import pytest

from stem_core import RESULT, Job, PayloadSigner
from stem_core.envelope import Sealed, unseal
from stem_core.signing import job_scope
from stem_core.states import TaskState
from stem_core.stores.memory import InMemoryBroker
from tests.signing.signers import PUBLIC, SEED, SignedCluster

PRODUCER = PayloadSigner(private_keys={"k": SEED})
VERIFIER = PayloadSigner(public_keys={"k": PUBLIC})


@pytest.fixture
def ed25519(namespace: str) -> SignedCluster:
    cluster = SignedCluster(InMemoryBroker(namespace, lease=1.0), PRODUCER)
    cluster.task("add", lambda x, y: x + y)
    return cluster


async def test_workers_that_only_verify_drive_a_chain(ed25519: SignedCluster) -> None:
    await ed25519.worker(signer=VERIFIER)
    ids = await ed25519.stem.enqueue_chain([Job("add", {"x": 1, "y": 1}), *[Job("add", {"x": RESULT, "y": 1})] * 5])
    assert (await ed25519.ended(ids[-1])).result == 7
    await ed25519.close()


async def test_workers_that_only_verify_finish_a_group(ed25519: SignedCluster) -> None:
    ed25519.task("total", sum_of)
    await ed25519.worker(signer=VERIFIER)
    jobs = [Job("add", {"x": number, "y": 1}) for number in range(20)]
    group = await ed25519.stem.enqueue_group(jobs, callback=Job("total", {"numbers": RESULT}))
    assert group.callback is not None
    assert (await ed25519.ended(group.callback)).result == sum(range(1, 21))
    await ed25519.close()


def sum_of(numbers: list[int]) -> int:
    return sum(numbers)


async def test_each_link_has_a_signature_of_its_own_for_its_own_place(ed25519: SignedCluster) -> None:
    parent = await ed25519.stem.enqueue("add", {"x": 1, "y": 1}, link=Job("add", {"x": RESULT, "y": 1}, queue="other"))
    place = (await ed25519.broker.locate([parent]))[0]
    assert place is not None
    link = unseal(place.body).links[0]
    VERIFIER.verify(link.sealed().body, job_scope(ed25519.broker.namespace, "other", link.id))
    await ed25519.close()


async def test_a_link_that_was_not_signed_is_refused_where_it_arrives(ed25519: SignedCluster) -> None:
    await ed25519.worker(signer=VERIFIER)
    unsigned = ed25519.producer(None)
    unsigned.signer = None
    parent = await unsigned.enqueue("add", {"x": 1, "y": 1}, link=Job("add", {"x": RESULT, "y": 1}, task_id="link"))
    assert (await ed25519.ended(parent)).reason == "signature-missing"
    assert await ed25519.broker.locate(["link"]) == [None]
    await ed25519.close()


async def test_a_changed_link_breaks_the_signature_of_what_it_follows(ed25519: SignedCluster) -> None:
    link = Job("add", {"x": 2, "y": 1}, task_id="link")
    parent = await ed25519.stem.enqueue("add", {"x": 1, "y": 1}, queue="other", link=link)
    place = (await ed25519.broker.locate([parent]))[0]
    assert place is not None
    forged = place.body.replace(b'"x":2', b'"x":9')
    assert forged != place.body
    await ed25519.broker.publish([Sealed("forged", "default", 0, forged)])
    await ed25519.worker(signer=VERIFIER)
    status = await ed25519.ended("forged")
    assert (status.state, status.reason) == (TaskState.FAILED, "signature-invalid")
    assert await ed25519.broker.locate(["link"]) == [None]
    await ed25519.close()


async def test_what_an_app_without_the_task_enqueues_is_signed_too(ed25519: SignedCluster) -> None:
    await ed25519.worker(signer=VERIFIER)
    stem = ed25519.producer(PRODUCER)
    stem.registry = type(stem.registry)()
    assert (await ed25519.ended(await stem.enqueue_unchecked("add", {"x": 1, "y": 1}))).result == 2
    await ed25519.close()
