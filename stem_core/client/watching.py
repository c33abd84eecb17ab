"""Following a task from where it stands to its end, also when other processes run it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from stem_core.client.lookup import find_task
from stem_core.clock import Clock
from stem_core.results import TaskStatus
from stem_core.stores.port import Broker, ResultBackend

_FIRST_REST: Final = 0.01
_LONGEST_REST: Final = 0.25
_GROWTH: Final = 1.4


async def watch_task(broker: Broker, backend: ResultBackend, task_id: str, clock: Clock) -> AsyncIterator[TaskStatus]:
    """Yield a task's status now and each time that it has changed, the end last.

    What lasts for less than the time between two looks (10 ms at first, a quarter of a second in the long run) may be
    passed over. A task of which nothing is known yet is waited for.
    """
    last: TaskStatus | None = None
    rest = _FIRST_REST
    while last is None or not last.state.is_terminal:
        status = await find_task(broker, backend, task_id)
        if status is not None and status != last:
            last, rest = status, _FIRST_REST
            yield status
        else:
            await clock.sleep(rest)
            rest = min(rest * _GROWTH, _LONGEST_REST)
