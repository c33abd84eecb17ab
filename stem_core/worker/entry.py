"""An ending on its way to the store."""

from __future__ import annotations

from dataclasses import dataclass

from stem_core.delivery import Settlement
from stem_core.worker.active import Job
from stem_core.worker.outcome import Ending


@dataclass(slots=True)
class Entry:
    """An ending on its way to the store.

    Args:
        job: Whose.
        ending: How it ended.
        settlement: What the store is told.
        result: What is kept of what the task returned.
        sent_before: Whether the store may have it already.
    """

    job: Job
    ending: Ending
    settlement: Settlement
    result: object
    sent_before: bool = False
