"""`stem worker status`: what workers last said, without asking them."""

from __future__ import annotations

import click

from stem_core.cli.documents import worker_document
from stem_core.cli.exit_codes import FAILURE, OK
from stem_core.cli.observe import worker_rows
from stem_core.cli.output import write_error, write_json
from stem_core.cli.worker import Aim, worker_options
from stem_core.client.cluster import ClusterClient
from stem_core.client.liveness import SeenWorker


@click.command(epilog="Example: stem worker status --worker mail-1")
@worker_options
def status(aim: Aim) -> int:
    """Show what workers last said, without asking them."""

    async def look(cluster: ClusterClient) -> tuple[list[SeenWorker], str]:
        return await cluster.workers(), cluster.namespace

    found, namespace = aim.run(look)
    chosen = [seen for seen in found if not aim.targets or seen.snapshot.worker in aim.targets]
    alive = {seen.snapshot.worker for seen in found if seen.alive}
    silent = [name for name in aim.targets if name not in alive]
    documents = [worker_document(seen) for seen in chosen]
    if silent:
        hint = f"alive in namespace {namespace!r}: {', '.join(sorted(alive)) or 'no worker'}"
        message = f"worker {', '.join(silent)} is not alive"
        write_error(message, hint, as_json=aim.invocation.as_json, extra={"workers": documents})
    elif aim.invocation.as_json:
        write_json(documents)
    if not aim.invocation.as_json and chosen:
        worker_rows(chosen, namespace)
    elif not aim.invocation.as_json and not silent:
        worker_rows([], namespace)
    return FAILURE if silent else OK
