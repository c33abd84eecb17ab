"""How the height of a page is divided among its panels. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LEAST: Final = 3
"""Rule, header and one row."""


def divide(height: int, wanted: Sequence[int], parts: Sequence[float]) -> list[int]:
    """Divide a height: each panel gets what it wants up to its part, what is left goes to those that want more.

    The last panel takes the rest.

    Args:
        height: Lines to divide.
        wanted: Lines at which each panel would not have to scroll.
        parts: The share of each, when all want more than there is.
    """
    given = [max(LEAST, min(want, round(height * part))) for want, part in zip(wanted, parts, strict=True)]
    spare = height - sum(given)
    for place, want in enumerate(wanted):
        extra = max(0, min(spare, want - given[place]))
        given[place] += extra
        spare -= extra
    given[-1] = max(LEAST, given[-1] + spare)
    return given
