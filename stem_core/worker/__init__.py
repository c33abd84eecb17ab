"""What fetches jobs, runs them, and stores what became of them."""

from __future__ import annotations

from stem_core.worker.settings import WorkerAutoscaleConfig, WorkerLifecycleConfig
from stem_core.worker.worker import Worker

__all__ = ["Worker", "WorkerAutoscaleConfig", "WorkerLifecycleConfig"]
