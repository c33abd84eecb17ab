"""`stem health`: whether the stores answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import write_json, write_line, write_note
from stem_core.client.cluster import ClusterClient
from stem_core.clock import SYSTEM_CLOCK
from stem_core.signing import PayloadSigner


@click.command(epilog="Example: stem health --json")
@cluster_options
def health(invocation: Invocation) -> None:
    """Check that the broker and the result backend answer."""
    signer = PayloadSigner.from_config(invocation.config())
    checked, warnings = invocation.run(_check)
    for warning in warnings:
        write_note(f"stem: warning: {warning}")
    document = {**checked, "signing": _signing(signer)}
    if invocation.as_json:
        write_json(document)
        return
    for name in ("broker", "backend"):
        write_line(f"{name:<8} ok  {document[name]['latency_ms']:.1f}ms  {document[name]['location']}")
    write_line(f"{'workers':<8} {document['workers']} alive in namespace {document['namespace']!r}")
    if document["signing"] is not None:
        active = document["signing"]["active_key"] or "none, this process only verifies"
        write_line(f"{'signing':<8} on  active key {active}; refused by workers: {document['refused']}")


def _signing(signer: PayloadSigner | None) -> dict[str, Any] | None:
    return None if signer is None else {"algorithm": signer.algorithm, "active_key": signer.active_key}


async def _check(cluster: ClusterClient) -> tuple[dict[str, Any], Sequence[str]]:
    broker = await cluster.ping()
    began = SYSTEM_CLOCK.monotonic()
    await cluster.backend.get(["stem-health-check"])
    backend = SYSTEM_CLOCK.monotonic() - began
    workers = await cluster.workers()
    document = {
        "status": "ok",
        "namespace": cluster.namespace,
        "broker": {"location": cluster.location, "latency_ms": round(broker * 1000, 2)},
        "backend": {"location": cluster.backend.location, "latency_ms": round(backend * 1000, 2)},
        "workers": sum(seen.alive for seen in workers),
        "refused": sum(seen.snapshot.refused for seen in workers),
    }
    return document, cluster.warnings
