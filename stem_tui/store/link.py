"""How the console stands with its broker."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class LinkState(StrEnum):
    """Whether the broker answers."""

    CONNECTING = "connecting"
    LIVE = "live"
    DOWN = "down"


@dataclass(slots=True)
class Link:
    """The connection to the broker. Times are the console's monotonic clock.

    Attributes:
        state: Whether it answers.
        since: When that began.
        tries: How often a connection was tried since then.
        next_try: When the next try is due.
        reason: Why it is down or not there yet.
        rtt: The last round trip in seconds, None if not known.
        data_at: When something was last read, None if never.
        back_at: When the last outage ended, None if there was none.
        gap: How long the last outage took in seconds.
        missed: Events that were missed by then, from the sources' own numbering.
    """

    state: LinkState = LinkState.CONNECTING
    since: float = 0.0
    tries: int = 0
    next_try: float | None = None
    reason: str = ""
    rtt: float | None = None
    data_at: float | None = None
    back_at: float | None = None
    gap: float = 0.0
    missed: int = 0

    @property
    def is_live(self) -> bool:
        """Whether the broker answers."""
        return self.state is LinkState.LIVE
