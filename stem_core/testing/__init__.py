"""What tests of programs that use Stem are made with, and the suite that every store passes (`contract`).

`InlineWorker` runs tasks in the test's own event loop, `ManualClock` moves by hand, `FaultyBroker` breaks on purpose.
"""

from __future__ import annotations

from stem_core.testing.faults import Faults
from stem_core.testing.faulty_broker import FaultyBroker
from stem_core.testing.inline_worker import InlineRun, InlineWorker
from stem_core.testing.manual_clock import ManualClock

__all__ = ["Faults", "FaultyBroker", "InlineRun", "InlineWorker", "ManualClock"]
