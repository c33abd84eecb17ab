"""Which cluster is shown, and what may be done to it."""

from __future__ import annotations

from dataclasses import dataclass


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
    """

    name: str = ""
    prod: bool = False
    namespace: str = "stem"
    location: str = ""
    read_only: bool = False
    demo: bool = False
