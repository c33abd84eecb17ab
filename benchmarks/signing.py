"""Throughput without signatures, with HMAC and with Ed25519."""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path
from typing import Final

from benchmarks import enqueue, throughput
from benchmarks.stores import Store

_KEY: Final = f"k1:{b64encode(bytes(32)).decode()}"
_WAYS: Final = {
    "not signed": {},
    "HMAC-SHA256": {"STEM_SIGNING_KEYS": _KEY},
    "Ed25519": {"STEM_SIGNING_PRIVATE_KEYS": _KEY},
}


def rows(store: Store, folder: Path, jobs: int, runs: int) -> list[list[str]]:
    """Return the best of some runs of each way, taken in turns."""
    best: dict[str, tuple[float, float, float]] = {}
    for _ in range(runs):
        for name, variables in _WAYS.items():
            os.environ.update(variables)
            try:
                rate, cpu = throughput.rate(store.place(), folder, jobs)
                sent = enqueue.rates(store.place(), jobs)[2]
            finally:
                for variable in variables:
                    del os.environ[variable]
            before = best.get(name, (0.0, cpu, 0.0))
            best[name] = (max(rate, before[0]), min(cpu, before[1]), max(sent, before[2]))
    return [[name, f"{rate:,.0f}", f"{cpu:.0f}", f"{sent:,.0f}"] for name, (rate, cpu, sent) in best.items()]
