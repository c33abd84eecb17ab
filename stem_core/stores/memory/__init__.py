"""The store that lives in the process's own memory."""

from __future__ import annotations

from stem_core.stores.memory.backend import InMemoryResultBackend
from stem_core.stores.memory.broker import InMemoryBroker

__all__ = ["InMemoryBroker", "InMemoryResultBackend"]
