"""Run all measurements, on stores of their own, and print tables."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks.stores import STORES, Store, valkey


def compare_stores(stores: Sequence[Store], folder: Path, options: argparse.Namespace) -> None:
    """Throughput, latency and cost per job of each store, in one table."""
    from benchmarks import enqueue, latency, throughput  # noqa: PLC0415 - after the arguments are known to be good
    from benchmarks.processes import percentile  # noqa: PLC0415

    rows = []
    for store in stores:
        best = max(throughput.rate(store.place(), folder, options.jobs) for _ in range(options.runs))
        sent = [enqueue.rates(store.place(), options.jobs) for _ in range(options.runs)]
        waits = latency.waits(store.place(), folder, 200)
        one, fifty, batch = (max(column) for column in zip(*sent, strict=True))
        rows.append(
            [
                store.name, f"{best[0]:,.0f}", f"{best[1]:.0f}", f"{one:,.0f}", f"{fifty:,.0f}", f"{batch:,.0f}",
                *(f"{percentile(waits, share):.1f}" for share in (0.5, 0.95, 0.99)),
            ]
        )  # fmt: skip
    heads = ["store", "jobs/s", "µs CPU/job", "enqueue/s: one", "50 at once", "batches", "wait p50 ms", "p95", "p99"]
    print_table(
        "one worker process, no-ops, results, fence and events on; enqueue; enqueue to start, idle", heads, rows
    )


def compare_with_hand(stores: Sequence[Store], folder: Path, options: argparse.Namespace) -> None:
    """Stem and a hand-written loop, in turns on the same server."""
    from benchmarks import hand_loop, throughput  # noqa: PLC0415 - after the arguments are known to be good

    for store in (store for store in stores if store.name == "valkey"):
        hand, ours = [], []
        for _ in range(options.runs):
            hand.append(asyncio.run(hand_loop.rate(store.url, options.jobs)))
            ours.append(throughput.rate(store.place(), folder, options.jobs)[0])
        rows = [["hand-written loop", f"{max(hand):,.0f}", "1.00"]]
        rows.append(["stem", f"{max(ours):,.0f}", f"{max(ours) / max(hand):.2f}"])
        print_table("against a loop that only fetches, runs and stores", ["valkey", "jobs/s", "ratio"], rows)


def signed(stores: Sequence[Store], folder: Path, options: argparse.Namespace) -> None:
    """What signatures cost, in turns on the same server."""
    from benchmarks import signing  # noqa: PLC0415 - after the arguments are known to be good

    for store in stores:
        print_table(
            f"what signatures cost on {store.name}", ["", "jobs/s", "µs CPU/job", "enqueue/s in batches"],
            signing.rows(store, folder, options.jobs, options.runs),
        )  # fmt: skip


def prefetching(stores: Sequence[Store], folder: Path, options: argparse.Namespace) -> None:
    """What the prefetch multiplier does to short tasks and to uneven ones."""
    from benchmarks import prefetch  # noqa: PLC0415 - after the arguments are known to be good

    for store in (store for store in stores if store.name == "valkey"):
        print_table(
            "prefetch: 10 slots, no-ops; two workers, uneven tasks, beside an even share",
            ["multiplier", "jobs/s", "took"], prefetch.rows(store, folder, options.jobs),
        )  # fmt: skip


def start_up(stores: Sequence[Store], _folder: Path, options: argparse.Namespace) -> None:
    """How long people wait for a command and for the console."""
    from benchmarks import startup  # noqa: PLC0415 - after the arguments are known to be good

    for store in (store for store in stores if not store.place().is_in_process):
        print_table(f"start-up on {store.name}", ["what", "time"], startup.measure(store.place(), options.runs))


def watching(stores: Sequence[Store], folder: Path, options: argparse.Namespace) -> None:
    """What the console costs, and how fast it answers while a large cluster talks."""
    from benchmarks import console  # noqa: PLC0415 - after the arguments are known to be good

    for store in (store for store in stores if not store.place().is_in_process):
        heads = ["", "p50", "p95", "most"]
        print_table(f"the console on {store.name}", heads, console.measure(store.place, folder, options.runs))


def large(stores: Sequence[Store], folder: Path, _options: argparse.Namespace) -> None:
    """Long queues and very many delayed jobs."""
    from benchmarks import backlog, delayed  # noqa: PLC0415 - after the arguments are known to be good
    from benchmarks.processes import percentile  # noqa: PLC0415

    for store in stores:
        short = backlog.measure(store.place(), folder, 10_000, 9_900)
        long = backlog.measure(store.place(), folder, 1_000_000, 30_000)
        late = {skew: delayed.lateness(store.place(), folder, 100_000, skew) for skew in (0.0, 3600.0, -3600.0)}
        rows = [
            ["10,000 ready", f"{short[0]:,.0f} jobs/s", f"observe {short[1]:.2f} s"],
            ["1,000,000 ready", f"{long[0]:,.0f} jobs/s ({long[0] / short[0]:.2f})", f"observe {long[1]:.2f} s"],
        ]
        for skew, ms in late.items():
            what = f"100,000 delayed, worker's clock {skew:+,.0f} s" if skew else "100,000 delayed"
            rows.append([what, f"p99 {percentile(ms, 0.99):.0f} ms late", f"earliest {min(ms):+.1f} ms"])
        print_table(f"much to do on {store.name}", ["", "", ""], rows)


def compare_with_peers(_stores: Sequence[Store], folder: Path, options: argparse.Namespace) -> None:
    """Stem, a hand-written loop and other task systems, in turns on the same server."""
    from benchmarks.peers import tables  # noqa: PLC0415 - after the arguments are known to be good

    with valkey(folder) as store:
        work, wait = tables.measure(store.url, folder, options.runs)
    print_table("other task systems: no-ops, one worker process, results stored", tables.WORK_HEADS, work)
    print_table("other task systems: enqueue; enqueue to start, idle; start-up", tables.WAIT_HEADS, wait)


def recover_with_peers(_stores: Sequence[Store], folder: Path, _options: argparse.Namespace) -> None:
    """What becomes of a killed worker's jobs, each task system as it is by default."""
    from benchmarks.peers import recovery  # noqa: PLC0415 - after the arguments are known to be good

    title = f"kill -9 of a worker at the {recovery.KILLED_AT}th of {recovery.JOBS} jobs, another started at once"
    heads = ["", f"done in {recovery.WITHIN:.0f} s", "the last after", "done twice"]
    print_table(title, heads, recovery.rows(folder))


