"""Child processes for handlers that must be killable: a small pool, one child per task that runs at the same time.

Each child is a fresh interpreter that imports the app by its path. It has a socket of its own to the worker, so that a
child killed at any moment leaves no lock, no pipe and no neighbour broken. What passes is JSON; nothing is pickled.
"""

from __future__ import annotations

from stem_core.worker.children.pool import ChildPool
from stem_core.worker.children.running import ResultRefused, run_in_child

__all__ = ["ChildPool", "ResultRefused", "run_in_child"]
