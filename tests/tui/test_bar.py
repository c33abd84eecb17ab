"""What is typed after a colon: an action by a part of its name, and what it takes."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from stem_tui.app import ConsoleApp
from stem_tui.keymap import build_keymap
from stem_tui.screens.chooser import Chooser, Entry, with_argument
from stem_tui.screens.confirm import ConfirmDialog
from stem_tui.screens.detail import QueuePage, TaskPage, WorkerPage
from stem_tui.screens.overview import OverviewPage
from stem_tui.theme import load_theme
from tests.tui.models import WORKERS, lively, task_id
from tests.tui.stage import StillClock, StillSession, live, screen_text, still, until


async def typed(pilot: Pilot[int], text: str) -> str:
    """Type a command, and return the screen."""
    await pilot.press("colon", *("space" if letter == " " else letter for letter in text), "enter")
    for _ in range(3):
        await pilot.pause()
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    return screen_text(app)


def test_what_follows_a_name_is_its_argument_only_if_it_takes_one() -> None:
    entries = [Entry("worker.scale", "S", "scale worker", takes="SLOTS"), Entry("undo", "u", "undo")]
    assert with_argument(entries, "scale 8") == ("scale", "8")
    assert with_argument(entries, "sc 8 w1") == ("sc", "8 w1")
    assert with_argument(entries, "undo it") == ("undo it", "")
    assert with_argument(entries, "") == ("", "")


async def test_a_number_of_slots_is_filled_in_and_a_worker_may_be_named() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        shown = await typed(pilot, "scale 12 pay-7f9c-1")
        assert isinstance(app.screen, ConfirmDialog)
        assert "Scale pay-7f9c-1@ip-10-0-4-21?" in shown
        assert "stem worker scale --concurrency 12 --worker pay-7f9c-1@ip-10-0-4-21" in shown


async def test_without_a_worker_to_scale_nothing_can_be_chosen() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await typed(pilot, "scale")
        assert isinstance(app.screen, Chooser)


async def test_a_filter_and_an_order_are_set_by_name() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await typed(pilot, "filter mail")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert [row.key for row in page.lanes.view.rows] == ["emails"]
        await pilot.press("escape")
        assert "sort BACKLOG" in await typed(pilot, "sort backlog")
        assert "no column 'size'; there are QUEUE, ST, BACKLOG" in await typed(pilot, "sort size")


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ("queue exp", QueuePage, "exports"),
        ("worker pay-7f9c-2", WorkerPage, WORKERS[1][0][0]),
        (f"task {task_id(36)[-8:]}", TaskPage, task_id(36)),
    ],
)
async def test_pages_are_opened_by_name(text: str, kind: type, key: str) -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await typed(pilot, text)
        await until(lambda: isinstance(app.book.page, kind))
        assert app.book.page.subject.key == key
        await typed(pilot, "overview")
        await until(lambda: isinstance(app.book.page, OverviewPage))


async def test_a_name_that_is_not_known_is_told_with_what_was_meant() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        assert "there is no queue 'paymets'; did you mean payments?" in await typed(pilot, "queue paymets")
        assert "there is no worker 'x'" in await typed(pilot, "worker x")


async def test_the_theme_changes_at_once() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await typed(pilot, "theme light")
        assert app.console_theme.name == "light"
        assert app.theme == "stem-light"
        assert "no theme 'pink'" in await typed(pilot, "theme pink")


async def test_a_key_may_be_given_to_what_has_none() -> None:
    keymap = build_keymap({"view.theme": ("T",)})
    app = ConsoleApp(StillSession(lively()), load_theme("dark"), keymap, StillClock())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("T")
        assert isinstance(app.screen, Chooser)
        await pilot.press(*"light", "enter")
        await until(lambda: app.console_theme.name == "light")


async def test_a_queue_is_paused_by_name_wherever_one_is() -> None:
    async with live() as console:
        await console.press("2", "enter", "colon", *"pause", "space", *"naps", "enter")
        await console.sees("Pause naps?")
        await console.press("y")
        await console.sees("effect seen")
        assert await console.paused("naps")
