"""Run all measurements on one server of their own and print one table."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from contextlib import ExitStack
from pathlib import Path


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000, help="jobs per throughput run (20000)")
    parser.add_argument("--runs", type=int, default=3, help="runs, of which the best counts (3)")
    options = parser.parse_args()

    from tests.servers import RedisServer  # noqa: PLC0415 - after the arguments are known to be good

    with tempfile.TemporaryDirectory() as folder, ExitStack() as cleanup:
        server = RedisServer(Path(folder)).start()
        cleanup.callback(server.kill)
        os.environ["STEM_BROKER_URL"] = server.url
        from benchmarks import enqueue, latency, startup, throughput  # noqa: PLC0415 - they read the environment

        print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores\n")
        for rows in (
            throughput.measure(server.url, options.jobs, options.runs),
            enqueue.measure(server.url, options.jobs, options.runs),
            latency.measure(server.url, 500),
            startup.measure(server.url, options.runs),
        ):
            for name, figure in rows:
                print(f"  {name:<38} {figure:>22}", flush=True)
            print()


if __name__ == "__main__":
    main()
