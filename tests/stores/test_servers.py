"""The servers that other tests stand on."""

from __future__ import annotations

import redis

from tests.servers import RedisServer


def test_what_was_written_outlives_a_kill_and_a_restart(private_redis: RedisServer) -> None:
    with redis.Redis.from_url(private_redis.url) as client:
        client.set("a", "1")
        port = private_redis.port
        private_redis.restart()
        assert client.get("a") == b"1"
        assert private_redis.port == port
