"""Names of keys. All keys of a queue share a hash tag, and so a slot of a Redis Cluster."""

from __future__ import annotations


def location(server: str, namespace: str) -> str:
    """Return where a store lies; broker and result backend are one store if they have this in common."""
    return f"{server} namespace {namespace}"


def queue_prefix(namespace: str, queue: str) -> str:
    """Return what every key of the queue begins with."""
    return f"{{stem:{namespace}:{queue}}}:"


def bell(namespace: str, queue: str) -> str:
    """Return the list that wakes a waiting fetch."""
    return f"{queue_prefix(namespace, queue)}bell"


def queue_names(namespace: str) -> str:
    """Return the set of all queues that were ever used."""
    return f"{{stem:{namespace}}}:queues"


def lease(namespace: str) -> str:
    """Return the namespace's lease, in seconds."""
    return f"{{stem:{namespace}}}:lease"


def topic(namespace: str, name: str) -> str:
    """Return a topic's stream."""
    return f"{{stem:{namespace}}}:topic:{name}"


def presences(namespace: str) -> tuple[str, str, str]:
    """Return the hash of snapshots, and the sorted sets of when each was last seen and when it expires."""
    base = f"{{stem:{namespace}}}:workers"
    return base, f"{base}:seen", f"{base}:expire"


def lock(namespace: str, name: str) -> str:
    """Return a lock."""
    return f"{{stem:{namespace}:lock:{name}}}"


def bucket(namespace: str, name: str) -> str:
    """Return a token bucket."""
    return f"{{stem:{namespace}:bucket:{name}}}"


def group(namespace: str, name: str) -> str:
    """Return the hash of a group's results."""
    return f"{{stem:{namespace}:group:{name}}}"


def documents(namespace: str, kind: str) -> str:
    """Return the hash of all documents of a kind."""
    return f"{{stem:{namespace}}}:documents:{kind}"
