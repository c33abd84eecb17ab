"""Stem on a real server: connections per event loop, restarts, and programs that end without closing."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from stem_core import RedisStreamsBroker, Stem, TaskState, Worker
from stem_core.errors import BrokerUnavailableError, ConfigurationError, UsageError
from tests.servers import RedisServer

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.redis


def app(url: str, namespace: str) -> Stem:
    stem = Stem.from_url(url, namespace)

    @stem.task("double")
    async def double(x: int) -> int:
        return 2 * x

    return stem


async def test_a_task_runs_and_its_result_comes_back(redis_url: str, namespace: str) -> None:
    async with app(redis_url, namespace) as stem:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, backend=backend, registry=stem.registry, concurrency=2)
        await worker.start()
        ids = await asyncio.gather(*(stem.enqueue("double", {"x": x}) for x in range(50)))
        done = await asyncio.gather(*(stem.wait_for(task_id, timeout=20) for task_id in ids))
        assert [status.result for status in done] == [2 * x for x in range(50)]
        assert {status.state for status in done} == {TaskState.SUCCEEDED}
        await worker.shutdown()


async def test_each_event_loop_connects_anew(redis_url: str, namespace: str) -> None:
    async with app(redis_url, namespace) as stem:
        ids = [await asyncio.to_thread(asyncio.run, stem.enqueue("double", {"x": x})) for x in range(2)]
        ids.append(stem.enqueue_sync("double", {"x": 2}))
        ids.append(await stem.enqueue("double", {"x": 3}))
        statuses = [await stem.status(task_id) for task_id in ids]
        assert [status and status.state for status in statuses] == [TaskState.QUEUED] * 4


async def test_concurrent_first_uses_connect_once(redis_url: str, namespace: str) -> None:
    async with app(redis_url, namespace) as stem:
        connections = await asyncio.gather(*(stem.connect() for _ in range(5)))
        assert len({id(broker) for broker, _ in connections}) == 1


async def test_a_wait_survives_a_restart_of_the_server(private_redis: RedisServer, namespace: str) -> None:
    async with app(private_redis.url, namespace) as stem:
        broker, backend = await stem.connect()
        worker = Worker(broker=broker, backend=backend, registry=stem.registry)
        task_id = await stem.enqueue("double", {"x": 4})
        waiting = asyncio.ensure_future(stem.wait_for(task_id, timeout=30))
        await asyncio.sleep(0.05)
        private_redis.kill()
        with pytest.raises(BrokerUnavailableError):
            await stem.enqueue("double", {"x": 1})
        private_redis.start()
        await worker.start()
        assert (await waiting).result == 8
        await worker.shutdown()


async def test_errors_of_connecting_name_the_setting_and_no_password() -> None:
    with pytest.raises(BrokerUnavailableError) as unreachable:
        await Stem.from_url("redis://:canary@127.0.0.1:1").connect()
    assert "canary" not in str(unreachable.value)
    with pytest.raises(ConfigurationError, match=r"broker_url: redis\+sentinel"):
        await Stem.from_url("redis+sentinel://localhost").connect()
    with pytest.raises(ConfigurationError, match="broker_url"):
        await Stem.from_url("ftp://localhost").connect()


async def test_a_broker_bound_to_a_loop_cannot_be_used_from_another_one(redis_url: str, namespace: str) -> None:
    async with await RedisStreamsBroker.connect(redis_url, namespace) as broker:
        stem = Stem(broker=broker)
        stem.task("a")(lambda: None)
        with pytest.raises(UsageError, match="from_url"):
            stem.enqueue_sync("a")


PROGRAM = """
import asyncio, sys
from stem_core import Stem
stem = Stem.from_url(sys.argv[1], sys.argv[2])
@stem.task("a")
def a(x: int) -> None: ...
async def main():
    await a.enqueue(x=1)
asyncio.run(main())
a.enqueue_sync(x=2)
a.enqueue_sync(x=3)
print("sent")
"""


@pytest.mark.process
def test_a_program_that_never_closes_ends_without_warnings(redis_url: str, namespace: str) -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, redis_url, namespace]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == ("sent\n", "", 0)
