"""Looking again and again, as `--follow` does: through outages of the broker, until somebody interrupts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from stem_core.cli.output import write_note
from stem_core.client.cluster import ClusterClient
from stem_core.errors import BrokerUnavailableError

REFRESH_SECONDS: Final = 1.0


class Outage:
    """A broker that is away while somebody watches: said once when it goes, and once when it is back.

    `lasts` tells whether it is away now.
    """

    def __init__(self) -> None:
        self.lasts = False

    @contextmanager
    def borne(self) -> Iterator[None]:
        """Let what is done inside fail because the broker is away."""
        try:
            yield
        except BrokerUnavailableError as error:
            if not self.lasts:
                write_note(f"stem: {error.message.rstrip('.')}: trying again")
            self.lasts = True
        else:
            if self.lasts:
                write_note("stem: the broker answers again")
            self.lasts = False


def repeated(
    show: Callable[[ClusterClient], Awaitable[None]], *, follow: bool
) -> Callable[[ClusterClient], Awaitable[None]]:
    """Return what shows something once, or with `follow` each second. A broker that is away at first is an error."""

    async def run(cluster: ClusterClient) -> None:
        await show(cluster)
        outage = Outage()
        while follow:
            await asyncio.sleep(REFRESH_SECONDS)
            with outage.borne():
                await show(cluster)
            heed_interrupt()

    return run


def heed_interrupt() -> None:
    """End if an interrupt was asked for and lost.

    asyncio.wait_for, through which the driver sends, loses a cancellation that comes with its result (before 3.12).
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
