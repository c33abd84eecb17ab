"""Another process on a SQLite file: `python -m tests.stores.sqlite_process ROLE URL NAMESPACE`.

Each role says a word on a line of its own when it is ready, and goes on at each line that it reads.
"""

from __future__ import annotations

import asyncio
import sys
import time

import apsw

from stem_core.delivery import Outcome
from stem_core.stores.sqlite import SqliteBroker
from stem_core.stores.sqlite.address import parse_address
from stem_core.testing.contract.harness import publish, settle, take


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def told() -> bool:
    return bool(await asyncio.to_thread(sys.stdin.readline))


async def publisher(broker: SqliteBroker) -> None:
    """Publish a job for each line; say when that began."""
    say("ready")
    while await told():
        began = time.monotonic()
        await publish(broker)
        say(began)


async def appender(broker: SqliteBroker) -> None:
    """Append to a topic for each line."""
    say("ready")
    while await told():
        await broker.append("t", [b"news"])


async def holder(broker: SqliteBroker) -> None:
    """Take what is there and never finish it."""
    held = await take(broker, owner="holder")
    say(len(held))
    await told()


async def waiter(broker: SqliteBroker) -> None:
    """Wait for work that does not come."""
    say("ready")
    await take(broker, wait=60.0)


async def drainer(broker: SqliteBroker) -> None:
    """Take and settle until nothing is left, a few at a time; then say what was taken."""
    say("ready")
    await told()
    found: list[str] = []
    while batch := await take(broker, 3, owner=f"drainer-{time.monotonic()}"):
        found += [delivery.id for delivery in batch]
        await settle(broker, batch)
    say(*found)


async def writer(broker: SqliteBroker) -> None:
    """Write all the time, in every way."""
    await publish(broker)
    say("ready")
    while True:
        await publish(broker, 20)
        await publish(broker, 5, delay=0.01)
        for kind in Outcome:
            await settle(broker, await take(broker, 4, "writer"), kind)
        await broker.append("events", [b"x" * 5000] * 3)
        await broker.announce("writer", b"alive", 10.0)
        await broker.upkeep(["q"])


def lock(url: str) -> None:
    """Hold the write lock until told to let go."""
    connection = apsw.Connection(str(parse_address(url).path))
    connection.execute("BEGIN IMMEDIATE")
    say("locked")
    sys.stdin.readline()
    connection.execute("ROLLBACK")
    connection.close()


async def main(role: str, url: str, namespace: str) -> None:
    roles = {
        "publisher": publisher,
        "appender": appender,
        "holder": holder,
        "waiter": waiter,
        "drainer": drainer,
        "writer": writer,
    }
    async with await SqliteBroker.connect(url, namespace) as broker:
        await roles[role](broker)


if __name__ == "__main__":
    if sys.argv[1] == "lock":
        lock(sys.argv[2])
    else:
        asyncio.run(main(*sys.argv[1:]))
