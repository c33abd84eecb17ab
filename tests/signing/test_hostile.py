"""Bytes that are made to stop a worker stop none: each is refused by itself, and its neighbours run."""

from __future__ import annotations

import pytest

from stem_core.commands import CONTROL_TOPIC, Ping
from stem_core.decoding import MAX_DEPTH
from stem_core.envelope import Envelope, Sealed, new_task_id, seal
from stem_core.errors import RecordInvalidError
from stem_core.routing import RoutingSubscription, broadcast_topic
from stem_core.signing import broadcast_scope, command_scope, job_scope
from stem_core.stores.port import KeptRecord
from tests.signing.signers import HMAC, SignedCluster
from tests.worker.cluster import until

FIELDS = {
    "not UTF-8": b'"args":{"n":"\xff"}',
    "a name that is not UTF-8": b'"args":{"\xff":1}',
    "deep": b'"args":{"n":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
    "deep where nobody looks": b'"later":' + b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH,
    "very deep": b'"args":{"n":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "kept for ever": b'"result_ttl":1e308',
    "never started": b'"enqueued_at":1e308',
    "a limit below nothing": b'"soft_time_limit":-1',
    "a link in eternity": b'"links":[{"id":"next","queue":"q","delay":1e308,"body":{}}]',
    "many digits": b'"args":{"n":' + b"9" * 100_000 + b"}",
}


def made(task_id: str, field: bytes) -> bytes:
    return b'{"id":"%b","name":"work",%b}' % (task_id.encode(), field)


@pytest.mark.parametrize("signed", [True, False], ids=["by a key that is known", "where nothing is signed"])
async def test_jobs_made_to_hurt_become_dead_letters_and_their_neighbours_run(
    cluster: SignedCluster, *, signed: bool
) -> None:
    cluster.task("work", lambda n=0: n)
    jobs = []
    for field in FIELDS.values():
        task_id = new_task_id()
        body = made(task_id, field)
        if signed:
            body = HMAC.sign(body, job_scope(cluster.broker.namespace, "default", task_id))
        jobs.append(Sealed(task_id, "default", 0, body))
        jobs.append(Sealed(f"{task_id}-good", "default", 0, good(cluster, f"{task_id}-good")))
    await cluster.broker.publish(jobs)
    worker = await cluster.worker(signer=HMAC if signed else None)

    async def all_ended() -> bool:
        (stats,) = await cluster.broker.stats(["default"])
        return (stats.dead, stats.succeeded, stats.inflight) == (len(FIELDS), len(FIELDS), 0)

    await until(all_ended)
    for job in jobs[::2]:
        assert (await cluster.ended(job.id)).reason == "invalid-envelope"
    assert worker.snapshot().state == "running"


def good(cluster: SignedCluster, task_id: str) -> bytes:
    scope = job_scope(cluster.broker.namespace, "default", task_id)
    return seal(Envelope(id=task_id, name="work"), sign=lambda _, body: HMAC.sign(body, scope)).body


async def test_commands_and_broadcasts_made_to_hurt_do_not(cluster: SignedCluster) -> None:
    heard: list[int] = []

    def hear(number: int) -> None:
        heard.append(number)

    cluster.task("hear", hear)
    worker = await cluster.worker(subscription=RoutingSubscription(broadcast_channels=["news"]))
    namespace = cluster.broker.namespace
    commands = [
        b'{"id":"a","order":{"type":"ping"},"issuer":"\xff"}',
        b'{"id":"b","order":{"type":"ping"},"x":' + b"[" * 999,
    ]
    broadcasts = [made("c", field) for field in FIELDS.values()]
    await cluster.broker.append(CONTROL_TOPIC, [HMAC.sign(body, command_scope(namespace)) for body in commands])
    await cluster.broker.append(
        broadcast_topic("news"), [HMAC.sign(body, broadcast_scope(namespace, "news")) for body in broadcasts]
    )
    assert (await cluster.control.send(Ping())).replies
    await cluster.stem.enqueue("hear", {"number": 1}, broadcast="news")
    await until(lambda: heard == [1])
    assert worker.snapshot().state == "running"


@pytest.mark.parametrize("body", [b"\xff", b'{"state":"\xff"}', b"[" * 200_000, b""])
async def test_a_record_that_cannot_be_read_hurts_only_those_who_wait_for_it(
    memory: SignedCluster, body: bytes
) -> None:
    memory.task("work", lambda: 7)
    await memory.broker.results().put([KeptRecord("forged", "default", body, 60.0, 0)])
    await memory.worker()
    with pytest.raises(RecordInvalidError, match="cannot be read"):
        await memory.stem.wait_for("forged", 5)
    assert (await memory.stem.wait_for(await memory.stem.enqueue("work"), 5)).result == 7


async def test_an_input_that_cannot_be_read_makes_a_dead_letter(memory: SignedCluster) -> None:
    memory.task("work", lambda x: x)
    await memory.broker.results().put([KeptRecord("forged", "default", b"\xff", 60.0, 0)])
    envelope = Envelope(id="next", name="work", inputs={"x": "task:forged"})
    scope = job_scope(memory.broker.namespace, "default", "next")
    await memory.broker.publish([seal(envelope, sign=lambda _, body: HMAC.sign(body, scope))])
    await memory.worker()
    status = await memory.ended("next")
    assert status.reason == "input-missing"
    assert status.error is not None
    assert "cannot be read" in status.error.message
