"""What a job costs a Redis server, which all workers share: counted, so that it is the same on any machine."""

from __future__ import annotations

import pytest
import redis

from stem_core.stores.redis import RedisStreamsBroker
from stem_core.testing.contract.harness import publish, settle, take
from tests.servers import RedisServer

pytestmark = pytest.mark.redis


async def test_only_what_is_kept_of_a_job_is_asked_for_per_job(private_redis: RedisServer, namespace: str) -> None:
    with redis.Redis.from_url(private_redis.url) as client:
        async with await RedisStreamsBroker.connect(private_redis.url, namespace) as broker:
            client.config_resetstat()
            await publish(broker, 100)
            await settle(broker, await take(broker))
            used = client.info("commandstats")
    per_job = {name: told["calls"] / 100 for name, told in used.items() if told["calls"] >= 50}
    # Is the id new, the entry, where it is; then what became of it. All else is asked once for a batch.
    assert per_job == {
        "cmdstat_exists": pytest.approx(1, abs=0.1),
        "cmdstat_xadd": 1,
        "cmdstat_set": pytest.approx(2, abs=0.1),
    }
