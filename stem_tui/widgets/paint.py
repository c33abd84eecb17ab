"""Turning text with tones into strips of exact width.

Nothing here parses markup: a `[bold]` in a task's name is four letters in brackets.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from stem_tui.views.cells import Cell, Line


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Return the text in exactly `width` cells: padded, or cut with `…` at the end."""
    if width <= 0:
        return ""
    size = len(text) if text.isascii() else cell_len(text)
    if size > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - size)
    return padding + text if right else text + padding


def line_width(line: Line) -> int:
    """Return how many cells a line takes."""
    return sum(cell_len(cell.text) for cell in line)


def line_strip(line: Line, width: int, styles: Mapping[str, Style], base: Style | None = None) -> Strip:
    """Return the line in exactly `width` cells; what does not fit is cut with `…`.

    Args:
        line: Text with tones.
        width: Cells to fill.
        styles: A style for each tone.
        base: Laid under every tone, such as the cursor's background.
    """
    under = styles[""] if base is None else styles[""] + base
    segments: list[Segment] = []
    left = width
    for cell in line:
        style = under + tone_style(cell.tone, styles)
        size = cell_len(cell.text)
        if size > left:
            if left > 0:
                segments.append(Segment(fit(cell.text, left), style))
            left = 0
            break
        if cell.text:
            segments.append(Segment(cell.text, style))
        left -= size
    if left > 0:
        segments.append(Segment(" " * left, under))
    return Strip(segments, width)


def tone_style(tone: str, styles: Mapping[str, Style]) -> Style:
    """Return the style of a tone; several words add up. An unknown tone is plain."""
    if tone in styles:
        return styles[tone] if tone else Style.null()
    return Style.combine(styles[word] for word in tone.split() if word in styles)


def rule_line(title: str, note: Line, width: int, *, focused: bool) -> Line:
    """Return a titled rule: `── Queues 8 ───────── note ──`. The note gives way before the title."""
    edge, name = ("rule_focus", "title_focus") if focused else ("rule", "title")
    room = width - 6 - cell_len(title)
    cells: list[Cell] = [Cell("── " if title else "──", edge)]
    if title:
        cells += [Cell(fit(title, width - 7).rstrip() if room < 1 else title, name), Cell(" ", edge)]
    taken = line_width(tuple(cells))
    tail = _note(note, width - taken - 6)
    fill = max(0, width - taken - line_width(tail))
    return (*cells, Cell("─" * fill, edge), *(cell._replace(tone=cell.tone or edge) for cell in tail))


def _note(note: Line, room: int) -> Line:
    if not note or room < 4:
        return ()
    return (Cell(" "), *cut(note, room), Cell(" ──"))


def cut(line: Line, width: int) -> Line:
    """Return as much of the line as fits in `width` cells, ending in `…` if something was cut."""
    kept: list[Cell] = []
    left = width
    for cell in line:
        size = cell_len(cell.text)
        if size > left:
            if left > 0:
                kept.append(Cell(fit(cell.text, left), cell.tone))
            break
        kept.append(cell)
        left -= size
    return tuple(kept)


def squeezed(line: Line, width: int) -> Line:
    """Return the line with narrower gaps, if it does not fit otherwise."""
    if line_width(line) <= width:
        return line
    return tuple(cell._replace(text=cell.text.replace("   ", "  ")) for cell in line)


def without_start(line: Line, cells: int) -> Line:
    """Return what is left of a line without its first cells."""
    kept: list[Cell] = []
    left = cells
    for cell in line:
        size = cell_len(cell.text)
        if size <= left:
            left -= size
            continue
        text = cell.text
        while left > 0:
            left -= cell_len(text[0])
            text = text[1:]
        kept.append(Cell(text, cell.tone))
    return tuple(kept)


def wrapped(line: Line, width: int) -> list[Line]:
    """Return the line in as many lines as it takes, broken at spaces where that is possible."""
    rows: list[list[Cell]] = [[]]
    left = width
    for cell in line:
        for word in _words(cell.text):
            size = cell_len(word)
            if size > left and left < width:
                rows.append([])
                left = width
                word = word.lstrip(" ")  # noqa: PLW2901 - a new line does not begin with a gap
                size = cell_len(word)
            while size > width:
                head = set_cell_size(word, width)
                rows[-1].append(Cell(head, cell.tone))
                rows.append([])
                word = word[len(head) :]  # noqa: PLW2901 - what is left of a word longer than a line
                size = cell_len(word)
            if word:
                rows[-1].append(Cell(word, cell.tone))
            left -= size
    return [tuple(row) for row in rows]


def _words(text: str) -> list[str]:
    """Split before each gap, so that joining the parts gives the text again."""
    return [part for part in re.split(r"(?=(?<! ) )", text) if part]
