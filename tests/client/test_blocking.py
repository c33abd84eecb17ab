"""Calls of programs without an event loop, on stores that processes share."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from stem_core import RESULT, Job, Stem, TaskState
from stem_core.client.sync import BackgroundLoop
from stem_core.errors import UsageError, WaitTimeoutError
from stem_core.stores import connect_broker
from tests.worker.cluster import Cluster


def app(url: str, namespace: str) -> Stem:
    stem = Stem.from_url(url, namespace)

    @stem.task("double")
    def double(x: int) -> int:
        return 2 * x

    @stem.task("total")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    return stem


def script(stem: Stem) -> None:
    """Do what a program without an event loop would do."""
    many = stem.enqueue_many_sync([("double", {"x": 1}), Job("double", {"x": 2})])
    assert [stem.wait_for_sync(each, 20).result for each in many] == [2, 4]
    chain = stem.enqueue_chain_sync([Job("double", {"x": 3}), Job("double", {"x": RESULT})])
    assert stem.wait_for_sync(chain[-1], 20).result == 12
    group = stem.enqueue_group_sync(
        [Job("double", {"x": x}) for x in range(3)], callback=Job("total", {"numbers": RESULT})
    )
    assert stem.wait_for_group_sync(group.id, 20) == [0, 2, 4]
    assert stem.group_results_sync(group.id) == [0, 2, 4]
    assert group.callback is not None
    assert stem.wait_for_sync(group.callback, 20).result == 6
    status = stem.status_sync(group.callback)
    assert status is not None
    assert status.state is TaskState.SUCCEEDED
    assert stem.status_sync("nobody") is None


async def test_a_program_without_an_event_loop_can_do_all_that_others_can(store_url: str, namespace: str) -> None:
    stem = app(store_url, namespace)
    cluster = Cluster(await connect_broker(store_url, namespace=namespace))
    await cluster.worker(registry=stem.registry)
    await asyncio.to_thread(script, stem)
    await cluster.close()


async def test_many_threads_share_the_one_loop(sqlite_url: str, namespace: str) -> None:
    stem = app(sqlite_url, namespace)
    jobs = [Job("double", {"x": 1})] * 5
    ids = await asyncio.gather(*(asyncio.to_thread(stem.enqueue_many_sync, jobs) for _ in range(8)))
    assert len({each for some in ids for each in some}) == 40
    assert len([thread for thread in threading.enumerate() if thread.name == "stem-sync"]) == 1


def test_what_the_async_forms_raise_the_blocking_ones_raise_too(sqlite_url: str, namespace: str) -> None:
    stem = app(sqlite_url, namespace)
    with pytest.raises(UsageError, match="no jobs"):
        stem.enqueue_chain_sync([])
    with pytest.raises(UsageError, match="no members"):
        stem.enqueue_group_sync([])
    with pytest.raises(UsageError, match="no group"):
        stem.wait_for_group_sync("nobody")
    group = stem.enqueue_group_sync([Job("double", {"x": 1})])
    with pytest.raises(WaitTimeoutError):
        stem.wait_for_group_sync(group.id, 0.05)
    assert stem.group_results_sync(group.id) is None


async def test_a_broker_that_was_handed_in_is_refused_before_anything_is_sent(sqlite_url: str, namespace: str) -> None:
    async with await connect_broker(sqlite_url, namespace=namespace) as broker:
        stem = Stem(broker=broker, registry=app(sqlite_url, namespace).registry)
        for call in (stem.enqueue_many_sync, stem.enqueue_chain_sync, stem.enqueue_group_sync):
            with pytest.raises(UsageError, match="from_url"):
                call([Job("double", {"x": 1})])
        assert await broker.queues() == []


def test_at_the_end_of_a_program_a_call_says_so_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(UsageError, match="the program is ending"):
        BackgroundLoop().run(asyncio.sleep(0))


@pytest.fixture
def loop() -> Iterator[BackgroundLoop]:
    """A loop that ends with the test."""
    loop = BackgroundLoop()
    yield loop
    loop._end()


def test_a_loop_that_waits_for_itself_is_refused(loop: BackgroundLoop) -> None:

    async def inside() -> None:
        loop.run(asyncio.sleep(0))

    with pytest.raises(UsageError, match="await the async form"):
        loop.run(inside())


def test_an_interrupt_cancels_what_is_waited_for(loop: BackgroundLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, began = threading.Event(), threading.Event()

    async def hanging() -> None:
        began.set()
        try:
            await asyncio.sleep(30)
        finally:
            heard.set()

    def interrupted(_future: Future[None]) -> None:
        began.wait(5)
        raise KeyboardInterrupt

    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        loop.run(hanging())
    assert heard.wait(5)
