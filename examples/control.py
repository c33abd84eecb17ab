"""Commanding workers from a program; `stem worker …` and the console use the same client.

python -m examples.control
"""

from __future__ import annotations

import asyncio

from stem_core import ControlClient, InMemoryBroker, ShutdownMode, Stem, TaskContext, Worker

broker = InMemoryBroker()
stem = Stem(broker=broker)


@stem.task("video.encode")
async def encode(context: TaskContext, path: str) -> None:
    print(f"encoding {path}")
    for step in range(1000):
        context.progress(step / 1000)  # a revoked task ends here
        await asyncio.sleep(0.01)


async def main() -> None:
    worker = Worker(broker=broker, registry=stem.registry, queue="default", consumer_name="encoder", concurrency=1)
    await worker.start()
    control = ControlClient(broker, issuer="ann@bastion")

    running = await encode.enqueue(path="film.mkv")
    for answer in (await control.ping()).replies:
        print(f"{answer.reply.worker}: {answer.reply.status}")
    await control.scale(2)

    await control.pause(["default"], reason="disk full")
    waiting = await encode.enqueue(path="trailer.mkv")
    await control.revoke([running, waiting], terminate=True, reason="wrong film")
    for task_id in (running, waiting):
        status = await stem.wait_for(task_id, timeout=5)
        print(f"{status.state}: {status.reason}")
    await control.resume(["default"])

    await control.shutdown(ShutdownMode.WARM)
    await worker.shutdown()


if __name__ == "__main__":
    asyncio.run(main())
