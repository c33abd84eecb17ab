"""What a server must be before Stem trusts it with work."""

from __future__ import annotations

import re
from typing import Final

from stem_core.errors import ConfigurationError

_OLDEST: Final = (7, 0)


def check_facts(location: str, info: object) -> None:
    """Refuse a server that is too old, or that throws keys away when memory is short.

    Args:
        location: Its address, without credentials.
        info: Its answer to INFO.

    Raises:
        ConfigurationError: It is not fit.
    """
    facts = _facts(info)
    version = facts.get("redis_version", "0")
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < _OLDEST:
        raise ConfigurationError(
            f"{location} runs Redis {version}", "use Redis 7.0 or later, or Valkey: scripts need their flags"
        )
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and facts.get("maxmemory", "0") != "0":
        raise ConfigurationError(
            f"{location} has maxmemory-policy {policy}, which throws queued jobs away when memory is short",
            "set it to noeviction: then publishing is refused, and queues drain",
        )


def _facts(info: object) -> dict[str, str]:
    if isinstance(info, dict):
        return {str(key): str(value) for key, value in info.items()}
    text = info.decode(errors="replace") if isinstance(info, bytes) else str(info)
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
