"""The Lua scripts: files beside this module, sent once and then called by their digest."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

_SEPARATE = frozenset({"announce", "presences", "lock", "token", "group", "document"})


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text and the SHA-1 by which Redis knows it."""

    name: str
    text: str
    sha: str


@cache
def script(name: str) -> Script:
    """Return a script; those of a queue begin, after the line of flags, with the functions of `common.lua`."""
    folder = files("stem_core.stores.redis").joinpath("lua")
    first, _, rest = folder.joinpath(f"{name}.lua").read_text().partition("\n")
    common = "" if name in _SEPARATE else folder.joinpath("common.lua").read_text()
    text = f"{first}\n{common}\n{rest}"
    return Script(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())
