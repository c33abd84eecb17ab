"""Stem: a distributed task system for Python.

The public names are loaded when they are first used, so that `import stem_core` costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stem_core.exports import on_demand

if TYPE_CHECKING:
    from stem_core.client import ControlClient, Job, Stem
    from stem_core.client.job import RESULT
    from stem_core.commands import ShutdownMode
    from stem_core.config import StemConfig
    from stem_core.middleware import Middleware
    from stem_core.options import TaskOptions
    from stem_core.results import TaskStatus
    from stem_core.retry import TaskRetryPolicy
    from stem_core.routing import RoutingConfig, RoutingSubscription, load_routing
    from stem_core.schedule.entry import ScheduleEntry
    from stem_core.schedule.loading import load_schedules
    from stem_core.schedule.scheduler import Scheduler
    from stem_core.signals import SignalSubscription, StemSignals
    from stem_core.signing import PayloadSigner
    from stem_core.states import TaskState
    from stem_core.stores import connect_backend, connect_broker
    from stem_core.stores.memory import InMemoryBroker, InMemoryResultBackend
    from stem_core.stores.postgres import PostgresBroker, PostgresResultBackend
    from stem_core.stores.redis import RedisResultBackend, RedisStreamsBroker
    from stem_core.stores.sqlite import SqliteBroker, SqliteResultBackend
    from stem_core.tasks import FunctionTaskHandler, SimpleTaskRegistry, TaskContext, TaskHandler
    from stem_core.worker import Worker, WorkerAutoscaleConfig, WorkerLifecycleConfig

__version__: Final = "0.2.0"

_PLACES: Final = {
    "RESULT": "stem_core.client.job",
    "ControlClient": "stem_core.client",
    "FunctionTaskHandler": "stem_core.tasks",
    "InMemoryBroker": "stem_core.stores.memory",
    "InMemoryResultBackend": "stem_core.stores.memory",
    "Job": "stem_core.client",
    "Middleware": "stem_core.middleware",
    "PayloadSigner": "stem_core.signing",
    "PostgresBroker": "stem_core.stores.postgres",
    "PostgresResultBackend": "stem_core.stores.postgres",
    "RedisResultBackend": "stem_core.stores.redis",
    "RedisStreamsBroker": "stem_core.stores.redis",
    "RoutingConfig": "stem_core.routing",
    "RoutingSubscription": "stem_core.routing",
    "ScheduleEntry": "stem_core.schedule.entry",
    "Scheduler": "stem_core.schedule.scheduler",
    "ShutdownMode": "stem_core.commands",
    "SignalSubscription": "stem_core.signals",
    "SimpleTaskRegistry": "stem_core.tasks",
    "SqliteBroker": "stem_core.stores.sqlite",
    "SqliteResultBackend": "stem_core.stores.sqlite",
    "Stem": "stem_core.client",
    "StemConfig": "stem_core.config",
    "StemSignals": "stem_core.signals",
    "TaskContext": "stem_core.tasks",
    "TaskHandler": "stem_core.tasks",
    "TaskOptions": "stem_core.options",
    "TaskRetryPolicy": "stem_core.retry",
    "TaskState": "stem_core.states",
    "TaskStatus": "stem_core.results",
    "Worker": "stem_core.worker",
    "WorkerAutoscaleConfig": "stem_core.worker",
    "WorkerLifecycleConfig": "stem_core.worker",
    "connect_backend": "stem_core.stores",
    "connect_broker": "stem_core.stores",
    "load_routing": "stem_core.routing",
    "load_schedules": "stem_core.schedule.loading",
}

__all__ = [
    "RESULT",
    "ControlClient",
    "FunctionTaskHandler",
    "InMemoryBroker",
    "InMemoryResultBackend",
    "Job",
    "Middleware",
    "PayloadSigner",
    "PostgresBroker",
    "PostgresResultBackend",
    "RedisResultBackend",
    "RedisStreamsBroker",
    "RoutingConfig",
    "RoutingSubscription",
    "ScheduleEntry",
    "Scheduler",
    "ShutdownMode",
    "SignalSubscription",
    "SimpleTaskRegistry",
    "SqliteBroker",
    "SqliteResultBackend",
    "Stem",
    "StemConfig",
    "StemSignals",
    "TaskContext",
    "TaskHandler",
    "TaskOptions",
    "TaskRetryPolicy",
    "TaskState",
    "TaskStatus",
    "Worker",
    "WorkerAutoscaleConfig",
    "WorkerLifecycleConfig",
    "connect_backend",
    "connect_broker",
    "load_routing",
    "load_schedules",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), _PLACES)
