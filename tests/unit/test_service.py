from __future__ import annotations

import asyncio

import pytest

from stem_core.service import Backoff, cancel, spawn, supervise


def test_backoff_doubles_up_to_a_second_and_starts_over() -> None:
    backoff = Backoff()
    assert [backoff.next() for _ in range(6)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0]
    backoff.reset()
    assert backoff.next() == 0.05


async def test_a_failing_loop_runs_again_until_it_returns() -> None:
    tries: list[int] = []
    delays: list[float] = []

    async def loop() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("again")

    async def no_sleep(_seconds: float) -> None: ...

    await supervise(loop, lambda _error, delay: delays.append(delay), no_sleep)
    assert (len(tries), delays) == (3, [0.05, 0.1])


async def test_cancelling_waits_for_the_end_and_none_is_fine() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append("yes")

    task = spawn(work(), "work")
    await asyncio.sleep(0)
    await cancel(task, None)
    assert ended == ["yes"]


async def test_an_error_met_while_ending_is_raised() -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(30)
        finally:
            raise ValueError("late")

    task = spawn(work(), "work")
    await asyncio.sleep(0)
    with pytest.raises(ValueError, match="late"):
        await cancel(task)


async def test_a_swallowed_cancellation_is_repeated() -> None:
    swallowed: list[str] = []

    async def work() -> None:
        while True:
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed.append("once")

    task = spawn(work(), "work")
    await asyncio.sleep(0)
    await asyncio.wait_for(cancel(task), 5)
    assert swallowed == ["once"]
