"""The table that is painted all the time: its cursor, its columns, and what it does not draw."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from textual.app import App, ComposeResult

from stem_tui.theme import load_theme
from stem_tui.views.cells import Cell, Column, Row, TableView
from stem_tui.widgets.columns import lay_out
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.paint import fit, rule_line

COLUMNS = (
    Column("name", "NAME", 8, flex=True),
    Column("state", "ST", 5),
    Column("n", "N", 6, right=True, rank=1),
    Column("note", "NOTE", 10, rank=2),
)


def rows(names: Iterable[str], note: str = "") -> tuple[Row, ...]:
    return tuple(Row(name, (Cell(name), Cell("run"), Cell(str(place)), Cell(note))) for place, name in enumerate(names))


class TableApp(App[None]):
    CSS = "Screen { layout: vertical; }"

    def __init__(self) -> None:
        super().__init__()
        self.console_theme = load_theme("dark")
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield LiveTable(id="table")

    def on_panel_opened(self) -> None:
        selected = self.query_one(LiveTable).selected
        assert selected is not None
        self.opened.append(selected.key)


def screen_lines(app: App[None]) -> list[str]:
    height = app.size.height
    table = app.query_one(LiveTable)
    return [table.render_line(y).text for y in range(min(height, table.size.height))]


def test_columns_of_the_highest_rank_go_first() -> None:
    def shown(width: int) -> list[str]:
        return [place.column.key for place in lay_out(COLUMNS, width)]

    assert shown(60) == ["name", "state", "n", "note"]
    assert shown(25) == ["name", "state", "n"]
    assert shown(18) == ["name", "state"]
    assert shown(5) == ["name", "state"]


def test_the_flexible_column_takes_what_is_left() -> None:
    places = lay_out(COLUMNS, 60)
    assert sum(place.width for place in places) + len(places) - 1 + 1 == 60
    assert places[0].width == 60 - 1 - 3 - 5 - 6 - 10


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abc", 5, "abc  "),
        ("abcdef", 5, "abcd…"),
        ("日本語", 6, "日本語"),
        ("日本語x", 6, "日本 …"),
        ("日本語x", 5, "日本…"),
        ("", 3, "   "),
        ("abc", 0, ""),
    ],
)
def test_text_is_cut_by_the_cells_it_takes(text: str, width: int, expected: str) -> None:
    assert fit(text, width) == expected


def test_text_on_the_right_is_padded_on_the_left() -> None:
    assert fit("42", 5, right=True) == "   42"


def test_a_rule_carries_title_and_note_and_fills_the_width() -> None:
    text = "".join(cell.text for cell in rule_line("1 Queues 8", (Cell("sort N"),), 40, focused=False))
    assert text.startswith("── 1 Queues 8 ─")
    assert text.endswith("─ sort N ──")
    assert len(text) == 40


async def test_the_cursor_stays_on_its_row_when_rows_change_their_order() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(LiveTable)
        table.focus()
        table.show(TableView(COLUMNS, rows("abcdef")))
        table.move(2)
        assert table.key == "c"
        table.show(TableView(COLUMNS, rows("fcabde")))
        await pilot.pause()
        assert table.key == "c"
        assert screen_lines(app)[3].startswith("▸c")


async def test_where_rows_come_and_go_the_cursor_stays_first_until_somebody_moves_it() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 12)) as pilot:
        table = LiveTable(restless=True)
        await app.mount(table)
        table.show(TableView(COLUMNS, rows("abc")))
        table.show(TableView(COLUMNS, rows("xyabc")))
        assert (table.key, table.index) == ("x", 0)
        table.move(1)
        table.show(TableView(COLUMNS, rows("vwxyabc")))
        await pilot.pause()
        assert (table.key, table.index) == ("y", 3)


async def test_the_cursor_takes_the_place_of_a_row_that_is_gone() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)):
        table = app.query_one(LiveTable)
        table.show(TableView(COLUMNS, rows("abc")))
        table.move(2)
        table.show(TableView(COLUMNS, rows("ab")))
        assert table.key == "b"
        table.show(TableView(COLUMNS, ()))
        assert table.selected is None
        table.show(TableView(COLUMNS, rows("xy")))
        assert table.selected is not None


async def test_only_rows_that_changed_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = TableApp()
    async with app.run_test(size=(60, 12)) as pilot:
        table = app.query_one(LiveTable)
        table.show(TableView(COLUMNS, rows("abcdef")))
        await pilot.pause()
        drawn: list[int] = []
        render = table.render_line
        monkeypatch.setattr(table, "render_line", lambda y: drawn.append(y) or render(y))
        table.show(TableView(COLUMNS, rows("abcdef")))
        await pilot.pause()
        assert drawn == []
        changed = list(rows("abcdef"))
        changed[3] = Row("d", (Cell("d"), Cell("PAUS"), Cell("3"), Cell("")))
        table.show(TableView(COLUMNS, tuple(changed)))
        await pilot.pause()
        assert drawn == [5]


async def test_a_table_longer_than_its_place_scrolls_with_the_cursor() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 7)) as pilot:
        table = app.query_one(LiveTable)
        table.focus()
        table.show(TableView(COLUMNS, rows(str(n) for n in range(50)), title="Rows 50"))
        await pilot.pause()
        table.move(10)
        assert table.top == 6
        lines = screen_lines(app)
        assert lines[6].startswith("▸10")
        assert "7-11 of 50" in lines[0]
        table.scroll(3)
        assert (table.top, table.key) == (9, "10")
        table.scroll(3)
        assert (table.top, table.key) == (12, "12")


async def test_a_click_selects_and_a_double_click_opens() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(LiveTable)
        table.show(TableView(COLUMNS, rows("abc")))
        await pilot.pause()
        await pilot.click(LiveTable, offset=(5, 4))
        assert table.key == "c"
        assert app.opened == []
        await pilot.double_click(LiveTable, offset=(5, 3))
        assert app.opened == ["b"]


async def test_an_empty_table_says_why() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(LiveTable)
        table.show(TableView(COLUMNS, (), title="Queues 0", empty=((Cell("no queues yet"),),)))
        await pilot.pause()
        assert "no queues yet" in screen_lines(app)[2]
        table.move(1)
        assert table.selected is None


async def test_markup_in_a_cell_is_shown_as_it_is() -> None:
    app = TableApp()
    async with app.run_test(size=(60, 10)) as pilot:
        table = app.query_one(LiveTable)
        table.show(TableView(COLUMNS, rows(["[b]x[/b]"]), title="[red]t"))
        await pilot.pause()
        lines = screen_lines(app)
        assert "[red]t" in lines[0]
        assert "[b]x[/b]" in lines[2]
