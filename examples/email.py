"""A task written as a class, served by `stem worker start`.

Three terminals; with nothing set, they find each other in your own SQLite file:

    stem worker start --app examples.email:stem
    stem enqueue email.send --args '{"to": "a@b.c"}' --count 200
    stem-tui
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from stem_core import SimpleTaskRegistry, Stem, TaskContext, TaskHandler, TaskOptions


class EmailTask(TaskHandler[None]):
    name = "email.send"
    options = TaskOptions(queue="default", max_retries=2, visibility_timeout=timedelta(seconds=30))

    async def call(self, context: TaskContext, args: dict[str, object]) -> None:
        await asyncio.sleep(0.05)
        print(f"Sending to {args['to']} (attempt {context.attempt})", flush=True)


registry = SimpleTaskRegistry().register(EmailTask())
stem = Stem.from_environment(registry=registry)
