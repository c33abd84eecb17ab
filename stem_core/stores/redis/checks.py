"""What a server must be before Stem trusts it with work, and what an operator should know of it.

Servers that others manage keep some of these facts to themselves; what is not told counts as good.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stem_core.errors import ConfigurationError

_OLDEST: Final = (7, 0)


def facts_of(info: object) -> dict[str, str]:
    """Return the answer to INFO as names and values."""
    text = info.decode(errors="replace") if isinstance(info, bytes) else str(info)
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def check_facts(location: str, facts: Mapping[str, str], *, clustered: bool = False) -> None:
    """Refuse a server that is too old, or is not what the URL says.

    Args:
        location: Its address, without credentials.
        facts: What it says of itself.
        clustered: Whether the URL is that of a cluster.

    Raises:
        ConfigurationError: It is not fit.
    """
    version = facts.get("redis_version", "0")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _OLDEST:
        raise ConfigurationError(
            f"{location} runs Redis {version}", "use Redis 7.0 or later, or Valkey: scripts need their flags"
        )
    if "sentinel" in (facts.get("redis_mode"), facts.get("server_mode")):
        raise ConfigurationError(f"{location} is a sentinel", "use redis+sentinel://host:port/service")
    if facts.get("cluster_enabled") == "1" and not clustered:
        raise ConfigurationError(f"{location} is a server of a cluster", "use redis+cluster://host:port")


def check_eviction(location: str, facts: Mapping[str, str]) -> None:
    """Refuse a server that throws keys away when memory is short.

    Raises:
        ConfigurationError: It does.
    """
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and facts.get("maxmemory", "0") != "0":
        raise ConfigurationError(
            f"{location} has maxmemory-policy {policy}, which throws queued jobs away when memory is short",
            "set it to noeviction: then publishing is refused, and queues drain; or add ?eviction=allow to the URL",
        )


def persistence_warning(location: str, facts: Mapping[str, str], save: object) -> str | None:
    """Return the sentence for a server that keeps nothing on disk; None if it does, or does not say.

    Args:
        location: Its address, without credentials.
        facts: What it says of itself.
        save: Its answer to CONFIG GET save; None if it gives none.
    """
    if facts.get("aof_enabled") != "0" or not isinstance(save, list) or len(save) != 2 or save[1]:
        return None
    return f"{location} keeps nothing on disk: a restart loses all jobs and results (set appendonly yes)"
