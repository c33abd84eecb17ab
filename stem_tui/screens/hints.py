"""How keys are written for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SIGNS: Final = {
    "enter": "⏎", "escape": "esc", "slash": "/", "colon": ":", "question_mark": "?", "space": "space",
    "down": "↓", "up": "↑", "left": "←", "right": "→", "pagedown": "pgdn", "pageup": "pgup",
    "shift+tab": "⇧tab", "minus": "-", "left_square_bracket": "[", "right_square_bracket": "]", "asterisk": "*",
}  # fmt: skip


def key_sign(key: str) -> str:
    """Return how a key is shown: `⏎` for enter, `^p` for ctrl+p."""
    if key.startswith("ctrl+"):
        return f"^{key_sign(key[5:])}"
    return _SIGNS.get(key, key)


def key_signs(keys: Sequence[str]) -> str:
    """Return how several keys are shown, beside each other."""
    return " ".join(key_sign(key) for key in keys)
