"""Middleware around a blocking handler in a child process.

The handler stays in the main thread, where alarms reach it, and outside any event loop, so that it may run one of its
own. The middleware's loop runs in a thread beside it, and asks for the handler when it is the handler's turn.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable, Coroutine, Sequence
from queue import SimpleQueue
from typing import NamedTuple

from stem_core.middleware import Middleware, around_execute
from stem_core.tasks import TaskContext


class _Turn(NamedTuple):
    """The handler's turn: the context variables to run it with, and who waits for it."""

    variables: contextvars.Context
    loop: asyncio.AbstractEventLoop
    answered: asyncio.Future[tuple[object, BaseException | None]]


def wrapped_call(context: TaskContext, middleware: Sequence[Middleware], handle: Callable[[], object]) -> object:
    """Run a handler in this thread, with middleware in another one around it; what comes out of it is raised.

    Args:
        context: The run.
        middleware: What stands around it, outermost first.
        handle: Runs the handler.
    """
    turns: SimpleQueue[_Turn | None] = SimpleQueue()
    ended: list[tuple[object, BaseException | None]] = []

    async def run(_context: TaskContext) -> object:
        loop = asyncio.get_running_loop()
        turn = _Turn(contextvars.copy_context(), loop, loop.create_future())
        turns.put(turn)
        result, failure = await turn.answered
        if failure is not None:
            raise failure
        return result

    async def around() -> object:
        return await around_execute(middleware, run)(context)

    def serve() -> None:
        try:
            ended.append(asyncio.run(_outcome(around())))
        finally:
            turns.put(None)

    threading.Thread(target=serve, name="stem-middleware", daemon=True).start()
    while (turn := turns.get()) is not None:
        turn.loop.call_soon_threadsafe(turn.answered.set_result, _called(turn.variables, handle))
    result, failure = ended[0]
    if failure is not None:
        raise failure
    return result


def _called(variables: contextvars.Context, handle: Callable[[], object]) -> tuple[object, BaseException | None]:
    try:
        return variables.run(handle), None
    except BaseException as error:  # noqa: BLE001 - whatever the handler raises is for the middleware to see
        return None, error


async def _outcome(coroutine: Coroutine[object, object, object]) -> tuple[object, BaseException | None]:
    # As a value, since asyncio treats some exceptions as meant for itself.
    try:
        return await coroutine, None
    except BaseException as error:  # noqa: BLE001 - see above
        return None, error
