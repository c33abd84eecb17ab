"""A scheduler in a process of its own: `python -m tests.schedule.process URL RESULTS NAMESPACE ENTRIES`.

RESULTS is the URL of the result backend. It serves that many entries, all with a tick each 200 ms and else as anybody
would write them: the default policy for missed ticks must leave none out while schedulers come and go.
"""

from __future__ import annotations

import asyncio
import sys

from stem_core import Scheduler, Stem, StemConfig


async def main(url: str, results: str, namespace: str, entries: str) -> None:
    config = StemConfig.from_environment({}, broker_url=url, result_backend_url=results, namespace=namespace)
    stem = Stem(config=config)
    for number in range(int(entries)):
        stem.schedule(f"e{number}", task="tick", every=0.2, args={"entry": number})
    await Scheduler(stem).run()
    await stem.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
