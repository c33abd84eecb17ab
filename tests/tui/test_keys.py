"""What keys that only look do."""

from __future__ import annotations

import pytest

from stem_core import events as ev
from stem_tui.actions import ACTIONS
from stem_tui.screens.chooser import Chooser, Entry, ranked
from stem_tui.screens.detail import QueuePage, TaskPage, WorkerPage
from stem_tui.screens.overview import OverviewPage
from stem_tui.screens.text_pages import HelpPage, ReceiptsPage
from stem_tui.widgets.filter_bar import FilterBar
from tests.tui.models import (
    FLOWS,
    HOSTILE,
    NOW,
    WALL,
    _stats,
    blank,
    connecting,
    disconnected,
    empty,
    hostile,
    lively,
    task_id,
)
from tests.tui.stage import screen_text, still, until


def test_every_action_is_done_by_the_frame_or_has_a_plan() -> None:
    app = still(blank())
    for action in ACTIONS:
        assert (action.id in app._handlers) != (action.plan is not None), action.id
    assert set(app._handlers) <= {action.id for action in ACTIONS}


async def test_the_focus_starts_on_the_first_queue() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert page.lanes.has_focus
        assert page.lanes.key == "payments"


async def test_enter_drills_in_and_escape_comes_back_to_the_same_row() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("j", "enter")
        assert isinstance(app.book.page, QueuePage)
        assert "overview \u203a queue reports" in screen_text(app)
        await pilot.press("escape", "enter", "escape", "2", "j", "enter")
        assert isinstance(app.book.page, WorkerPage)
        await pilot.press("enter")
        assert isinstance(app.book.page, TaskPage)
        assert app.session.model.watched is not None
        await pilot.press("escape", "escape")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert page.lanes.key == "reports"
        assert page.crew.has_focus
        assert app.session.model.watched is None


async def test_j_k_g_and_pages_move_the_cursor() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        page = app.book.page
        assert isinstance(page, OverviewPage)
        keys = [row.key for row in page.lanes.view.rows]
        for key, expected in (("j", 1), ("down", 2), ("k", 1), ("G", -1), ("g", 0), ("end", -1), ("ctrl+u", -4)):
            await pilot.press(key)
            assert page.lanes.key == keys[expected], key


async def test_the_task_of_an_event_is_opened_and_the_cursor_stays_on_its_event() -> None:
    model = lively()
    app = still(model)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("3", "j")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert page.tail.selected is not None
        assert "failed" in page.tail.selected.cells[1].text
        held = page.tail.key
        frame = ev.Frame("w9", "b", 0, WALL, 0, [ev.TaskReceived(WALL, "t9", "emails.send", "emails", 0)])
        model.apply_frames([frame], NOW)
        app.paint()
        await pilot.pause()
        assert page.tail.key == held
        assert "follow off" in screen_text(app)
        await pilot.press("enter")
        await until(lambda: isinstance(app.book.page, TaskPage))
        assert app.book.page.subject.key == task_id(36)
        await pilot.press("escape", "g")
        assert page.tail.selected.key == str(model.events.kept)


async def test_the_filter_narrows_with_every_letter_and_escape_clears_it() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("slash", *"mail")
        text = screen_text(app)
        assert " emails " in text
        assert " webhooks " not in text
        await pilot.press("enter")
        assert not app.screen.query(FilterBar)
        assert "filter /mail/" in screen_text(app)
        await pilot.press("escape")
        assert " webhooks " in screen_text(app)
        await pilot.press("slash", *"zzz", "escape")
        assert " webhooks " in screen_text(app)


async def test_only_faults_are_shown_after_an_asterisk() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("asterisk")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert [row.key for row in page.lanes.view.rows] == ["payments"]
        await pilot.press("asterisk")
        assert len(page.lanes.view.rows) == len(FLOWS)


async def test_the_sort_picker_sorts_and_the_same_letter_again_reverses() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("s")
        assert isinstance(app.screen, Chooser)
        assert "10m" not in screen_text(app).split("sort by")[1], "nothing is sorted by a graph"
        await pilot.press("c")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        first = [row.key for row in page.lanes.view.rows]
        assert first[0] == "payments"
        assert "sort BACKLOG↓" in screen_text(app)
        await pilot.press("s", "c")
        assert [row.key for row in page.lanes.view.rows][-1] == "payments"
        assert "sort BACKLOG↑" in screen_text(app)


async def test_behind_a_dialog_the_page_stands_still() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("p")
        app.session.model.apply_stats([_stats(flow, 0.0, 777_777) for flow in FLOWS], NOW)
        app.paint()
        await pilot.pause()
        assert "777,777" not in screen_text(app)
        await pilot.press("escape")
        assert "777,777" in screen_text(app)


async def test_help_lists_every_action_with_its_key() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.book.page, HelpPage)
        text = screen_text(app)
        for action in ACTIONS:
            assert action.title in text
        await pilot.press("q")
        assert isinstance(app.book.page, OverviewPage)


async def test_the_palette_runs_what_is_chosen_and_greys_what_needs_a_target() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("ctrl+p", *"receip", "enter")
        await pilot.pause()
        assert isinstance(app.book.page, ReceiptsPage)
        await pilot.press("escape", "colon", *"revoke")
        assert "needs a task" in screen_text(app)
        await pilot.press("enter")
        assert isinstance(app.screen, Chooser)
        await pilot.press("escape")
        assert isinstance(app.book.page, OverviewPage)


def test_what_begins_with_the_words_comes_first() -> None:
    entries = [Entry("a", "", "receipts"), Entry("b", "", "pause / resume"), Entry("quit", "q", "back / quit")]
    assert next(entry.id for entry in ranked(entries, "re")) == "a"
    assert next(entry.id for entry in ranked(entries, "q")) == "quit"
    assert ranked(entries, "zzzz") == []
    assert ranked(entries, "") == entries


