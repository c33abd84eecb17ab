"""Telling of variables that have no effect though somebody set them.

A name that is nearly a setting's would silently lead to another store; keys that were left empty, such as by a secret
that is missing, would silently let everybody in.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from typing import Final

from stem_core.text import visible

_PREFIX: Final = "STEM_"
_ALIKE: Final = 0.9
"""One letter wrong, missing or changed about in a name of usual length; names of other programs differ by more."""
_log: Final = logging.getLogger("stem.config")
_told: set[str] = set()


def likely_slips(names: Iterable[str], settings: Collection[str]) -> dict[str, str]:
    """Return the setting that was probably meant, by name of a variable that is none.

    Args:
        names: Variables that are set.
        settings: Those that are read.
    """
    unknown = [name for name in names if name.startswith(_PREFIX) and name not in settings]
    meant = {name: get_close_matches(name, settings, n=1, cutoff=_ALIKE) for name in unknown}
    return {name: found[0] for name, found in meant.items() if found}


def tell_of_slips(names: Iterable[str], settings: Collection[str]) -> None:
    """Log each probable slip, once in a process."""
    for name, meant in likely_slips(names, settings).items():
        if name not in _told:
            _told.add(name)
            _log.warning("%s is no setting and has no effect: is %s meant?", visible(name, 80), meant)


def tell_of_blank_keys(environ: Mapping[str, str], lists: Collection[str]) -> None:
    """Log, once in a process, that variables for signing keys are set to nothing and no other one has any.

    Args:
        environ: Variables that are set.
        lists: Those that take keys.
    """
    found = {name: environ[name].strip() for name in lists if name in environ}
    if any(found.values()):
        return
    for name in found.keys() - _told:
        _told.add(name)
        _log.warning("%s is set to nothing: messages are neither signed nor verified", name)
