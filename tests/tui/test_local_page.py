"""The page of the worker processes that this console started."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from stem_tui.app import ConsoleApp
from stem_tui.screens.confirm import ConfirmDialog
from stem_tui.screens.local_page import LocalPage
from stem_tui.store import ClusterModel, Effect, EffectState, LocalState, LocalWorker, ReceiptState
from tests.tui.models import NOW, WALL, lively
from tests.tui.stage import screen_text, still


@asynccontextmanager
async def local_page(model: ClusterModel) -> AsyncIterator[tuple[ConsoleApp, Pilot[int]]]:
    """Open the page over processes that do not really exist, so that there is nothing to be ended."""
    app = still(model)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("w")
        try:
            yield app, pilot
        finally:
            model.local.clear()


def local(model: ClusterModel, number: int, *, exit_code: int | None = None) -> LocalWorker:
    began = WALL - 60.0 + number
    worker = LocalWorker(f"local-7-{number}", "shop.tasks:stem", (), None, "stem worker start", began, pid=900)
    worker.state = LocalState.RUNNING
    worker.write(f"2026-11-20 22:04:01,220 INFO stem.worker: this is number {number}", WALL - 59.0)
    if exit_code is not None:
        worker.state, worker.exit_code, worker.ended_at = LocalState.EXITED, exit_code, WALL - 50.0
    model.local[worker.key] = worker
    model.touch()
    return worker


async def test_the_newest_process_is_selected_and_the_log_is_of_the_one_that_is() -> None:
    model = lively()
    local(model, 1, exit_code=64)
    local(model, 2)
    async with local_page(model) as (app, pilot):
        assert isinstance(app.book.page, LocalPage)
        text = screen_text(app)
        assert "this is number 2" in text
        assert "exit 64" in text
        await pilot.press("j")
        text = screen_text(app)
        assert "this is number 1" in text
        assert "21:03:27.000 exit 64, lived 9s" in text
        local(model, 3)
        app.paint()
        await pilot.pause()
        assert "this is number 3" in screen_text(app)


async def test_lines_are_stamped_once_by_the_clock_of_the_screen() -> None:
    model = lively()
    local(model, 1)
    async with local_page(model) as (app, _):
        assert "21:03:18.000 INFO stem.worker: this is number 1" in screen_text(app)


async def test_the_dialog_begins_in_the_field_that_is_empty_and_needed() -> None:
    app = still(lively())
    app.session.source.refuses_local_workers = ""  # type: ignore[misc]  # a stage's own source
    app.session.last_local = {"app": ""}
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("L", *"shop.y:stem")
        dialog = app.screen
        assert isinstance(dialog, ConfirmDialog)
        assert "--app shop.y:stem" in screen_text(app)
        await pilot.press("escape")
        app.session.last_local = {"app": "shop.y:stem"}
        await pilot.press("L", "enter")
        assert not isinstance(app.screen, ConfirmDialog), "with nothing to fill in, it begins on Cancel"


async def test_a_worker_that_ended_before_it_was_seen_is_told_with_its_last_words() -> None:
    model = lively()
    app = still(model)
    app.session.source.refuses_local_workers = ""  # type: ignore[misc]  # a stage's own source
    async with app.run_test(size=(100, 30)) as pilot:
        receipt = app.session.commander.open_receipt("start local worker", "local-7-1")
        receipt.state, receipt.effect = ReceiptState.ACKED, Effect("present", ("local-7-1",))
        receipt.effect_state = EffectState.WAITING
        local(model, 1, exit_code=64).write("stem: --app: there is no module 'shop'", WALL)
        model.check_receipts(NOW)
        app.paint()
        await pilot.pause()
        assert "failed: exit 64: stem: --app: there is no module 'shop'" in screen_text(app)