async def test_q_goes_back_and_quits_on_the_first_page() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("enter", "q")
        assert isinstance(app.book.page, OverviewPage)
        assert app.is_running
        await pilot.press("q")
        await pilot.pause()
    assert app.return_value == 0


async def test_a_double_click_opens_and_a_click_on_a_key_does_what_the_key_does() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.double_click("#queues", offset=(5, 3))
        await pilot.pause()
        assert isinstance(app.book.page, QueuePage)
        await pilot.press("escape")
        await until(lambda: "terminate" not in screen_text(app).splitlines()[-1])
        footer = screen_text(app).splitlines()[-1]
        await pilot.click("#footer", offset=(footer.index("help"), 0))
        await until(lambda: isinstance(app.book.page, HelpPage))


@pytest.mark.parametrize("size", [(100, 30), (80, 24), (60, 16), (40, 10), (20, 5)])
@pytest.mark.parametrize("make", [lively, hostile, empty, connecting, disconnected])
async def test_hostile_text_is_harmless_and_every_size_can_be_drawn(make, size: tuple[int, int]) -> None:
    app = still(make())
    async with app.run_test(size=size) as pilot:
        await pilot.press("enter", "escape", "2", "enter", "enter", "escape", "escape", "question_mark")
        for _ in range(3):
            text = screen_text(app)
            assert not any(character < " " or character in "\u202e\x7f\x9b" for character in text if character != "\n")
            await pilot.press("escape")


async def test_the_hostile_name_can_be_seen_as_what_it_is() -> None:
    app = still(hostile())
    async with app.run_test(size=(140, 30)) as pilot:
        await pilot.pause()
        text = screen_text(app)
        assert HOSTILE not in text
        assert "\\x1b[31mred" in text
        assert "[bold]x[/]" in text
        assert "\\u202e" in text


async def test_on_a_tiny_screen_one_panel_is_shown_at_a_time() -> None:
    app = still(lively())
    async with app.run_test(size=(50, 14)) as pilot:
        await pilot.pause()
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert page.lanes.size.height == 10
        assert not page.crew.size.height
        await pilot.press("2")
        assert page.crew.size.height == 10
        assert not page.lanes.size.height


@pytest.mark.parametrize("keys", [["2", "G", "enter"], ["enter"]])
async def test_on_a_short_screen_the_figures_leave_room_for_tasks(keys: list[str]) -> None:
    app = still(lively())
    async with app.run_test(size=(60, 16)) as pilot:
        await pilot.press(*keys)
        await pilot.pause()
        page = app.book.page
        assert isinstance(page, QueuePage | WorkerPage)
        assert page.tasks.room >= 3
        shown = page.tasks.selected
        assert shown is not None
        assert shown.cells[0].text in screen_text(app)


async def test_a_crash_ends_the_console_and_is_kept_for_the_report() -> None:
    app = still(lively())

    async def crash() -> None:
        async with app.run_test(size=(100, 30)) as pilot:
            app.call_later(lambda: 1 // 0)
            await pilot.pause()

    with pytest.raises(ZeroDivisionError):
        await crash()
    assert isinstance(app.failure, ZeroDivisionError)


async def test_a_number_goes_to_its_panel_and_again_gives_it_the_screen() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("2")
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert page.crew.has_focus
        await pilot.press("2")
        await pilot.pause()
        assert not page.lanes.display
        assert page.crew.size.height == 26
        await pilot.press("tab")
        await pilot.pause()
        assert page.tail.has_focus
        assert page.tail.size.height == 26
        await pilot.press("escape")
        assert page.lanes.display


async def test_freezing_keeps_what_is_shown_while_the_model_goes_on() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("z")
        assert "FROZEN" in screen_text(app)
        app.session.model.apply_stats([_stats(flow, 0.0, 777_777) for flow in FLOWS], NOW)
        app.paint()
        await pilot.pause()
        assert "777,777" not in screen_text(app)
        await pilot.press("z")
        await pilot.pause()
        assert "777,777" in screen_text(app)
        assert "FROZEN" not in screen_text(app)


async def test_what_is_scrolled_to_while_frozen_shows_what_it_showed_then() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 20)) as pilot:
        page = app.book.page
        assert isinstance(page, OverviewPage)
        assert page.lanes.room < len(page.lanes.view.rows)
        await pilot.press("z")
        app.session.model.apply_stats([_stats(flow, 0.0, 777_777) for flow in FLOWS], NOW)
        app.paint()
        await pilot.press("G")
        await until(lambda: page.lanes.key == "exports")
        assert page.lanes.selected is not None
        assert page.lanes.selected.cells[2].text == "1,204"


async def test_f_shows_which_tasks_fail_most_and_enter_the_one_that_failed_last() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("f")
        await until(lambda: "StripeTimeout: read timed o" in screen_text(app))
        assert "Outcomes by task" in screen_text(app)
        await until(lambda: " p pause" in screen_text(app).splitlines()[-1])  # the task's queue can be paused from here
        await pilot.press("enter")
        await until(lambda: isinstance(app.book.page, TaskPage))
        assert app.book.page.subject.key == task_id(36)
        await pilot.press("escape", "escape")
        await until(lambda: isinstance(app.book.page, OverviewPage))


async def test_what_was_said_goes_with_the_next_key() -> None:
    app = still(lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("d")
        await until(lambda: "select a worker first; 2 on the overview goes to them" in screen_text(app))
        await pilot.press("enter")
        await until(lambda: isinstance(app.book.page, QueuePage))
        await until(lambda: "select a worker first" not in screen_text(app))
