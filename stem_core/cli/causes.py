"""`stem dlq causes`: what killed the dead letters, and how many of them each time."""

from __future__ import annotations

from typing import Any

import click

from stem_core.cli.dlq import choosing
from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import short_moment, write_json, write_table
from stem_core.client.causes import Tally, tallied
from stem_core.client.cluster import ClusterClient
from stem_core.client.dead_letters import LetterFilter


@click.command(epilog="Example: stem dlq causes --queue mail --since 1h")
@choosing
@cluster_options
def causes(invocation: Invocation, wanted: LetterFilter) -> None:
    """Count dead letters by task, reason and error, most first.

    Ids, numbers and addresses in errors are left out, so that what failed alike is counted together. With --json prints
    a list of `{"count", "name", "reason", "error", "first_at", "last_at", "last_id"}`.
    """

    async def count(cluster: ClusterClient) -> list[Tally]:
        return await tallied(cluster.dead_letters.matching(wanted))

    found = invocation.run(count)
    if invocation.as_json:
        write_json([_document(cause) for cause in found])
        return
    rows = [
        (cause.count, cause.task, cause.reason, short_moment(cause.last_at), cause.last_id, cause.error)
        for cause in found
    ]
    write_table(["COUNT", "TASK", "REASON", "NEWEST", "ITS ID", "ERROR"], rows, "no dead letters")


def _document(cause: Tally) -> dict[str, Any]:
    return {
        "count": cause.count,
        "name": cause.task,
        "reason": cause.reason,
        "error": cause.error,
        "first_at": cause.first_at,
        "last_at": cause.last_at,
        "last_id": cause.last_id,
    }
