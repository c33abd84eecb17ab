"""What a worker listens to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stem_core.envelope import check_name
from stem_core.errors import ConfigurationError


def broadcast_topic(channel: str) -> str:
    """Return the topic that carries a broadcast channel."""
    return f"broadcast.{channel}"


@dataclass(frozen=True, init=False)
class RoutingSubscription:
    """The queues and broadcast channels of a worker; at least one.

    Args:
        queues: Queue names. Blanks around them and repetitions are dropped.
        broadcast_channels: Names of channels whose every message this worker gets, from its start on.

    Raises:
        ConfigurationError: Nothing is named, or a name is not usable.
    """

    queues: tuple[str, ...]
    broadcast_channels: tuple[str, ...]

    def __init__(self, queues: Iterable[str] = (), broadcast_channels: Iterable[str] = ()) -> None:
        object.__setattr__(self, "queues", _names("queue", queues))
        object.__setattr__(self, "broadcast_channels", _names("broadcast channel", broadcast_channels))
        if not self.queues and not self.broadcast_channels:
            raise ConfigurationError("the subscription is empty", "name at least one queue or broadcast channel")


def _names(kind: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ConfigurationError(f"the {kind} names are the text {names!r}", "give a list of names")
    return tuple(dict.fromkeys(check_name(kind, name.strip()) for name in names))
