"""The store in memory, held to the contract on a clock that tests move."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stem_core.stores.memory import InMemoryBroker
from stem_core.stores.port import Broker
from stem_core.testing.contract.harness import LEASE, ShiftedClock, Store


class MemoryStore:
    """Another process cannot see it; another way in is the same broker."""

    def __init__(self) -> None:
        self.clock = ShiftedClock()
        self.broker: Broker = InMemoryBroker(clock=self.clock, lease=LEASE)

    async def another(self) -> Broker:
        return self.broker

    async def pass_time(self, seconds: float) -> None:
        self.clock.shift += seconds


@asynccontextmanager
async def memory_store(_request: pytest.FixtureRequest, _namespace: str) -> AsyncIterator[Store]:
    """An empty store."""
    yield MemoryStore()
