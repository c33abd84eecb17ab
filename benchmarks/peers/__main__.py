"""What runs in a peer's environment: `python -m benchmarks.peers NAME work`, or `… NAME produce FIRST WAY=JOBS …`."""

from __future__ import annotations

import asyncio
import json
import sys
from importlib import import_module

from benchmarks.peers.produce import produce


def main() -> None:
    """Be a worker of that peer, or enqueue and print figures as JSON."""
    name, duty, *rest = sys.argv[1:]
    adapter = import_module(f"benchmarks.peers.adapters.{name}")
    if duty == "work":
        adapter.work()
        return
    first, *ways = rest
    plan = [(way, int(jobs)) for way, _, jobs in (each.partition("=") for each in ways)]
    print(json.dumps(asyncio.run(produce(adapter.producer, int(first), plan))))


if __name__ == "__main__":
    main()
