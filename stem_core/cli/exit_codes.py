"""How a command ends, for scripts to rely on."""

from __future__ import annotations

from typing import Final

OK: Final = 0
DOWN: Final = 3
"""A node of `stem worker multi status` does not run."""
USAGE: Final = 64
"""The command, a setting or a file is wrong; trying again will not help."""
FAILURE: Final = 70
INTERRUPTED: Final = 130
