"""Commands that are forged, repeated, expired or changed are refused, and those who sent them are told."""

from __future__ import annotations

import msgspec
import pytest

from stem_core.client import ControlClient
from stem_core.commands import (
    CONTROL_TOPIC,
    MAX_COMMAND_LIFE,
    Command,
    Drain,
    Ping,
    decode_reply,
    encode_command,
    reply_topic,
)
from stem_core.envelope import new_task_id
from stem_core.errors import ConfigurationError
from stem_core.events import ControlCommandCompleted
from stem_core.signing import PayloadSigner, command_scope, job_scope
from stem_core.stores.port import FROM_START
from tests.signing.signers import FORGER, HMAC, PUBLIC, SECRET, SEED, STRANGER, SignedCluster
from tests.worker.cluster import until


async def a_drain(cluster: SignedCluster, **fields: object) -> Command:
    now = await cluster.broker.time()
    usual = {"id": new_task_id(), "order": Drain(), "issuer": "mallory", "issued_at": now, "expires_at": now + 10}
    return Command(**{**usual, **fields})  # type: ignore[arg-type]  # fields of a command


def signed(cluster: SignedCluster, command: Command, signer: PayloadSigner = HMAC) -> bytes:
    return signer.sign(encode_command(command), command_scope(cluster.broker.namespace))


async def answers(cluster: SignedCluster, command_id: str) -> list[tuple[str, str]]:
    messages = await cluster.broker.read({reply_topic(command_id): FROM_START}, 10, 0.0)
    return [(reply.status, reply.error) for reply in (decode_reply(message.body) for message in messages)]


async def answered(cluster: SignedCluster, command_id: str, number: int = 1) -> list[tuple[str, str]]:
    """Return the answers once there are so many: a worker counts before it answers."""

    async def enough() -> bool:
        return len(await answers(cluster, command_id)) >= number

    await until(enough)
    return await answers(cluster, command_id)


async def test_a_signed_command_is_obeyed(cluster: SignedCluster) -> None:
    worker = await cluster.worker()
    result = await cluster.control.ping()
    assert [(answer.reply.worker, answer.reply.status) for answer in result.replies] == [("w1", "ok")]
    assert worker.snapshot().refused == 0


@pytest.mark.parametrize(
    ("signer", "said"),
    [(None, "signature-missing"), (FORGER, "signature-invalid"), (STRANGER, "signature-unknown-key")],
    ids=["unsigned", "forged", "unknown key"],
)
async def test_a_command_that_is_not_signed_well_is_refused_and_answered(
    cluster: SignedCluster, signer: PayloadSigner | None, said: str
) -> None:
    worker = await cluster.worker()
    client = ControlClient(cluster.broker, issuer="mallory", timeout=5, signer=signer)
    (answer,) = (await client.drain()).replies
    assert answer.reply.status == "refused"
    assert said in answer.reply.error
    assert (worker.snapshot().state, worker.snapshot().refused) == ("running", 1)


async def test_a_refused_command_is_an_event(cluster: SignedCluster) -> None:
    worker = await cluster.worker()
    await ControlClient(cluster.broker, timeout=5, signer=FORGER).drain()
    await worker.shutdown()
    (event,) = await cluster.events(ControlCommandCompleted)
    assert isinstance(event, ControlCommandCompleted)
    assert event.status == "refused"
    assert "signature-invalid" in event.detail


async def test_a_repeated_command_is_refused(cluster: SignedCluster) -> None:
    worker = await cluster.worker()
    command = await a_drain(cluster, order=Ping())
    body = signed(cluster, command)
    await cluster.broker.append(CONTROL_TOPIC, [body])
    await until(lambda: answers(cluster, command.id))
    await cluster.broker.append(CONTROL_TOPIC, [body])
    await until(lambda: worker.snapshot().refused == 1)
    first, second = await answered(cluster, command.id, 2)
    assert first[0] == "ok"
    assert second[0] == "refused"
    assert "repetition" in second[1]


async def test_a_repeated_command_does_not_reach_a_worker_that_was_restarted(cluster: SignedCluster) -> None:
    first = await cluster.worker()
    command = await a_drain(cluster)
    body = signed(cluster, command)
    await cluster.broker.append(CONTROL_TOPIC, [body])
    await first.run()
    second = await cluster.worker()
    await cluster.broker.append(CONTROL_TOPIC, [body])
    await until(lambda: second.snapshot().refused == 1)
    assert "before this worker started" in (await answered(cluster, command.id, 2))[-1][1]
    assert second.snapshot().state == "running"


@pytest.mark.parametrize(
    ("issued", "life", "said"),
    [
        (-20.0, 10.0, "expired"),
        (0.0, 0.0, "must expire within"),
        (0.0, MAX_COMMAND_LIFE * 2, "must expire within"),
    ],
    ids=["expired", "without expiry", "with a long life"],
)
async def test_a_command_that_is_not_fresh_is_refused(
    cluster: SignedCluster, issued: float, life: float, said: str
) -> None:
    worker = await cluster.worker()
    at = await cluster.broker.time() + issued
    command = await a_drain(cluster, issued_at=at, expires_at=at + life if life else 0.0)
    await cluster.broker.append(CONTROL_TOPIC, [signed(cluster, command)])
    await until(lambda: worker.snapshot().refused == 1)
    ((status, error),) = await answered(cluster, command.id)
    assert status == "refused"
    assert said in error
    assert worker.snapshot().state == "running"


