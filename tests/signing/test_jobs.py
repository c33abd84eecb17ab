"""Jobs whose signature is not good never run: they become dead letters that say why, and are counted."""

from __future__ import annotations

import pytest

from stem_core.client import Stem
from stem_core.client.dead_letters import DeadLetters
from stem_core.envelope import MAX_ENVELOPE_BYTES, Envelope, Sealed, new_task_id, seal, unseal
from stem_core.errors import ConfigurationError
from stem_core.retry import TaskRetryPolicy
from stem_core.routing import RoutingSubscription, broadcast_topic
from stem_core.signing import PayloadSigner, broadcast_scope, job_scope
from stem_core.states import TaskState
from stem_core.tasks import TaskContext
from tests.signing.signers import FORGER, HMAC, PUBLIC, SECRET, SEED, STRANGER, SignedCluster
from tests.worker.cluster import until


class Ran:
    """A task that remembers how often it ran."""

    def __init__(self, cluster: SignedCluster) -> None:
        self.times = 0
        cluster.task("work", self.work)
        cluster.task("proof", self.proof)

    async def work(self) -> None:
        self.times += 1

    async def proof(self) -> None:
        """Run after all that was sent before it."""


async def settled(cluster: SignedCluster) -> None:
    """Wait until the worker has dealt with all that was sent."""
    assert (await cluster.stem.wait_for(await cluster.stem.enqueue("proof"), 10)).state is TaskState.SUCCEEDED


def signed(cluster: SignedCluster, signer: PayloadSigner | None, **fields: object) -> Sealed:
    envelope = Envelope(id=new_task_id(), name="work", **fields)  # type: ignore[arg-type]  # fields of an envelope
    scope = job_scope(cluster.broker.namespace, envelope.queue, envelope.id)
    return seal(envelope, sign=None if signer is None else lambda _, body: signer.sign(body, scope))


async def test_what_is_signed_runs(cluster: SignedCluster) -> None:
    ran = Ran(cluster)
    worker = await cluster.worker()
    status = await cluster.stem.wait_for(await cluster.stem.enqueue("work"), 10)
    assert (status.state, ran.times, worker.snapshot().refused) == (TaskState.SUCCEEDED, 1, 0)


async def test_a_task_that_the_producer_does_not_know_is_signed_too(memory: SignedCluster) -> None:
    ran = Ran(memory)
    await memory.worker()
    scheduler = Stem(broker=memory.broker, signer=HMAC)
    status = await memory.stem.wait_for(await scheduler.enqueue_unchecked("work"), 10)
    assert (status.state, ran.times) == (TaskState.SUCCEEDED, 1)


@pytest.mark.parametrize(
    ("signer", "reason"),
    [(None, "signature-missing"), (FORGER, "signature-invalid"), (STRANGER, "signature-unknown-key")],
    ids=["unsigned", "forged", "unknown key"],
)
async def test_what_is_not_signed_well_becomes_a_dead_letter(
    cluster: SignedCluster, signer: PayloadSigner | None, reason: str
) -> None:
    ran = Ran(cluster)
    worker = await cluster.worker()
    job = signed(cluster, signer)
    await cluster.broker.publish([job])
    status = await cluster.ended(job.id)
    assert (status.id, status.state, status.reason) == (job.id, TaskState.FAILED, reason)
    letter = await DeadLetters(cluster.broker).find(job.id)
    assert letter is not None
    assert (letter.dead.body, letter.dead.reason) == (job.body, reason)
    await until(lambda: worker.snapshot().refused == 1)
    assert ran.times == 0


async def test_a_tampered_envelope_is_refused_whatever_byte_was_changed(cluster: SignedCluster) -> None:
    ran = Ran(cluster)
    worker = await cluster.worker(concurrency=8)
    job = signed(cluster, HMAC)
    jobs = []
    for place in range(len(job.body)):
        flipped = bytearray(job.body)
        flipped[place] ^= 1
        jobs.append(Sealed(f"{job.id}-{place}", job.queue, 0, bytes(flipped)))
    jobs.append(Sealed(f"{job.id}-whole", job.queue, 0, job.body))
    await cluster.broker.publish(jobs)
    await until(lambda: worker.snapshot().refused == len(jobs))
    (stats,) = await cluster.broker.stats(["default"])
    assert (stats.dead, ran.times) == (len(jobs), 0)


