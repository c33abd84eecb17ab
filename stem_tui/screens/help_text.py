"""The help, written from the registry and the keymap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stem_tui.actions import ACTIONS, Action
from stem_tui.keymap import Keymap
from stem_tui.screens.footer import works_on
from stem_tui.screens.hints import key_signs
from stem_tui.screens.page import Page
from stem_tui.views.cells import Cell, Line
from stem_tui.widgets.paint import cut, fit, line_width

_COLUMN: Final = 32
_KEYS: Final = 10
GLYPHS: Final = "✓ ok  ✗ failed  ↻ retry  ▶ running  ■ revoked  ○ waiting  ⇣ draining  ▲ worse  ? not known"


def help_lines(keymap: Keymap, page: Page, width: int) -> list[Line]:
    """Return all actions by group, in as many columns as fit.

    Args:
        keymap: Which keys do what.
        page: Where help was asked: what does not work there is muted.
        width: Cells in a line.
    """
    blocks = [_block(group, page, keymap) for group in _groups()]
    columns = max(1, width // _COLUMN)
    stacks = _stack(blocks, columns)
    size = width // columns
    rows = max(len(stack) for stack in stacks)
    lines: list[Line] = []
    for row in range(rows):
        cells: list[Cell] = []
        for stack in stacks:
            line = cut(stack[row] if row < len(stack) else (), size - 1)
            cells += [*line, Cell(" " * (size - line_width(line)))]
        lines.append(tuple(cells))
    return [*lines, (), (Cell("GLYPHS", "header"),), (Cell(GLYPHS),)]


def _groups() -> list[str]:
    return list(dict.fromkeys(action.group for action in ACTIONS))


def _block(group: str, page: Page, keymap: Keymap) -> list[Line]:
    lines: list[Line] = [(Cell(group.upper(), "header"),)]
    lines += [_entry(action, page, keymap) for action in ACTIONS if action.group == group]
    return [*lines, ()]


def _entry(action: Action, page: Page, keymap: Keymap) -> Line:
    keys = key_signs(keymap.keys(action.id)) or f":{action.title}"
    usable = works_on(action, page)
    cell = Cell(f"{fit(keys, _KEYS)} ", "key" if usable else "muted")
    return (cell, Cell(action.title, "" if usable else "muted"))


def _stack(blocks: Sequence[list[Line]], columns: int) -> list[list[Line]]:
    """Put the blocks into columns, in order, each about as long as the others."""
    total = sum(len(block) for block in blocks)
    stacks: list[list[Line]] = [[]]
    for block in blocks:
        full = len(stacks[-1]) + len(block) / 2 > total / columns
        if stacks[-1] and full and len(stacks) < columns:
            stacks.append([])
        stacks[-1].extend(block)
    return stacks
