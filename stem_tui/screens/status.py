"""Lines that the frame writes itself."""

from __future__ import annotations

from collections.abc import Sequence

from stem_tui.views.cells import Cell, Line

_ARROW = " \u203a "


def breadcrumb(crumbs: Sequence[str], place: str = "") -> Line:
    """Return the way to the page that is shown."""
    cells: list[Cell] = [Cell(" ")]
    for crumb in crumbs[:-1]:
        cells += [Cell(crumb, "muted"), Cell(_ARROW, "rule")]
    return (*cells, Cell(crumbs[-1], "title_focus"), Cell(f"   {place}" if place else "", "muted"))
