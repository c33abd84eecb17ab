"""The ceiling: a hand-written loop with nothing but what the work needs.

XREADGROUP COUNT 100, JSON, an asyncio task per job, results with expiry, and one EVALSHA per flush that stores the
results and acknowledges. No registry, leases, fence, retries, limits or events.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.asyncio import Redis
from redis.commands.core import AsyncScript
from redis.exceptions import ResponseError

SETTLE = """
for i = 2, #ARGV, 2 do redis.call('SET', KEYS[1] .. ':r:' .. ARGV[i], ARGV[i + 1], 'PX', 86400000) end
local ids = {}
for i = 2, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
return redis.call('XDEL', KEYS[1], unpack(ids))
"""


Task = Callable[[int], Awaitable[None]]


def body(n: int) -> str:
    """Return the same job that Stem's producer would make."""
    return json.dumps({"id": "0" * 32, "name": "bench.noop", "args": {"n": n}, "enqueued_at": time.time()})


async def begin(client: Redis) -> None:
    """Make the stream and its group, if they are not there."""
    with suppress(ResponseError):
        await client.xgroup_create("hand", "g", id="0", mkstream=True)


async def turn(client: Redis, settle: AsyncScript, task: Task, *, block: int | None = None) -> int:
    """Fetch up to a hundred jobs, run them and settle them.

    Args:
        client: The server.
        settle: `SETTLE`, registered there.
        task: What to run with the n of each.
        block: How long to wait for jobs, in ms; not at all if None.

    Returns:
        How many there were.
    """
    reply = await client.xreadgroup("g", f"{os.getpid()}", {"hand": ">"}, count=100, block=block)
    if not reply:
        return 0
    entries = reply[0][1] if isinstance(reply, list) else next(iter(reply.values()))[0]
    outcomes: list[bytes | str] = []

    async def run(entry: bytes, text: bytes) -> None:
        job = json.loads(text)
        await task(job["args"]["n"])
        outcomes.extend((entry, json.dumps({"state": "succeeded", "result": None, "job": job})))

    async with asyncio.TaskGroup() as group:
        for entry, fields in entries:
            group.create_task(run(entry, fields[b"b"]))
    await settle(keys=["hand"], args=["g", *outcomes])
    return len(entries)


async def _fill(client: Redis, jobs: int) -> None:
    await client.delete("hand")
    await begin(client)
    for start in range(0, jobs, 1000):
        pipe = client.pipeline(transaction=False)
        for n in range(start, min(start + 1000, jobs)):
            pipe.xadd("hand", {"b": body(n)})
        await pipe.execute()


async def _noop(n: int) -> None:
    pass


async def rate(url: str, jobs: int) -> float:
    """Return jobs per second from the first fetch to the last settle."""
    client = Redis.from_url(url)
    settle = client.register_script(SETTLE)
    await _fill(client, jobs)
    done = 0
    began = time.perf_counter()
    while done < jobs:
        done += await turn(client, settle, _noop)
    took = time.perf_counter() - began
    await client.aclose()
    return jobs / took
