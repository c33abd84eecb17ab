"""A scheduler signs what it sends, and so must not take its entries from whoever can write to the store."""

from __future__ import annotations

import msgspec
import pytest

from stem_core import ScheduleEntry, Scheduler
from stem_core.errors import ConfigurationError
from stem_core.schedule.applying import FROM_FILE, apply_entries, find, switch
from stem_core.schedule.book import ENTRIES, PROGRESS, Claim, Progress, ScheduleBook, StoredEntry
from stem_core.signing import PayloadSigner
from tests.signing.signers import FORGER, HMAC, PUBLIC, SignedCluster
from tests.worker.cluster import until


async def now_of(cluster: SignedCluster) -> int:
    return round(await cluster.broker.time() * 1000)


async def put(cluster: SignedCluster, name: str, signer: PayloadSigner | None = HMAC, **options: object) -> None:
    entry = ScheduleEntry(name, "work", **{"every": 0.1, **options})  # type: ignore[arg-type]
    await apply_entries(ScheduleBook(cluster.broker, signer), [entry], FROM_FILE, await now_of(cluster))


async def runs(cluster: SignedCluster, name: str) -> int:
    return (await find(ScheduleBook(cluster.broker), name)).progress.runs


async def served(cluster: SignedCluster, name: str, more: int = 3) -> None:
    """Wait until an entry was sent some more times: whatever else was due has had its turn."""
    before = await runs(cluster, name)

    async def enough() -> bool:
        return await runs(cluster, name) >= before + more

    await until(enough)


async def test_only_entries_that_are_signed_are_served(cluster: SignedCluster) -> None:
    cluster.task("work", lambda: None)
    await put(cluster, "good")
    await put(cluster, "unsigned", None)
    await put(cluster, "forged", FORGER)
    documents = {each.key: each.body for each in await cluster.broker.documents(ENTRIES)}
    await cluster.broker.write_document(ENTRIES, "moved", documents["good"], 0)
    await cluster.broker.write_document(ENTRIES, "changed", documents["good"].replace(b'"work"', b'"evil"'), 0)
    async with Scheduler(cluster.stem):
        await served(cluster, "good")
    assert {each.key for each in await cluster.broker.documents(PROGRESS)} == {"good"}
    _, unreadable = await ScheduleBook(cluster.broker, HMAC).load()
    assert {each.name for each in unreadable} == {"unsigned", "forged", "moved", "changed"}


async def test_progress_that_nobody_signed_makes_no_ticks(cluster: SignedCluster) -> None:
    await put(cluster, "good")
    await put(cluster, "claimed", every=3600)
    claim = Claim("mallory", 0, list(range(1_000_000_000_000, 1_000_000_000_500)), 1_000_000_000_500)
    await cluster.broker.write_document(PROGRESS, "claimed", msgspec.json.encode(Progress(claim=claim)), 0)
    async with Scheduler(cluster.stem):
        await served(cluster, "good")
    assert (await cluster.broker.stats(["default"]))[0].published == await runs(cluster, "good")


async def test_an_entry_whose_documents_were_spoilt_is_mended_by_applying_it(cluster: SignedCluster) -> None:
    await put(cluster, "spoilt")
    for kind in (ENTRIES, PROGRESS):
        await cluster.broker.write_document(kind, "spoilt", b'{"a":1}')
    await put(cluster, "spoilt")
    async with Scheduler(cluster.stem):
        await served(cluster, "spoilt")


async def test_readers_without_keys_see_signed_entries_and_change_none(memory: SignedCluster) -> None:
    await put(memory, "good")
    items, unreadable = await ScheduleBook(memory.broker).load()
    assert ([item.name for item in items], unreadable) == (["good"], [])
    viewer = ScheduleBook(memory.broker, PayloadSigner(public_keys={"k1": PUBLIC}))
    with pytest.raises(ConfigurationError, match="no key to sign with"):
        await apply_entries(viewer, [ScheduleEntry("new", "work", every=1)], FROM_FILE, await now_of(memory))


async def test_a_scheduler_that_can_only_verify_says_so_at_once(memory: SignedCluster) -> None:
    verifying = memory.producer(PayloadSigner(public_keys={"k1": PUBLIC}))
    with pytest.raises(ConfigurationError, match=r"no key to sign with.*STEM_SIGNING_PRIVATE_KEYS"):
        await Scheduler(verifying).start()


async def test_what_an_operator_switches_stays_signed(memory: SignedCluster) -> None:
    await put(memory, "good")
    book = ScheduleBook(memory.broker, HMAC)
    assert not (await switch(book, "good", on=False, now=await now_of(memory))).stored.enabled
    assert (await switch(book, "good", on=True, now=await now_of(memory))).stored.enabled


async def test_each_bit_of_a_stored_entry_flipped_is_refused(memory: SignedCluster) -> None:
    await put(memory, "good")
    (document,) = await memory.broker.documents(ENTRIES)
    assert msgspec.json.decode(document.body, type=StoredEntry).entry.name == "good"
    book = ScheduleBook(memory.broker, HMAC)
    for place in range(len(document.body)):
        flipped = bytearray(document.body)
        flipped[place] ^= 1
        await memory.broker.write_document(ENTRIES, "good", bytes(flipped))
        items, unreadable = await book.load()
        assert (items, [each.name for each in unreadable]) == ([], ["good"])
