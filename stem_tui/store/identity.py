"""Which cluster is shown, and what may be done to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

ARMED_FOR: Final = 900.0
"""Seconds without a command after which a console that was armed is read only again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What the first line of the screen says.

    Args:
        name: Name of the profile, or empty.
        prod: Whether this is production.
        namespace: Namespace watched.
        location: Where the broker lies, without credentials.
        read_only: Whether commands are refused.
        demo: Whether the cluster is the embedded one.
        armable: Whether a read-only console may be armed: its profile says read only, not its command line.
        armed_until: Until when it is, by the console's monotonic clock; None if it is not armed.
    """

    name: str = ""
    prod: bool = False
    namespace: str = "stem"
    location: str = ""
    read_only: bool = False
    demo: bool = False
    armable: bool = False
    armed_until: float | None = None

    @property
    def title(self) -> str:
        """What is typed to name the cluster: its profile, or else its namespace."""
        return self.name or self.namespace

    def armed(self, now: float) -> Identity:
        """Return it with changes allowed for a while."""
        return replace(self, read_only=False, armed_until=now + ARMED_FOR)

    def disarmed(self) -> Identity:
        """Return it read only again, if it was armed."""
        return self if self.armed_until is None else replace(self, read_only=True, armed_until=None)

    def used(self, now: float) -> Identity:
        """Return it after a command: an armed console stays so for another while."""
        return self if self.armed_until is None else self.armed(now)
