"""Nothing changes the cluster without passing a gate, and what passes does."""

from __future__ import annotations

import pytest

from stem_core.states import TaskState
from stem_tui.commander import READ_ONLY
from stem_tui.screens.confirm import ConfirmDialog
from tests.tui.stage import live, screen_text, until


async def test_p_then_y_pauses_the_queue_and_p_then_y_resumes_it() -> None:
    async with live() as console:
        await console.press("p")
        assert isinstance(console.app.screen, ConfirmDialog)
        assert not await console.paused("naps")
        await console.press("y")
        await console.sees("effect seen")
        assert await console.paused("naps")
        await console.sees("PAUS")
        await console.press("p", "y")
        await console.sees("✓ resume naps")
        assert not await console.paused("naps")


@pytest.mark.parametrize("keys", [("escape",), ("enter",), ("n",), ("tab", "tab", "tab", "escape")])
async def test_a_fresh_dialog_is_left_without_effect(keys: tuple[str, ...]) -> None:
    async with live() as console:
        await console.press("p", *keys)
        await until(lambda: not isinstance(console.app.screen, ConfirmDialog))
        assert not await console.paused("naps")
        assert len(console.app.session.model.receipts) == 0


async def test_a_key_that_is_held_on_a_button_answers_once() -> None:
    async with live() as console:
        await console.press("p", "right")
        dialog = console.app.screen
        assert isinstance(dialog, ConfirmDialog)
        dialog._confirm.press()
        dialog._confirm.press()
        dialog._cancel.press()
        await console.sees("effect seen")
        assert [receipt.title for receipt in console.app.session.model.receipts] == ["pause"]
        assert len(console.app.screen_stack) == 1


async def test_enter_confirms_once_the_button_was_moved_to() -> None:
    async with live() as console:
        await console.press("p", "right", "enter")
        await console.sees("effect seen")
        assert await console.paused("naps")


async def test_y_typed_into_a_field_is_a_letter() -> None:
    async with live() as console:
        await console.press("p", "shift+tab", *"by")
        dialog = console.app.screen
        assert isinstance(dialog, ConfirmDialog)
        assert "by" in screen_text(console.app)
        assert not await console.paused("naps")


async def test_d_then_y_drains_the_worker_and_it_ends() -> None:
    async with live() as console:
        await console.press("2", "d", "y")
        await console.sees("drain w1")
        await until(lambda: "w1" not in console.app.session.model.workers)


async def test_a_running_task_is_terminated_from_the_workers_page() -> None:
    async with live() as console:
        task = await console.stem.enqueue("nap", args={"seconds": 30})
        await until(lambda: task in console.app.session.model.crew.running())
        await console.press("2", "enter", "X")
        await console.sees("Terminate")
        await console.press("y")
        status = await console.stem.wait_for(task, timeout=20)
        assert status.state is TaskState.CANCELLED


async def test_a_waiting_task_is_found_on_its_queues_page_opened_and_revoked() -> None:
    async with live() as console:
        await console.press("p", "y")
        await console.sees("effect seen")
        task = await console.stem.enqueue("nap", args={"seconds": 1})
        assert console.app.session.model.waiting is None
        await console.press("enter")
        await console.sees("waiting")
        await console.press("enter")
        await console.sees("QUEUED")
        await console.sees('"seconds": 1')
        assert console.app.session.model.watched_queue is None
        await console.press("escape", "x")
        await console.sees("Revoke nap?")
        await console.press("y")
        status = await console.stem.wait_for(task, timeout=20)
        assert status.state is TaskState.CANCELLED
        await console.sees("cancelled")
        await console.press("escape")
        assert console.app.session.model.watched_queue is None


async def test_production_says_so_in_the_dialog() -> None:
    async with live(prod=True) as console:
        await console.press("p")
        await console.sees("· PROD")


async def test_an_action_without_a_target_says_what_to_select() -> None:
    async with live() as console:
        await console.press("x")
        await console.sees("select a task first; open a queue or a worker")


async def test_the_reason_reaches_the_broker() -> None:
    async with live() as console:
        await console.press("p", "shift+tab", "shift+tab", *"deploy", "enter", "enter", "right", "enter")
        await console.sees("effect seen")
        (stats,) = await console.broker.stats(["naps"])
        assert stats.paused is not None
        assert (stats.paused.reason, stats.paused.by) == ("deploy", "ann@bastion")


async def test_a_read_only_console_refuses_and_says_so() -> None:
    async with live(read_only=True) as console:
        await console.press("p")
        assert not isinstance(console.app.screen, ConfirmDialog)
        await console.sees(READ_ONLY)
        await console.press("y")
        assert not await console.paused("naps")


async def test_a_hard_stop_stays_disabled_until_the_name_is_typed() -> None:
    async with live() as console:
        await console.press("2", "K", "shift+tab", "shift+tab", "shift+tab", "right", "tab", "tab", "tab")
        dialog = console.app.screen
        assert isinstance(dialog, ConfirmDialog)
        await console.sees("--mode hard")
        await console.press("y")
        assert console.app.screen is dialog
        await console.press("shift+tab", *"w1", "enter", "right", "y")
        await until(lambda: "w1" not in console.app.session.model.workers)


async def test_production_asks_for_the_name_and_y_alone_does_nothing() -> None:
    async with live(prod=True) as console:
        await console.press("p", "y")
        dialog = console.app.screen
        assert isinstance(dialog, ConfirmDialog)
        await console.sees("Type naps to go ahead")
        await console.press("tab", "tab", "tab", *"naps", "enter", "right", "y")
        await console.sees("effect seen")
        assert await console.paused("naps")


async def test_a_protected_profile_is_armed_by_typing_its_name() -> None:
    async with live(read_only=True, armable=True) as console:
        await console.press("p")
        await console.sees(":rw arms it for 15 minutes")
        await console.press("colon", *"rw", "enter")
        await console.sees("Allow changes to prod-eu?")
        await console.press("tab", *"prod-eu", "enter", "right", "y")
        await console.sees("RW 15m")
        await console.press("p", "y")
        await console.sees("effect seen")
        assert await console.paused("naps")
        await console.press("colon", *"ro", "enter", "y")
        await console.sees("read only again")
        await console.press("p")
        assert not isinstance(console.app.screen, ConfirmDialog)


async def test_i_shows_what_the_worker_answers_also_read_only() -> None:
    async with live(read_only=True) as console:
        task = await console.stem.enqueue("nap", args={"seconds": 4})
        await until(lambda: task in console.app.session.model.crew.running())
        await console.press("2", "i")
        await console.sees("w1 answered in")
        await console.sees("tasks 1")
        await console.sees(task[-8:])
        await console.sees("\u2713 inspect w1")
        await console.press("escape")
        assert not console.app.book.depth
