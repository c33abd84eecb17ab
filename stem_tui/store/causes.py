"""Why jobs die: letters whose reason, error and task are alike share a cause, whatever ids the error has."""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import Final, NamedTuple

from stem_core.client.causes import alike as without_particulars
from stem_tui.store.clean import clean, clean_error

MAX_TITLE: Final = 120


class Cause(NamedTuple):
    """Why jobs are dead.

    Args:
        mark: Eight letters that tell it from others, the same in every console; people are shown four.
        title: The error, without what differs each time; harmless.
        reason: Such as `poison`; harmless.
        task: Task name; harmless, empty if the bytes are no envelope.
    """

    mark: str
    title: str
    reason: str
    task: str


def alike(error: str) -> str:
    """Return an error without ids, numbers and addresses."""
    return without_particulars(clean_error(error)[:MAX_TITLE])


@lru_cache(maxsize=4096)
def _marked(title: str, reason: str, task: str) -> Cause:
    digest = blake2b(f"{title}\n{reason}\n{task}".encode("utf-8", "backslashreplace"), digest_size=4)
    return Cause(digest.hexdigest(), title, reason, task)


def cause_of(error: str, reason: str, task: str) -> Cause:
    """Return the cause of a dead letter; the same object for letters that are alike."""
    title = alike(error) or clean(reason) or "no error was kept"
    return _marked(title, clean(reason), clean(task))
