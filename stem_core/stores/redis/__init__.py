"""The store on Redis Streams: Redis 7.0 or later, or Valkey."""

from __future__ import annotations

from stem_core.stores.redis.backend import RedisResultBackend
from stem_core.stores.redis.broker import RedisStreamsBroker

__all__ = ["RedisResultBackend", "RedisStreamsBroker"]