async def test_a_command_tampered_with_in_any_byte_is_not_obeyed(cluster: SignedCluster) -> None:
    worker = await cluster.worker()
    body = signed(cluster, await a_drain(cluster))
    for start in range(0, len(body), 50):
        bodies = []
        for place in range(start, min(start + 50, len(body))):
            flipped = bytearray(body)
            flipped[place] ^= 1
            bodies.append(bytes(flipped))
        await cluster.broker.append(CONTROL_TOPIC, bodies)
    assert (await cluster.control.ping()).replies
    assert worker.snapshot().state == "running"
    assert worker.snapshot().refused > len(body) // 2  # the others name another worker


async def test_a_command_of_another_cluster_or_kind_is_refused(cluster: SignedCluster) -> None:
    worker = await cluster.worker()
    for scope in (command_scope("other"), job_scope(cluster.broker.namespace, "", "")):
        body = HMAC.sign(encode_command(await a_drain(cluster)), scope)
        await cluster.broker.append(CONTROL_TOPIC, [body])
    await until(lambda: worker.snapshot().refused == 2)
    assert worker.snapshot().state == "running"


async def test_a_command_for_one_worker_is_not_turned_on_another(cluster: SignedCluster) -> None:
    one, other = await cluster.worker(), await cluster.worker()
    body = signed(cluster, await a_drain(cluster, targets=("w1",)))
    await cluster.broker.append(CONTROL_TOPIC, [body.replace(b'"w1"', b'"w2"')])
    await until(lambda: other.snapshot().refused == 1)
    assert (one.snapshot().state, other.snapshot().state) == ("running", "running")


async def test_an_answer_goes_nowhere_but_to_a_reply_topic(memory: SignedCluster) -> None:
    """The id of what is not trusted must not choose a key in the store."""
    worker = await memory.worker()
    command = await a_drain(memory, id="x}:\n* /../events")
    await memory.broker.append(CONTROL_TOPIC, [encode_command(command)])
    await until(lambda: worker.snapshot().refused == 1)
    assert await memory.broker.read({reply_topic(command.id): FROM_START}, 1, 0.0) == []


async def test_an_operators_key_commands_workers_that_only_verify(memory: SignedCluster) -> None:
    await memory.worker(signer=PayloadSigner(public_keys={"op": PUBLIC}))
    operator = ControlClient(memory.broker, timeout=5, signer=PayloadSigner(private_keys={"op": SEED}))
    assert [answer.reply.status for answer in (await operator.ping()).replies] == ["ok"]
    viewer = ControlClient(memory.broker, timeout=5, signer=PayloadSigner(public_keys={"op": PUBLIC}))
    with pytest.raises(ConfigurationError, match="no key to sign with"):
        await viewer.ping()


async def test_who_may_enqueue_may_not_command_if_keys_are_told_apart(cluster: SignedCluster) -> None:
    ran: list[str] = []

    def work() -> None:
        ran.append("job")

    cluster.task("work", work)
    producer, operator = {"k1": SECRET}, {"op": b"the secret of those who command."}
    worker = await cluster.worker(
        signer=PayloadSigner(keys={**producer, **operator}, active_key="k1", control_keys=["op"])
    )
    await cluster.ended(await cluster.producer(PayloadSigner(keys=producer)).enqueue("work"))
    assert ran == ["job"]
    forger = ControlClient(cluster.broker, timeout=5, signer=PayloadSigner(keys=producer))
    (answer,) = (await forger.shutdown()).replies
    assert (answer.reply.status, worker.snapshot().state) == ("refused", "running")
    assert "signature-not-allowed" in answer.reply.error
    boss = ControlClient(cluster.broker, timeout=5, signer=PayloadSigner(keys=operator))
    assert [answer.reply.status for answer in (await boss.ping()).replies] == ["ok"]


async def test_a_long_wait_does_not_make_a_long_lived_command(memory: SignedCluster) -> None:
    await memory.worker()
    result = await memory.control.send(Ping(), timeout=3600)
    assert result.command.expires_at - result.command.issued_at == pytest.approx(MAX_COMMAND_LIFE)
    assert [answer.reply.status for answer in result.replies] == ["ok"]


async def test_huge_and_deep_commands_hurt_nobody(memory: SignedCluster) -> None:
    worker = await memory.worker()
    deep = b'{"id":' + b"[" * 100_000
    numbers = msgspec.json.encode({"id": "a"})[:-1] + b',"issued_at":' + b"9" * 100_000 + b"}"
    await memory.broker.append(CONTROL_TOPIC, [deep, numbers, b" " * (2 << 20)])
    assert (await memory.control.ping()).replies
    assert worker.snapshot().refused == 3
