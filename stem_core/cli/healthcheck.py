"""`stem worker healthcheck`: a probe for containers and supervisors."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from stem_core.cli.exit_codes import FAILURE, OK
from stem_core.cli.names import NODE, WORKER
from stem_core.cli.options import Invocation, cluster_options
from stem_core.cli.output import write_error, write_json, write_table
from stem_core.cli.values import PERIOD
from stem_core.client.cluster import ClusterClient
from stem_core.client.liveness import UNREADABLE, SeenWorker
from stem_core.durations import format_duration
from stem_core.errors import StemError, UsageError


class Probed(NamedTuple):
    """A worker that was looked at, and what is wrong with it."""

    seen: SeenWorker
    problems: list[str]


@click.command(epilog="Example: stem worker healthcheck --node n1 --max-age 20s --quiet")
@click.option("--quiet", is_flag=True, help="Print no findings; the exit code tells.")
@click.option("--max-age", type=PERIOD, default=30.0, metavar="30s", help="How old a heartbeat may be (30s).")
@click.option(
    "--worker", "names", type=WORKER, multiple=True, metavar="ID", help="The worker of this id; may be repeated."
)
@click.option("--node", type=NODE, metavar="NODE", help="The workers of this node of stem worker multi.")
@click.option("--pidfile", metavar="PATH", help="The workers of the process in this file.")
@cluster_options
def healthcheck(invocation: Invocation, max_age: float, quiet: bool, **choice: Any) -> int:
    """Check that workers live.

    The process runs, its heartbeat in the broker is fresh, its leases are renewed. Without --pidfile, --node or
    --worker, those of this host are meant, which in a container are its own. The exit code is 0 if all is well, else
    70.
    """
    pids = _pids(choice["pidfile"], choice["node"])
    names = choice["names"]

    async def look(cluster: ClusterClient) -> tuple[list[SeenWorker], float]:
        return await cluster.workers(), await cluster.broker.lease()

    found, lease = invocation.run(look)
    chosen = [seen for seen in found if _is_meant(seen, names, pids)]
    probed = [Probed(seen, problems(seen, max_age, lease)) for seen in chosen]
    missing = sorted(set(names) - {seen.snapshot.worker for seen in chosen})
    says = [f"{each.seen.snapshot.worker} {problem}" for each in probed for problem in each.problems]
    says += [f"{name} is not known to the broker" for name in missing]
    if not chosen and not names:
        whom = "of that process" if pids is not None else "of this host"
        says.append(f"the broker knows no worker {whom}")
    if not quiet:
        _show(invocation, probed, says)
    return FAILURE if says else OK


def problems(seen: SeenWorker, max_age: float, lease: float) -> list[str]:
    """Return what is wrong with a worker; nothing if it is well.

    Args:
        seen: As it last showed itself.
        max_age: Seconds that its heartbeat may be old.
        lease: The namespace's lease in seconds; whoever has not renewed for that long has lost its jobs.
    """
    snapshot, found = seen.snapshot, []
    if snapshot.state == UNREADABLE:
        return ["speaks another version's language"]
    if seen.age > max_age:
        found.append(f"is silent: its last heartbeat is {format_duration(seen.age)} old")
    if snapshot.lease_age is not None and snapshot.lease_age > lease:
        found.append(f"has not renewed its leases for {format_duration(snapshot.lease_age)}")
    return found


def _pids(path: str | None, node: str | None) -> set[int] | None:
    if path is None and node is None:
        return None
    if path is not None and node is not None:
        raise UsageError("--pidfile and --node exclude each other", "give one of them")
    from stem_core.cli.multi import pidfile  # noqa: PLC0415 - only who has a pid file needs psutil
    from stem_core.cli.multi.node import nodes_of  # noqa: PLC0415 - as above

    file = Path(path) if path is not None else nodes_of([str(node)], None, None)[0].pidfile
    recorded = pidfile.read(file)
    process = pidfile.living(file, recorded)
    if process is None:
        says = "there is no pid file" if recorded is None else f"process {recorded.pid} does not run any more"
        raise StemError(f"the worker is down: {says} ({file})", "start it, or name another one")
    return {process.pid, *(child.pid for child in process.children(recursive=True))}


def _is_meant(seen: SeenWorker, names: Sequence[str], pids: set[int] | None) -> bool:
    snapshot = seen.snapshot
    if names and snapshot.worker not in names:
        return False
    here = snapshot.host == socket.gethostname()
    if pids is not None:
        return here and snapshot.pid in pids
    # One that was killed here is still known for a while, and must not make its successor look ill.
    return bool(names) or (here and _runs(snapshot.pid))


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _show(invocation: Invocation, probed: Sequence[Probed], says: Sequence[str]) -> None:
    documents = [
        {
            "worker": each.seen.snapshot.worker,
            "pid": each.seen.snapshot.pid,
            "state": each.seen.snapshot.state,
            "age_s": round(each.seen.age, 3),
            "lease_age_s": each.seen.snapshot.lease_age,
            "problems": each.problems,
        }
        for each in probed
    ]
    if says:
        extra = {"status": "failed", "workers": documents}
        write_error("; ".join(says), None, as_json=invocation.as_json, extra=extra)
    elif invocation.as_json:
        write_json({"status": "ok", "workers": documents})
    if not invocation.as_json and probed:
        rows = [
            (
                each.seen.snapshot.worker,
                each.seen.snapshot.state,
                format_duration(each.seen.age),
                "; ".join(each.problems) or "ok",
            )
            for each in probed
        ]
        write_table(["WORKER", "STATE", "HEARTBEAT", "HEALTH"], rows, "")