async def test_a_transplanted_envelope_is_refused(cluster: SignedCluster) -> None:
    ran = Ran(cluster)
    worker = await cluster.worker(subscription=RoutingSubscription(queues=["default", "admin"]))
    job = signed(cluster, HMAC)
    elsewhere = signed(cluster, HMAC)
    foreign = seal(
        Envelope(id=new_task_id(), name="work"),
        sign=lambda envelope, body: HMAC.sign(body, job_scope("other", envelope.queue, envelope.id)),
    )
    await cluster.broker.publish(
        [
            Sealed(job.id, "admin", 0, job.body),  # to another queue
            Sealed(new_task_id(), "default", 0, elsewhere.body),  # with another id
            foreign,  # from another namespace
        ]
    )
    await until(lambda: worker.snapshot().refused == 3)
    assert ran.times == 0


async def test_a_replayed_envelope_does_not_run_again(cluster: SignedCluster) -> None:
    ran = Ran(cluster)
    await cluster.worker()
    job = signed(cluster, HMAC)
    await cluster.broker.publish([job])
    await cluster.ended(job.id)
    await cluster.broker.publish([job])
    await settled(cluster)
    assert ran.times == 1


async def test_an_expired_envelope_does_not_run(cluster: SignedCluster) -> None:
    ran = Ran(cluster)
    await cluster.worker()
    job = signed(cluster, HMAC, expires_at=await cluster.broker.time() - 1)
    await cluster.broker.publish([job])
    status = await cluster.ended(job.id)
    assert (status.state, status.reason, ran.times) == (TaskState.CANCELLED, "expired", 0)


async def test_a_worker_that_only_verifies_retries_and_replays(cluster: SignedCluster) -> None:
    """The bytes never change, so that nobody but the producer ever has to sign them."""
    cluster.stem = cluster.producer(PayloadSigner(private_keys={"e1": SEED}))
    ready = False

    async def flaky(context: TaskContext) -> int:
        if not ready:
            raise ValueError("not yet")
        return context.attempt

    cluster.task("flaky", flaky, max_retries=2, retry_policy=TaskRetryPolicy(default_delay=0.01))
    worker = await cluster.worker(signer=PayloadSigner(public_keys={"e1": PUBLIC}))
    task_id = await cluster.stem.enqueue("flaky")
    status = await cluster.stem.wait_for(task_id, 10)
    assert (status.state, status.reason, status.attempt) == (TaskState.FAILED, "max-retries-exhausted", 2)
    ready = True
    assert await cluster.broker.replay("default", [task_id]) == 1
    await until(lambda: worker.snapshot().succeeded == 1)
    assert worker.snapshot().refused == 0


async def test_a_task_that_enqueues_where_nothing_can_be_signed_fails_and_says_so(memory: SignedCluster) -> None:
    async def parent(context: TaskContext) -> None:
        await context.enqueue("parent")

    memory.task("parent", parent)
    memory.stem = memory.producer(PayloadSigner(private_keys={"e1": SEED}))
    await memory.worker(signer=PayloadSigner(public_keys={"e1": PUBLIC}))
    status = await memory.stem.wait_for(await memory.stem.enqueue("parent"), 10)
    assert status.error is not None
    assert "STEM_SIGNING_PRIVATE_KEYS" in status.error.message


async def test_a_task_enqueues_with_its_workers_key(memory: SignedCluster) -> None:
    ran = Ran(memory)

    async def parent(context: TaskContext) -> str:
        return await context.enqueue("work")

    memory.task("parent", parent)
    await memory.worker()
    status = await memory.stem.wait_for(await memory.stem.enqueue("parent"), 10)
    assert (await memory.stem.wait_for(str(status.result), 10)).state is TaskState.SUCCEEDED
    assert ran.times == 1


async def test_keys_rotate_under_load(memory: SignedCluster) -> None:
    ran = Ran(memory)
    new = {"k2": b"n" * 32}
    producers = [
        memory.producer(signer)
        for signer in (HMAC, PayloadSigner(keys={"k1": SECRET, **new}, active_key="k2"), PayloadSigner(keys=new))
    ]
    await memory.worker(signer=PayloadSigner(keys={"k1": SECRET, **new}, active_key="k1"))
    ids = [await producer.enqueue("work") for producer in producers for _ in range(10)]
    for task_id in ids:
        assert (await memory.stem.wait_for(task_id, 10)).state is TaskState.SUCCEEDED
    assert ran.times == 30


async def test_a_worker_without_keys_reads_what_is_signed(memory: SignedCluster) -> None:
    """So that producers can begin to sign before all workers know the keys."""
    Ran(memory)
    memory.signer = None  # type: ignore[assignment]  # not signed here
    await memory.worker()
    assert (await memory.stem.wait_for(await memory.stem.enqueue("work"), 10)).state is TaskState.SUCCEEDED


