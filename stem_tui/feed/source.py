"""Where the console's data comes from."""

from __future__ import annotations

from typing import Protocol

from stem_core.client import ClusterClient
from stem_core.config import StemConfig
from stem_core.urls import redact_url


class Source(Protocol):
    """A cluster that the console can connect to, again and again."""

    @property
    def location(self) -> str:
        """Where it lies, without credentials."""

    @property
    def refuses_local_workers(self) -> str:
        """Why no worker process can be started for it; empty if one can."""

    async def connect(self) -> ClusterClient:
        """Connect; raises StemError if that is not possible now."""

    async def close(self) -> None:
        """Give up what it holds."""


class LiveSource:
    """The cluster that the settings name.

    Args:
        config: Settings.
        issuer: Who is named in commands.
    """

    def __init__(self, config: StemConfig, issuer: str = "") -> None:
        self._config = config
        self._issuer = issuer
        self.location = redact_url(config.broker_url or "")

    @property
    def refuses_local_workers(self) -> str:
        """A memory broker lives in this process only."""
        return "a memory:// broker cannot be reached by another process" if "memory://" in self.location else ""

    async def connect(self) -> ClusterClient:
        """Connect to broker and result backend."""
        return await ClusterClient.connect(self._config, issuer=self._issuer or None)

    async def close(self) -> None:
        """Hold nothing."""
