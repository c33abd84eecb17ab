"""Several processes on one SQLite file."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stem_core.delivery import Settled
from stem_core.stores.port import FROM_NOW
from stem_core.stores.sqlite import SqliteBroker
from stem_core.stores.sqlite.address import parse_address
from stem_core.stores.sqlite.store import SqliteStore
from stem_core.testing.contract.harness import DEADLINE, publish, settle, stats, take, until
from tests.stores.sqlite_files import ROOT, Others, audit
from tests.worker.cluster import until as until_true

pytestmark = pytest.mark.process

NEVER = 3600.0


@asynccontextmanager
async def polling(url: str, namespace: str, poll: float) -> AsyncIterator[SqliteBroker]:
    """Yield a broker that looks for changes that no bell told of every `poll` seconds, and has looked once."""
    store = SqliteStore(parse_address(url), namespace, poll=poll)
    async with SqliteBroker(store, namespace, 15.0) as broker:
        assert await take(broker, wait=0.05) == []
        yield broker


async def test_a_waiting_fetch_is_woken_by_another_process(others: Others, sqlite_url: str, namespace: str) -> None:
    publisher = await others.start("publisher")
    delays = []
    async with polling(sqlite_url, namespace, NEVER) as broker:
        for _ in range(20):
            waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
            await asyncio.sleep(0.02)
            publisher.tell()
            async with asyncio.timeout(DEADLINE / 2):
                found = await waiting
            woken = time.monotonic()
            assert len(found) == 1
            delays.append(woken - float((await publisher.said())[0]))
    assert min(delays) < 0.02


async def test_a_waiting_read_is_woken_by_another_process(others: Others, sqlite_url: str, namespace: str) -> None:
    appender = await others.start("appender")
    async with polling(sqlite_url, namespace, NEVER) as broker:
        reading = asyncio.ensure_future(broker.read({"t": FROM_NOW}, 10, DEADLINE))
        await asyncio.sleep(0.05)
        appender.tell()
        async with asyncio.timeout(DEADLINE / 2):
            assert [message.body for message in await reading] == [b"news"]


async def test_a_ring_that_got_lost_is_made_good_by_a_look_at_the_file(sqlite_url: str, namespace: str) -> None:
    async with (
        polling(sqlite_url, namespace, 0.1) as broker,
        await SqliteBroker.connect(sqlite_url, namespace) as silent,
    ):
        silent._store._doorbell.close()
        waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
        await asyncio.sleep(0.02)
        await publish(silent)
        async with asyncio.timeout(DEADLINE / 2):
            assert len(await waiting) == 1


async def test_what_killed_processes_left_to_be_rung_for_is_removed(
    others: Others, sqlite_url: str, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stem_core.stores.sqlite.doorbell._YOUNG", 0.0)
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        folder = broker._store._doorbell._folder
        assert folder is not None

        def listening() -> set[int]:
            return {int(one.name.split("-")[1]) for one in folder.glob("*")}

        waiter = await others.start("waiter")
        await until_true(lambda: listening() == {waiter.process.pid})
        await waiter.kill()
        assert listening() == {waiter.process.pid}
        assert await take(broker, wait=0.05) == []
        await until_true(lambda: listening() == {os.getpid()})
    assert not folder.exists()


async def test_a_path_of_any_length_can_be_rung_at(tmp_path: Path, namespace: str) -> None:
    folder = tmp_path.joinpath(*["a-long-name-of-a-directory"] * 6)
    folder.mkdir(parents=True)
    url = f"sqlite://{folder}/stem.db"
    async with polling(url, namespace, NEVER) as broker, polling(url, namespace, NEVER) as other:
        assert broker.warnings == ()
        waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
        await asyncio.sleep(0.05)
        await publish(other)
        async with asyncio.timeout(DEADLINE / 2):
            assert len(await waiting) == 1
    assert [each.name for each in folder.iterdir()] == ["stem.db"]


PRIVATE_TMP = """
mount --bind "$1" "$2" && mount -t tmpfs tmpfs /tmp && mkdir -p "$1" && mount --bind "$2" "$1" && cd "$1" && shift 2 &&
exec "$@"
"""
"""Runs a command with a /tmp of its own, in which the project is there even if it lies in everybody's /tmp."""


async def test_a_process_with_a_private_tmp_rings_and_is_rung_for(namespace: str) -> None:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to give a process a /tmp of its own")
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/tmp"], check=False).returncode:
        pytest.skip("needs the right to mount, which this container does not give")
    with tempfile.TemporaryDirectory(prefix="stem-tests-", dir="/var/tmp") as folder:
        url = f"sqlite://{folder}/stem.db"
        kept = Path(folder, "project")
        kept.mkdir()
        others = Others(url, namespace, ["unshare", "-m", "sh", "-c", PRIVATE_TMP, "sh", str(ROOT), str(kept)])
        try:
            async with polling(url, namespace, NEVER) as broker:
                publisher = await others.start("publisher")
                waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
                await asyncio.sleep(0.05)
                publisher.tell()
                async with asyncio.timeout(DEADLINE / 2):
                    assert len(await waiting) == 1
        finally:
            others.close()


