"""The owner of background tasks.

Every asyncio task in Stem is started here, so that each has an owner who awaits it, and none dies unseen.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Final

_INSIST: Final = 0.5


def spawn(
    coroutine: Coroutine[object, object, object], name: str, context: contextvars.Context | None = None
) -> asyncio.Task[object]:
    """Start a task whose owner keeps the reference and awaits it; with these context variables, or a copy of ours."""
    return asyncio.create_task(coroutine, name=name, context=context)


async def cancel(*tasks: asyncio.Task[object] | None) -> None:
    """Cancel tasks and wait until they have ended. Their errors are raised, their cancellation is not.

    None is allowed, for a task that was never started.
    """
    living = [task for task in tasks if task is not None]
    ending = {task for task in living if not task.done()}
    while ending:
        for task in ending:
            task.cancel()
        # Libraries now and then swallow a cancellation that meets the end of what they wait for, so it is repeated.
        _, ending = await asyncio.wait(ending, timeout=_INSIST)
    for outcome in await asyncio.gather(*living, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


class Backoff:
    """Delays between tries to reach something: 50 ms, doubling up to `most`, so that a restart is noticed in time."""

    def __init__(self, least: float = 0.05, most: float = 1.0) -> None:
        self._least = least
        self._most = most
        self._next = least

    def next(self) -> float:
        """Return the seconds to wait before the next try."""
        delay, self._next = self._next, min(self._next * 2, self._most)
        return delay

    def reset(self) -> None:
        """Start over after a success."""
        self._next = self._least


async def supervise(
    run: Callable[[], Coroutine[object, object, None]],
    on_error: Callable[[Exception, float], None],
    sleep: Callable[[float], Coroutine[object, object, None]],
) -> None:
    """Run a loop again each time it fails, backing off, until it returns or is cancelled.

    Args:
        run: The loop. A new call after each failure.
        on_error: Called with the error and the seconds until the next try.
        sleep: How to wait.
    """
    backoff = Backoff()
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - a supervised loop must survive whatever it meets
            if loop.time() - began > 5.0:
                backoff.reset()
            delay = backoff.next()
            on_error(error, delay)
            await sleep(delay)
        else:
            return
