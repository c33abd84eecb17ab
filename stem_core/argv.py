"""Keeping passwords out of the list of processes, which every user of a machine can read."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from stem_core.urls import HIDDEN, redact_url

ADDRESS_FLAGS: Final = {"--broker": "STEM_BROKER_URL", "--backend": "STEM_RESULT_BACKEND_URL"}


def hide_credentials() -> None:
    """Start this program anew in the same process, if its command line holds a password; else do nothing.

    The address then comes by environment, which other users cannot read.
    """
    words, variables = without_credentials(sys.orig_argv, ADDRESS_FLAGS)
    if variables:
        os.execve(sys.executable, [sys.executable, *words[1:]], {**os.environ, **variables})  # noqa: S606 - itself


def without_credentials(words: Sequence[str], flags: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """Take addresses with credentials off a command line.

    Args:
        words: The command line.
        flags: Flags that take an address, and the variables that say the same.

    Returns:
        The command line without them, and the variables to set instead; none if there was nothing to take.
    """
    kept: list[str] = []
    variables: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        flag, equals, url = word.partition("=")
        if flag not in flags:
            kept.append(word)
            continue
        if not equals:
            url = next(rest, "")
        if HIDDEN in redact_url(url):
            variables[flags[flag]] = url
        else:
            kept += [word] if equals or not url else [word, url]
    return kept, variables