async def test_where_no_socket_can_be_made_that_is_said_when_connecting(
    tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stem_core.stores.sqlite.doorbell._DESCRIPTORS", tmp_path / "none")
    folder = tmp_path.joinpath(*["a-long-name-of-a-directory"] * 6)
    folder.mkdir(parents=True)
    async with await SqliteBroker.connect(f"sqlite://{folder}/stem.db", namespace) as broker:
        assert "wake" in broker.warnings[0]


async def test_a_directory_that_others_may_enter_is_not_rung_in(
    sqlite_file: Path, sqlite_url: str, namespace: str
) -> None:
    sqlite_file.with_name("stem.db-bells").mkdir(mode=0o755)
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        assert "wake" in broker.warnings[0]


async def test_where_nobody_can_ring_the_file_is_looked_at_often(
    sqlite_file: Path, sqlite_url: str, namespace: str
) -> None:
    sqlite_file.with_name("stem.db-bells").write_text("no directory")
    async with (
        await SqliteBroker.connect(sqlite_url, namespace) as broker,
        await SqliteBroker.connect(sqlite_url, namespace) as other,
    ):
        assert "wake" in broker.warnings[0]
        waiting = asyncio.ensure_future(take(broker, wait=DEADLINE))
        await asyncio.sleep(0.05)
        await publish(other)
        async with asyncio.timeout(DEADLINE / 2):
            assert len(await waiting) == 1


async def test_processes_that_fetch_at_once_share_the_jobs(others: Others, sqlite_url: str, namespace: str) -> None:
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        ids = await publish(broker, 400)
        drainers = [await others.start("drainer") for _ in range(3)]
        for drainer in drainers:
            drainer.tell()
        shares = [await drainer.said() for drainer in drainers]
        assert Counter(task_id for share in shares for task_id in share) == Counter(ids)
        assert (await stats(broker)).succeeded == 400


async def test_what_a_killed_process_held_is_taken_back_once(
    others: Others, sqlite_file: Path, sqlite_url: str, namespace: str
) -> None:
    async with (
        await SqliteBroker.connect(sqlite_url, namespace, lease=0.3) as broker,
        await SqliteBroker.connect(sqlite_url, namespace) as other,
    ):
        ids = await publish(broker, 5)
        holder = await others.start("holder")
        assert holder.first_words == ["5"]
        await holder.kill()
        reclaimed = []

        async def taken_back() -> bool:
            rounds = await asyncio.gather(*(one.upkeep(["q"]) for one in (broker, other)))
            reclaimed.append(sum(one.reclaimed for one in rounds))
            return sum(reclaimed) > 0

        await until(taken_back)
        await taken_back()
        assert sum(reclaimed) == 5
        again = await take(broker)
        assert [(delivery.id, delivery.deliveries) for delivery in again] == [(task_id, 2) for task_id in ids]
    audit(sqlite_file)


async def test_a_process_killed_in_the_middle_of_writing_leaves_the_file_whole(
    others: Others, sqlite_file: Path, sqlite_url: str, namespace: str
) -> None:
    for number in range(6):
        writer = await others.start("writer")
        await asyncio.sleep(0.05 + 0.03 * number)
        await writer.kill()
    audit(sqlite_file)
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        figures = await stats(broker)
        ended = figures.succeeded + figures.failed + figures.cancelled
        assert figures.published > 0
        assert figures.published == figures.ready + figures.inflight + figures.delayed + ended


async def test_a_lock_that_another_process_holds_is_waited_for(others: Others, sqlite_url: str, namespace: str) -> None:
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        await publish(broker, 3)
        held = await take(broker, 1)
        locker = await others.start("lock")
        writing = [
            asyncio.ensure_future(publish(broker, 2)),
            asyncio.ensure_future(take(broker, 1)),
            asyncio.ensure_future(settle(broker, held)),
        ]
        assert (await stats(broker)).ready == 2  # readers do not wait
        await asyncio.sleep(1.5)
        assert not any(one.done() for one in writing)
        locker.tell()
        _, taken, settled = await asyncio.gather(*writing)
        assert (len(taken), settled) == (1, [Settled.COMMITTED])
        figures = await stats(broker)
        assert (figures.ready, figures.inflight, figures.succeeded) == (3, 1, 1)


def test_a_program_without_an_event_loop_enqueues_and_ends_without_a_word(sqlite_url: str) -> None:
    program = f"""
from stem_core import Stem
stem = Stem.from_url({sqlite_url!r})
@stem.task("a")
def a() -> None: ...
print(len(a.enqueue_sync()))
"""
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("32\n", "")


async def test_leases_are_renewed_while_the_event_loop_is_blocked(sqlite_url: str, namespace: str) -> None:
    async with await SqliteBroker.connect(sqlite_url, namespace) as broker:
        await publish(broker)
        held = await take(broker)
        renewed: list[bool] = []
        thread = threading.Thread(target=lambda: renewed.extend(broker.renew(held)))
        thread.start()
        thread.join(5.0)  # this blocks the loop
        assert renewed == [True]
