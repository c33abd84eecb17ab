"""Rows are marked with the space bar, and what is done next is done to all of them."""

from __future__ import annotations

from stem_core.states import TaskState
from stem_tui.screens.overview import OverviewPage
from tests.tui.models import lively
from tests.tui.stage import live, screen_text, still, until


async def test_space_marks_and_goes_on_a_marks_all_and_capital_a_none() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2", "space", "space")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        rows = page.crew.view.rows
        assert page.crew.index == 2
        assert page.state(page.crew).marked == {rows[0].key, rows[1].key}
        text = screen_text(app)
        assert text.count("●") == 3, "two marks, and the link that is live"
        assert "2 marked" in text
        await pilot.press("k", "space")
        assert page.state(page.crew).marked == {rows[0].key}
        await pilot.press("a")
        assert len(page.state(page.crew).marked) == len(rows)
        await pilot.press("A")
        assert not page.state(page.crew).marked


async def test_a_marks_only_what_the_filter_leaves_and_the_marks_outlive_it() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2", "slash", *"mail", "enter", "a", "escape")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert {key.partition("@")[0] for key in page.state(page.crew).marked} == {"mail-55d-1", "mail-55d-2"}
        await pilot.press("K")
        assert "Stop 2 workers?" in screen_text(app)
        assert "Type 2 to go ahead" in screen_text(app)


async def test_where_nothing_can_be_marked_it_says_so() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3", "space")
        assert "nothing to mark" in screen_text(app)


async def test_marked_tasks_are_revoked_in_one_go_and_then_not_marked_any_more() -> None:
    async with live() as console:
        await console.press("p", "y")
        await console.sees("effect seen")
        tasks = [await console.stem.enqueue("nap", args={"seconds": 1}) for _ in range(3)]
        await console.press("enter")
        await console.sees("waiting")
        await until(lambda: len(console.app.session.model.waiting.tasks) == 3)
        await console.press("a", "x")
        await console.sees("Revoke 3 tasks?")
        await console.press("y")
        await console.sees("3 waited and are cancelled")
        for task in tasks:
            assert (await console.stem.wait_for(task, timeout=20)).state is TaskState.CANCELLED
        await until(lambda: "marked" not in screen_text(console.app))
