"""An app with middleware, for child processes: `tests.worker.wrapped_app:stem`."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from stem_core import Stem, TaskContext
from stem_core.errors import SoftTimeLimitExceeded
from stem_core.middleware import Middleware

APP = "tests.worker.wrapped_app:stem"
seen: ContextVar[str] = ContextVar("seen", default="nothing")


class Noting(Middleware):
    """Adds where it ran to the result, and turns a ValueError into a result."""

    async def on_execute(self, context: TaskContext, call_next: Callable[[TaskContext], Awaitable[object]]) -> object:
        seen.set(context.name)
        try:
            result = await call_next(context)
        except ValueError as error:
            return f"caught {error}"
        return [os.getpid(), result]


stem = Stem.from_environment()
stem.middleware.append(Noting())


@stem.task("blocking", execution="process")
def blocking() -> list[object]:
    async def inner() -> str:
        return "a loop of its own"

    return [seen.get(), threading.current_thread() is threading.main_thread(), asyncio.run(inner())]


@stem.task("awaiting", execution="process")
async def awaiting() -> str:
    await asyncio.sleep(0)
    return seen.get()


@stem.task("raising", execution="process")
def raising() -> None:
    raise ValueError("it")


@stem.task("softly", execution="process", soft_time_limit=0.1)
def softly() -> str:
    try:
        time.sleep(10)
    except SoftTimeLimitExceeded:
        return "told"
    return "not told"
