"""Commanding workers from a program; `stem worker …` and the console use the same client.

python -m examples.control
"""

from __future__ import annotations

import asyncio

from stem_core import ControlClient, ShutdownMode, Stem, TaskContext, Worker

stem = Stem.from_environment()


@stem.task("video.encode", queue="videos")
async def encode(context: TaskContext, path: str) -> None:
    print(f"encoding {path}")
    for step in range(1000):
        context.progress(step / 1000)  # a revoked task ends here
        await asyncio.sleep(0.01)


async def main() -> None:
    async with stem:
        broker, backend = await stem.connect()
        worker = Worker(
            broker=broker,
            registry=stem.registry,
            backend=backend,
            queue="videos",
            consumer_name="encoder",
            concurrency=1,
        )
        await worker.start()
        control = ControlClient(broker, issuer="ann@bastion")
        ours = ["encoder"]  # without targets, a command is for all workers

        running = await encode.enqueue(path="film.mkv")
        for answer in (await control.ping(targets=ours)).replies:
            print(f"{answer.reply.worker}: {answer.reply.status}")
        await control.scale(2, targets=ours)

        await control.pause(["videos"], reason="disk full")
        waiting = await encode.enqueue(path="trailer.mkv")
        await control.revoke([running, waiting], terminate=True, reason="wrong film")
        await control.resume(["videos"])
        for task_id in (running, waiting):
            status = await stem.wait_for(task_id, timeout=5)
            print(f"{status.state}: {status.reason}")

        await control.shutdown(ShutdownMode.WARM, targets=ours)
        await worker.shutdown()  # returns once the worker has ended


if __name__ == "__main__":
    asyncio.run(main())
