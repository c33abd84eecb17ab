"""Listening, inside one process, to what happens there.

`StemSignals.on_<event>(callback, …)` takes a callback of two arguments: the event's record, as it also goes to the
events topic, and a `SignalContext` with what does not leave the process. A listener that fails is logged and hurts
nobody. Where nobody listens, an event costs one look into a dictionary.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, Self, TypeVar

from stem_core import events
from stem_core.envelope import Envelope
from stem_core.errors import ConfigurationError, UsageError
from stem_core.events import Event, event_name

_log: Final = logging.getLogger("stem.signals")
E = TypeVar("E")
Listener = Callable[[E, "SignalContext"], object]

# Filter by its parameter name: the event's field that it looks at.
_FIELDS: Final = {"worker_id": "worker", "task_name": "task", "command": "command", "entry": "entry"}


class SignalContext:
    """What a listener gets beside the event.

    Args:
        name: The event's name, such as `task_succeeded`.
        worker: Id of the worker it happened in, "" in a producer.
        envelope: The job it is about, if it is about one.
        result: What the task returned, in `task_postrun` and `task_succeeded`.
        error: Why it failed, in `task_postrun`, `task_failed` and `task_retry`.
    """

    __slots__ = ("cancelled", "envelope", "error", "name", "result", "worker")

    def __init__(
        self,
        name: str,
        worker: str = "",
        envelope: Envelope | None = None,
        result: object = None,
        error: BaseException | None = None,
    ) -> None:
        self.name = name
        self.worker = worker
        self.envelope = envelope
        self.result = result
        self.error = error
        self.cancelled = False

    def cancel(self) -> None:
        """Keep this event from the listeners of lower priority. The event itself stands."""
        self.cancelled = True


class SignalSubscription:
    """A listener's registration; ends with `cancel()` or at the end of a `with` block."""

    __slots__ = ("_event", "_listener", "filters", "once", "priority")

    def __init__(
        self, event: type[Any], listener: Listener[Any], filters: dict[str, str], *, once: bool, priority: int
    ) -> None:
        self._event = event
        self._listener = listener
        self.filters = filters
        self.once = once
        self.priority = priority

    def cancel(self) -> bool:
        """Stop listening; returns whether this call ended it."""
        return _hub.remove(self._event, self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.cancel()

    def _wants(self, event: Event, context: SignalContext) -> bool:
        return all(
            (getattr(event, field, None) or getattr(context, field, "")) == wanted
            for field, wanted in self.filters.items()
        )

    async def _tell(self, event: Event, context: SignalContext) -> None:
        if not self._wants(event, context) or (self.once and not self.cancel()):
            return
        try:
            answer = self._listener(event, context)
            if inspect.isawaitable(answer):
                await answer
        except Exception:  # noqa: BLE001 - whatever a listener raises is its own affair
            _log.exception("a listener of %s failed", context.name)


class _Hub:
    """Who listens to what. Lists are replaced, never changed, so that readers need no lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: dict[type[Any], tuple[SignalSubscription, ...]] = {}
        self._silent: frozenset[type[Any]] = frozenset()
        self.live: dict[type[Any], tuple[SignalSubscription, ...]] = {}

    def add(self, event: type[Any], subscription: SignalSubscription) -> None:
        with self._lock:
            all_of_it = (*self._subscriptions.get(event, ()), subscription)
            self._subscriptions[event] = tuple(sorted(all_of_it, key=lambda each: -each.priority))
            self._refresh()

    def remove(self, event: type[Any], subscription: SignalSubscription) -> bool:
        with self._lock:
            before = self._subscriptions.get(event, ())
            after = tuple(each for each in before if each is not subscription)
            self._subscriptions[event] = after
            self._refresh()
            return len(after) < len(before)

    def silence(self, silent: frozenset[type[Any]]) -> None:
        with self._lock:
            self._silent = silent
            self._refresh()

    def _refresh(self) -> None:
        self.live = {
            event: listeners
            for event, listeners in self._subscriptions.items()
            if listeners and event not in self._silent
        }


_hub: Final = _Hub()


class Signal(Generic[E]):
    """One event's connector; call it to listen."""

    __slots__ = ("_event", "_fields")

    def __init__(self, event: type[E]) -> None:
        self._event = event
        self._fields = {*event.__struct_fields__, "worker"}  # type: ignore[attr-defined]  # E is always an event

    def __call__(  # noqa: PLR0913 - the filters are the documented form, each optional
        self,
        callback: Listener[E],
        *,
        worker_id: str | None = None,
        task_name: str | None = None,
        command: str | None = None,
        entry: str | None = None,
        once: bool = False,
        priority: int = 0,
    ) -> SignalSubscription:
        """Call `callback(payload, context)` each time the event happens in this process.

        Args:
            callback: A function or coroutine function.
            worker_id: Only in that worker.
            task_name: Only for that task.
            command: Only for that control command, such as `ping`.
            entry: Only for that schedule entry.
            once: Only the first time.
            priority: Higher is called first.

        Raises:
            UsageError: The event has nothing to which the filter could apply.
        """
        given = {"worker_id": worker_id, "task_name": task_name, "command": command, "entry": entry}
        filters = {_FIELDS[name]: value for name, value in given.items() if value is not None}
        for name, value in given.items():
            if value is not None and _FIELDS[name] not in self._fields:
                raise UsageError(
                    f"{event_name(self._event)} cannot be filtered by {name}",  # type: ignore[arg-type]
                    "leave it out",
                )
        subscription = SignalSubscription(self._event, callback, filters, once=once, priority=priority)
        _hub.add(self._event, subscription)
        return subscription


class StemSignals:
    """All events of this process, to listen to."""

    on_before_task_publish: Final = Signal(events.BeforeTaskPublish)
    on_after_task_publish: Final = Signal(events.AfterTaskPublish)
    on_task_received: Final = Signal(events.TaskReceived)
    on_task_prerun: Final = Signal(events.TaskPrerun)
    on_task_postrun: Final = Signal(events.TaskPostrun)
    on_task_succeeded: Final = Signal(events.TaskSucceeded)
    on_task_failed: Final = Signal(events.TaskFailed)
    on_task_retry: Final = Signal(events.TaskRetry)
    on_task_revoked: Final = Signal(events.TaskRevoked)
    on_worker_init: Final = Signal(events.WorkerInit)
    on_worker_ready: Final = Signal(events.WorkerReady)
    on_worker_heartbeat: Final = Signal(events.WorkerHeartbeat)
    on_worker_stopping: Final = Signal(events.WorkerStopping)
    on_worker_shutdown: Final = Signal(events.WorkerShutdown)
    on_worker_scaled: Final = Signal(events.WorkerScaled)
    on_worker_child_init: Final = Signal(events.WorkerChildInit)
    on_worker_child_shutdown: Final = Signal(events.WorkerChildShutdown)
    on_control_command_received: Final = Signal(events.ControlCommandReceived)
    on_control_command_completed: Final = Signal(events.ControlCommandCompleted)
    on_schedule_entry_due: Final = Signal(events.ScheduleEntryDue)
    on_schedule_entry_dispatched: Final = Signal(events.ScheduleEntryDispatched)
    on_schedule_entry_failed: Final = Signal(events.ScheduleEntryFailed)

    @staticmethod
    def configure(*, enabled: bool = True, disabled: Iterable[str] = ()) -> None:
        """Switch signals off in this process: all, or some by name. Listeners stay registered.

        Raises:
            ConfigurationError: There is no event of such a name.
        """
        chosen = set(disabled)
        unknown = sorted(chosen - EVENTS_BY_NAME.keys())
        if unknown:
            raise ConfigurationError(
                f"there is no signal named {', '.join(map(repr, unknown))}", f"use {', '.join(sorted(EVENTS_BY_NAME))}"
            )
        off = chosen if enabled else set(EVENTS_BY_NAME)
        _hub.silence(frozenset(EVENTS_BY_NAME[name] for name in off))

    @staticmethod
    def listening(event: type[Any]) -> bool:
        """Return whether anybody would hear that event; cheap, for callers that make it only then."""
        return event in _hub.live

    @staticmethod
    async def emit(event: Event, context: SignalContext | None = None) -> None:
        """Tell listeners, one after the other, higher priorities first. Never raises what they raise."""
        listeners = _hub.live.get(type(event))
        if listeners is None:
            return
        told = context or SignalContext(event_name(event), getattr(event, "worker", ""))
        for subscription in listeners:
            await subscription._tell(event, told)  # noqa: SLF001 - the two are one module's halves
            if told.cancelled:
                return


EVENTS_BY_NAME: Final[dict[str, type[Any]]] = {
    name.removeprefix("on_"): signal._event  # noqa: SLF001 - as above
    for name, signal in vars(StemSignals).items()
    if isinstance(signal, Signal)
}
"""Every event by its name."""