async def test_the_environment_alone_turns_signing_on(memory: SignedCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    Ran(memory)
    monkeypatch.setenv("STEM_SIGNING_KEYS", "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    await memory.worker(signer=None)
    good = await memory.producer(None).enqueue("work")
    assert (await memory.ended(good)).state is TaskState.SUCCEEDED
    bad = signed(memory, None)
    await memory.broker.publish([bad])
    assert (await memory.ended(bad.id)).reason == "signature-missing"
    monkeypatch.setenv("STEM_SIGNING_ACTIVE_KEY", "k7")
    with pytest.raises(ConfigurationError, match="STEM_SIGNING_ACTIVE_KEY"):
        memory.producer(None)


async def test_a_signed_envelope_is_as_limited_in_size_as_any(memory: SignedCluster) -> None:
    Ran(memory)
    worker = await memory.worker()
    huge = HMAC.sign(b'{"x":"' + b"a" * MAX_ENVELOPE_BYTES + b'"}', job_scope(memory.broker.namespace, "default", "x"))
    await memory.broker.publish([Sealed("x", "default", 0, huge)])
    assert (await memory.ended("x")).reason == "invalid-envelope"
    assert worker.snapshot().refused == 0


async def test_a_revoked_signed_job_keeps_its_record_readable(cluster: SignedCluster) -> None:
    Ran(cluster)
    task_id = await cluster.stem.enqueue("work", countdown=60)
    await cluster.control.revoke([task_id], timeout=0.05)
    status = await cluster.stem.wait_for(task_id, 5)
    assert (status.state, status.name) == (TaskState.CANCELLED, "work")


class Broadcasts:
    """What was broadcast, and what came."""

    def __init__(self, cluster: SignedCluster) -> None:
        self.cluster = cluster
        self.heard: list[int] = []
        cluster.task("hear", self.hear)

    async def hear(self, number: int) -> None:
        self.heard.append(number)

    async def send(self, number: int, signer: PayloadSigner | None = HMAC, **fields: object) -> bytes:
        at = await self.cluster.broker.time()
        fields = {"enqueued_at": at, "broadcast": "news", **fields}
        envelope = Envelope(id=new_task_id(), name="hear", args={"number": number}, **fields)  # type: ignore[arg-type]
        scope = broadcast_scope(self.cluster.broker.namespace, "news")
        body = seal(envelope, sign=None if signer is None else lambda _, body: signer.sign(body, scope)).body
        await self.append(body)
        return body

    async def append(self, body: bytes, channel: str = "news") -> None:
        await self.cluster.broker.append(broadcast_topic(channel), [body])


async def test_a_broadcast_is_refused_unless_it_is_signed_fresh_and_new(cluster: SignedCluster) -> None:
    talk = Broadcasts(cluster)
    worker = await cluster.worker(subscription=RoutingSubscription(broadcast_channels=["news", "alarm"]))
    body = await talk.send(1)
    await until(lambda: talk.heard == [1])
    await talk.append(body)  # repeated
    await talk.append(body, "alarm")  # transplanted
    await talk.append(body.replace(b":1}", b":9}"))  # tampered with
    await talk.send(2, None)
    await talk.send(3, FORGER)
    await talk.send(4, enqueued_at=await cluster.broker.time() - 3600)  # kept for an hour
    await until(lambda: worker.snapshot().refused == 6)
    await cluster.stem.enqueue("hear", {"number": 5}, broadcast="news")
    await until(lambda: talk.heard == [1, 5])


async def test_a_repeated_broadcast_does_not_reach_a_worker_that_was_restarted(cluster: SignedCluster) -> None:
    talk = Broadcasts(cluster)
    body = await talk.send(1, enqueued_at=await cluster.broker.time() - 1)
    worker = await cluster.worker(subscription=RoutingSubscription(broadcast_channels=["news"]))
    await talk.append(body)
    await until(lambda: worker.snapshot().refused == 1)
    assert talk.heard == []


async def test_what_a_store_hands_out_still_decodes_for_those_who_only_look(cluster: SignedCluster) -> None:
    Ran(cluster)
    task_id = await cluster.stem.enqueue("work", countdown=60)
    (place,) = await cluster.broker.locate([task_id])
    assert place is not None
    HMAC.verify(place.body, job_scope(cluster.broker.namespace, "default", task_id))
    assert unseal(place.body).name == "work"
