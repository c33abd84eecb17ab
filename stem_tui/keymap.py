"""Which keys do what: the registry's own, and the user's changes to them."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import combinations
from types import MappingProxyType
from typing import Final

from stem_core.errors import ConfigurationError
from stem_core.text import visible
from stem_tui.actions import ACTIONS, find_action

RESERVED: Final = frozenset({"ctrl+c"})
NAMES: Final = {
    "/": "slash",
    ":": "colon",
    "?": "question_mark",
    "*": "asterisk",
    "-": "minus",
    "esc": "escape",
    " ": "space",
}


def _named(key: str) -> str:
    return NAMES.get(key, key)


class Keymap:
    """Which keys do what.

    Args:
        keys: By action id, its keys in Textual's names.
    """

    def __init__(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._keys = MappingProxyType(dict(keys))

    def keys(self, action_id: str) -> tuple[str, ...]:
        """Return the keys of an action."""
        return self._keys.get(action_id, ())

    def bindings(self) -> dict[str, str]:
        """Return keys by action id the way Textual's `App.set_keymap` takes them."""
        return {action_id: ",".join(keys) for action_id, keys in self._keys.items() if keys}


def build_keymap(changes: Mapping[str, tuple[str, ...]] | None = None, file: str = "") -> Keymap:
    """Return the keys of all actions.

    Args:
        changes: By action id, the keys that replace its own.
        file: Where the changes stand, for messages.

    Raises:
        ConfigurationError: An action is not known, a key is reserved, or two actions claim one key.
    """
    where = f" in {file}" if file else ""
    keymap = {action.id: action.keys for action in ACTIONS}
    for action_id, keys in (changes or {}).items():
        if find_action(action_id) is None:
            near = get_close_matches(action_id, keymap, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the actions are {', '.join(keymap)}"
            raise ConfigurationError(f"keys{where} names the unknown action {visible(action_id, 60)!r}", hint)
        keymap[action_id] = tuple(_named(key) for key in keys)
        for key in keymap[action_id]:
            if key in RESERVED:
                raise ConfigurationError(f"keys{where} gives {key} to {action_id}", "it is reserved; choose another")
    for first, second in combinations(ACTIONS, 2):
        shared = set(keymap[first.id]) & set(keymap[second.id])
        if shared:
            raise ConfigurationError(
                f"keys{where}: {min(shared)} is claimed by {first.id} and by {second.id}",
                "give one of them another key",
            )
    return Keymap(keymap)