def print_table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table whose columns are aligned."""
    print(title)
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]
    for first, *rest in [heads, *rows]:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
        print("  " + "   ".join(cells))
    print(flush=True)


TABLES: Final = {
    "stores": compare_stores,
    "hand": compare_with_hand,
    "signed": signed,
    "prefetch": prefetching,
    "startup": start_up,
    "console": watching,
    "large": large,
    "peers": compare_with_peers,
    "recovery": recover_with_peers,
}
_LONG: Final = {"console", "large"}
_PEERS: Final = {"peers", "recovery"}
"""Tables about other task systems: they install them, and start servers of their own."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000, help="jobs per throughput run (20000)")
    parser.add_argument("--runs", type=int, default=3, help="runs, of which the best counts (3)")
    parser.add_argument("--stores", default=",".join(STORES), help="which stores, separated by commas (all)")
    parser.add_argument("--only", choices=list(TABLES), help="one of the tables alone")
    parser.add_argument("--large", action="store_true", help="long queues and the console too: many minutes")
    options = parser.parse_args()
    unless_asked = _PEERS if options.large else _PEERS | _LONG
    wanted = [options.only] if options.only else [each for each in TABLES if each not in unless_asked]
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n", flush=True)
    with tempfile.TemporaryDirectory() as name, ExitStack() as cleanup:
        folder = Path(name)
        names = [] if options.only in _PEERS else options.stores.split(",")
        stores = [cleanup.enter_context(STORES[each](folder)) for each in names]
        for each in wanted:
            TABLES[each](stores, folder, options)


if __name__ == "__main__":
    main()
