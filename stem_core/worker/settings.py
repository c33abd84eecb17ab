"""A worker's settings, checked once."""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from typing import Final

from stem_core.checks import check_kind, check_whole, positive_seconds, some_seconds
from stem_core.config import StemConfig
from stem_core.durations import Duration
from stem_core.errors import ConfigurationError, UsageError
from stem_core.middleware import Middleware
from stem_core.routing import RoutingSubscription
from stem_core.signing import PayloadSigner

MAX_SLOTS: Final = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerAutoscaleConfig:
    """When a worker changes its number of slots by itself. Durations are seconds or a timedelta.

    Args:
        enabled: Whether it does.
        min_concurrency: Never fewer slots.
        max_concurrency: Never more slots; None for the worker's `concurrency`.
        scale_up_step: Slots added at once.
        scale_down_step: Slots removed at once.
        backlog_per_slot: Grow if all slots are busy and this many jobs wait for each.
        idle_period: Shrink if slots were to spare for this long.
        tick: Time between two looks.
        scale_up_cooldown: Least time after a change before the next growth.
        scale_down_cooldown: Least time after a change before the next shrinking.
    """

    enabled: bool = True
    min_concurrency: int = 1
    max_concurrency: int | None = None
    scale_up_step: int = 1
    scale_down_step: int = 1
    backlog_per_slot: float = 1.0
    idle_period: Duration = 30.0
    tick: Duration = 2.0
    scale_up_cooldown: Duration = 5.0
    scale_down_cooldown: Duration = 10.0

    def __post_init__(self) -> None:
        for name in ("min_concurrency", "scale_up_step", "scale_down_step"):
            check_whole(name, getattr(self, name), 1)
        for name in ("idle_period", "scale_up_cooldown", "scale_down_cooldown"):
            some_seconds(name, getattr(self, name))
        positive_seconds("tick", self.tick)
        if self.max_concurrency is not None:
            check_whole("max_concurrency", self.max_concurrency)
        if self.max_concurrency is not None and self.max_concurrency < self.min_concurrency:
            raise UsageError(
                f"max_concurrency is {self.max_concurrency}, min_concurrency {self.min_concurrency}",
                "the maximum must not be below the minimum",
            )
        check_kind("backlog_per_slot", self.backlog_per_slot, (int, float), "use a positive number")
        if not self.backlog_per_slot > 0:
            raise UsageError(f"backlog_per_slot is {self.backlog_per_slot}", "use a positive number")


@dataclass(frozen=True, slots=True)
class AppPath:
    """Where child processes find the tasks they run.

    Args:
        path: `package.module:attribute` of a Stem.
        config: Settings that this Stem uses there; its own if None.
    """

    path: str
    config: StemConfig | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerLifecycleConfig:
    """How a worker and its child processes end. Durations are seconds or a timedelta.

    Args:
        install_signal_handlers: Let `run` handle SIGTERM (warm), SIGINT (soft, twice hard) and SIGQUIT (hard).
        soft_grace_period: How long a soft shutdown lets tasks react before it turns hard.
        force_shutdown_after: How long a hard shutdown tries to hand jobs back before it leaves them to their leases.
        terminate_grace_period: How long a terminated task in a child process may go on before the child is killed.
        max_tasks_per_child: Replace a child process after that many tasks; None for never.
        max_memory_per_child_bytes: Replace a child process once its own resident memory is larger; None for never.
    """

    install_signal_handlers: bool = True
    soft_grace_period: Duration = 30.0
    force_shutdown_after: Duration = 10.0
    terminate_grace_period: Duration = 10.0
    max_tasks_per_child: int | None = None
    max_memory_per_child_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("soft_grace_period", "force_shutdown_after", "terminate_grace_period"):
            some_seconds(name, getattr(self, name))
        for name in ("max_tasks_per_child", "max_memory_per_child_bytes"):
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSettings:
    """Who a worker is and what it wants.

    Args:
        id: Worker id.
        boot: Differs with each start.
        queues: Queues it fetches from.
        broadcasts: Broadcast channels it listens to.
        concurrency: Slots at the start.
        prefetch_multiplier: Jobs it may hold for each slot.
        heartbeat_interval: Seconds between heartbeats.
        autoscale: How it scales itself, if it does.
        lifecycle: How it ends.
        app: Where child processes find their tasks, if that is known.
        signer: What it verifies messages with, None if they are not signed.
        middleware: What stands around each run, outermost first.
    """

    id: str
    boot: str
    queues: tuple[str, ...]
    broadcasts: tuple[str, ...]
    concurrency: int
    prefetch_multiplier: int
    heartbeat_interval: float
    autoscale: WorkerAutoscaleConfig | None
    lifecycle: WorkerLifecycleConfig
    app: AppPath | None = None
    signer: PayloadSigner | None = None
    middleware: tuple[Middleware, ...] = ()

    def __post_init__(self) -> None:
        check_slots("concurrency", self.concurrency)
        if self.autoscale is not None:
            check_slots("min_concurrency", self.autoscale.min_concurrency)
            check_slots("max_concurrency", self.autoscale.max_concurrency or self.concurrency)
        if not _is_whole(self.prefetch_multiplier) or self.prefetch_multiplier < 1:
            raise ConfigurationError(f"prefetch_multiplier is {self.prefetch_multiplier!r}", "use 1 or more")
        if self.heartbeat_interval <= 0:
            raise ConfigurationError(
                f"heartbeat_interval is {self.heartbeat_interval}", "use a positive number of seconds"
            )
        if not self.id or len(self.id) > 200 or not self.id.isprintable():
            raise ConfigurationError(f"worker id {self.id!r} is not usable", "use 1 to 200 printable characters")

    @property
    def owner(self) -> str:
        """Who owns this worker's leases: its id and its boot."""
        return f"{self.id}/{self.boot}"


def check_slots(name: str, value: int) -> int:
    """Return a number of slots if it is one.

    Raises:
        ConfigurationError: It is not between 1 and 10,000.
    """
    if not _is_whole(value) or not 1 <= value <= MAX_SLOTS:
        raise ConfigurationError(f"{name} is {value!r}", f"use 1 to {MAX_SLOTS}")
    return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def default_id() -> str:
    """Return `stem-<pid>@<host>`."""
    return f"stem-{os.getpid()}@{socket.gethostname()}"


def new_boot() -> str:
    """Return an id for this start."""
    return uuid.uuid4().hex[:12]


def subscribed(queue: str, subscription: RoutingSubscription | None) -> RoutingSubscription:
    """Return what the worker listens to: the subscription, or else the one queue."""
    return RoutingSubscription(queues=[queue]) if subscription is None else subscription
