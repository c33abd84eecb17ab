"""The ceiling: a hand-written loop with nothing but what the work needs.

XREADGROUP COUNT 100, JSON, an asyncio task per job, results with expiry, and one EVALSHA per flush that stores the
results and acknowledges. No registry, leases, fence, retries, limits or events.
"""

from __future__ import annotations

import asyncio
import json
import time

from redis.asyncio import Redis

SETTLE = """
for i = 2, #ARGV, 2 do redis.call('SET', KEYS[1] .. ':r:' .. ARGV[i], ARGV[i + 1], 'PX', 86400000) end
local ids = {}
for i = 2, #ARGV, 2 do ids[#ids + 1] = ARGV[i] end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ids))
return redis.call('XDEL', KEYS[1], unpack(ids))
"""


async def fill(client: Redis, jobs: int) -> None:
    """Put the same jobs into the stream that Stem's producer would."""
    body = json.dumps({"id": "0" * 32, "name": "bench.noop", "args": {"n": 1}, "enqueued_at": time.time()})
    await client.delete("hand")
    await client.xgroup_create("hand", "g", id="0", mkstream=True)
    for start in range(0, jobs, 1000):
        pipe = client.pipeline(transaction=False)
        for _ in range(start, min(start + 1000, jobs)):
            pipe.xadd("hand", {"b": body})
        await pipe.execute()


async def noop(args: dict[str, object]) -> None:
    """The task."""


async def rate(url: str, jobs: int) -> float:
    """Return jobs per second from the first fetch to the last settle."""
    client = Redis.from_url(url)
    settle = client.register_script(SETTLE)
    await fill(client, jobs)
    done = 0

    async def run(entry: bytes, body: bytes, outcomes: list[bytes | str]) -> None:
        job = json.loads(body)
        await noop(job["args"])
        outcomes += [entry, json.dumps({"state": "succeeded", "result": None, "job": job})]

    began = time.perf_counter()
    while done < jobs:
        reply = await client.xreadgroup("g", "me", {"hand": ">"}, count=100)
        entries = reply[0][1] if isinstance(reply, list) else next(iter(reply.values()))[0]
        outcomes: list[bytes | str] = []
        async with asyncio.TaskGroup() as group:
            for entry, fields in entries:
                group.create_task(run(entry, fields[b"b"], outcomes))
        await settle(keys=["hand"], args=["g", *outcomes])
        done += len(entries)
    taken = time.perf_counter() - began
    await client.aclose()
    return jobs / taken
