"""Schedules are looked at and switched from the keyboard."""

from __future__ import annotations

import time

import pytest

from stem_core.schedule.applying import FROM_FILE, apply_entries, find
from stem_core.schedule.book import ENTRIES, ScheduleBook
from stem_core.schedule.entry import ScheduleEntry
from stem_core.schedule.timing import milliseconds
from stem_tui.screens.confirm import ConfirmDialog
from stem_tui.screens.schedules_page import SchedulePage, SchedulesPage
from tests.tui.models import scheduled
from tests.tui.stage import Live, live, screen_text, still, until


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


async def apply(console: Live, *entries: ScheduleEntry) -> ScheduleBook:
    book = ScheduleBook(console.broker)
    await apply_entries(book, entries, FROM_FILE, milliseconds(await console.broker.time()))
    return book


async def test_t_shows_schedules_in_local_time_those_in_trouble_first() -> None:
    app = still(scheduled())
    async with app.run_test(size=(140, 30)) as pilot:
        await pilot.press("t")
        page = app.book.page
        assert isinstance(page, SchedulesPage)
        rows = page.entries.view.rows
        assert [row.key for row in rows] == ["odd", "sweep", "ping", "nightly-report", "old-import"]
        assert [row.cells[1].text for row in rows] == ["BROKEN", "OVERDUE", "on", "on", "off"]
        assert rows[3].cells[4].text == "Sat 11-21 03:00"
        assert "times in CET" in screen_text(app)
        await pilot.press("j", "j", "j", "enter")
        assert isinstance(app.book.page, SchedulePage)
        text = screen_text(app)
        assert '"token": "***"' in text
        assert "Sun 11-22 03:00" in text


async def test_o_then_y_disables_a_schedule_and_u_takes_that_back() -> None:
    async with live() as console:
        book = await apply(console, ScheduleEntry("ping", "nap", every=3600), ScheduleEntry("other", "nap", every=3600))
        await console.press("t")
        await console.sees("Schedules 2")
        await console.press("G", "o")
        await console.sees("Disable ping?")
        await console.press("y")
        await console.sees("effect seen")
        assert not (await find(book, "ping")).stored.enabled
        assert (await find(book, "other")).stored.enabled
        await until(lambda: console.app.session.model.schedules.find("ping").enabled is False)
        await console.press("u")
        await console.sees("Undo: Enable ping?")
        await console.press("y")
        await until(lambda: console.app.session.model.schedules.find("ping").enabled)
        assert (await find(book, "ping")).stored.enabled


async def test_what_cannot_be_read_is_shown_and_not_switched() -> None:
    async with live() as console:
        await console.broker.write_document(ENTRIES, "odd", b"{}", 0)
        await console.press("t")
        await console.sees("BROKEN")
        await console.press("o")
        assert not isinstance(console.app.screen, ConfirmDialog)
        await console.sees("cannot be read")


async def test_no_schedules_say_how_some_come_to_be_and_nothing_is_read_once_the_page_is_left() -> None:
    async with live() as console:
        await console.press("t")
        await console.sees("no schedules in namespace")
        await console.press("escape")
        assert not console.app.session.model.schedules.watched
