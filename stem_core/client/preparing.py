"""From what a caller asks for to a sealed envelope. Checks everything, sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from stem_core.checks import check_kind, check_whole, positive_seconds, some_seconds
from stem_core.client.job import KNOWN, Job, check_option_names
from stem_core.client.unique import DAY, unique_key
from stem_core.durations import FIRST_MOMENT, LAST_MOMENT
from stem_core.envelope import Envelope, Sealed, check_name, new_task_id, seal
from stem_core.errors import UsageError
from stem_core.options import MAX_PRIORITY, TaskOptions
from stem_core.retry import TaskRetryPolicy
from stem_core.routing.rules import Route, RoutingConfig
from stem_core.signing import PayloadSigner, broadcast_scope, job_scope
from stem_core.tasks.enqueuing import EnqueueOptions
from stem_core.text import visible

MAX_ID_LENGTH: Final = 128

_DURATIONS: Final = ("visibility_timeout", "soft_time_limit", "hard_time_limit", "result_ttl")
_AS_GIVEN: Final = ("max_retries", "retry_policy", "ignore_result")
_NOT_WITH_BROADCAST: Final = ("queue", "priority", "countdown", "eta")
_KINDS: Final[Mapping[str, tuple[type, str]]] = {
    "retry_policy": (TaskRetryPolicy, "give a TaskRetryPolicy"),
    "ignore_result": (bool, "use True or False"),
    "unique": (bool, "use True or False"),
    "headers": (Mapping, "give texts by name"),
    "meta": (Mapping, "give JSON data by name"),
}

_NOTHING: Final[Mapping[str, Any]] = {}

Sign: TypeAlias = Callable[[Envelope, bytes], bytes]


class Prepared(NamedTuple):
    """A job that is ready to be sent; to the channel `broadcast` if that is set.

    If `unique_for` is set, the job keeps others like it out for so many seconds, and must not be sent beside one.
    """

    envelope: Envelope
    sealed: Sealed
    broadcast: str | None
    unique_for: float | None = None


def signing_for(signer: PayloadSigner | None, namespace: str) -> Sign | None:
    """Return what signs the envelopes that go to a namespace, None if they are not signed."""
    if signer is None:
        return None

    def sign(envelope: Envelope, body: bytes) -> bytes:
        if envelope.broadcast is not None:
            return signer.sign(body, broadcast_scope(namespace, envelope.broadcast))
        return signer.sign(body, job_scope(namespace, envelope.queue, envelope.id))

    return sign


def prepare(
    job: Job,
    usual: TaskOptions,
    routing: RoutingConfig,
    now: float,
    sign: Sign | None = None,
    extra: Mapping[str, Any] = _NOTHING,
) -> Prepared:
    """Check a job, decide where it goes, and seal it.

    The envelope carries only the options that the caller set; the worker's registry fills the rest.

    Args:
        job: What the caller asks for.
        usual: The task's own options.
        routing: The rules.
        now: Epoch seconds.
        sign: Signs what is sealed, if it is to be signed.
        extra: Further fields of the envelope.

    Raises:
        UsageError: An option does not exist, contradicts another one, or has a value that cannot be.
        InvalidArgumentsError: The arguments are not JSON.
        EnvelopeTooLargeError: The envelope is over the limit.
    """
    options = _given(job.options) if job.options else {}
    if not options:
        route = routing.route(job.name, None, None, None, usual)
        fields: dict[str, Any] = {}
        delay, not_before = 0.0, None
    else:
        route = _route(job.name, options, routing, usual)
        fields = _fields(options, now)
        delay, not_before = _when(options)
    unique_for = _unique_for(job.name, options, usual, route)
    if unique_for is not None:
        fields["unique"] = unique_key(job.name, route.queue, job.args)
    if route.broadcast is not None and (delay or not_before is not None):
        raise UsageError(f"{job.name!r} is a broadcast", "a broadcast cannot wait; leave countdown and eta out")
    envelope = Envelope(
        id=fields.pop("id", None) or new_task_id(),
        name=job.name,
        queue=route.queue,
        args=job.args,
        enqueued_at=now,
        priority=route.priority,
        broadcast=route.broadcast,
        secrets=usual.secrets,
        **fields,
        **extra,
    )
    return Prepared(envelope, seal(envelope, delay, not_before, sign), route.broadcast, unique_for)


def _given(options: EnqueueOptions) -> dict[str, Any]:
    if not options.keys() <= KNOWN:
        check_option_names(options)
    given = {name: value for name, value in options.items() if value is not None}
    for name in given.keys() & _KINDS.keys():
        check_kind(name, given[name], *_KINDS[name])
    return given


def _route(task: str, options: Mapping[str, Any], routing: RoutingConfig, usual: TaskOptions) -> Route:
    channel = options.get("broadcast")
    if channel is not None:
        for name in _NOT_WITH_BROADCAST:
            if name in options:
                raise UsageError(f"{name} and broadcast exclude each other", "a broadcast goes to all workers at once")
        return Route(usual.queue, check_name("broadcast channel", channel), 0)
    queue, priority = options.get("queue"), options.get("priority")
    if queue is not None:
        check_name("queue", queue)
    if priority is not None:
        check_whole("priority", priority, most=MAX_PRIORITY)
    return routing.route(task, options.get("headers"), queue, priority, usual)


def _fields(options: Mapping[str, Any], now: float) -> dict[str, Any]:
    fields = {name: options[name] for name in _AS_GIVEN if name in options}
    if "max_retries" in options:
        check_whole("max_retries", options["max_retries"])
    for name in _DURATIONS:
        if name in options:
            fields[name] = positive_seconds(name, options[name])
    if "expires" in options:
        expires = options["expires"]
        is_moment = isinstance(expires, datetime)
        fields["expires_at"] = _moment("expires", expires) if is_moment else now + positive_seconds("expires", expires)
    if "task_id" in options:
        fields["id"] = _check_id(options["task_id"])
    if "headers" in options:
        fields["headers"] = _check_headers(options["headers"])
    if "meta" in options:
        fields["meta"] = dict(options["meta"])
    return fields


def _when(options: Mapping[str, Any]) -> tuple[float, float | None]:
    countdown, eta = options.get("countdown"), options.get("eta")
    if countdown is not None and eta is not None:
        raise UsageError("countdown and eta exclude each other", "give one of them")
    if countdown is not None:
        return some_seconds("countdown", countdown), None
    return 0.0, None if eta is None else _moment("eta", eta)


def _unique_for(task: str, options: Mapping[str, Any], usual: TaskOptions, route: Route) -> float | None:
    if not options.get("unique", usual.unique):
        if "unique_for" in options:
            raise UsageError("unique_for is set, but unique is not", "set unique=True as well")
        return None
    if route.broadcast is not None:
        raise UsageError(f"{task!r} is unique, and cannot be a broadcast", "a broadcast goes to all workers at once")
    unique_for = options.get("unique_for", usual.unique_for)
    return DAY if unique_for is None else positive_seconds("unique_for", unique_for)


def _moment(name: str, value: Any) -> float:
    if not isinstance(value, datetime):
        raise UsageError(f"{name} is {value!r}", "give a datetime with a timezone")
    if value.tzinfo is None:
        raise UsageError(f"{name} is {value.isoformat()}, without a timezone", "give it one, such as datetime.UTC")
    moment = value.timestamp()
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise UsageError(f"{name} is {value.isoformat()}", "give a moment that is nearer")
    return moment


def _check_id(task_id: Any) -> str:
    if not isinstance(task_id, str) or not 0 < len(task_id) <= MAX_ID_LENGTH or " " in task_id:
        raise UsageError(f"task_id is {task_id!r}", f"use 1 to {MAX_ID_LENGTH} characters without blanks")
    if visible(task_id) != task_id:
        raise UsageError(f"task_id is {visible(task_id)}", "use characters that can be seen")
    return task_id


def _check_headers(headers: Mapping[Any, Any]) -> dict[str, str]:
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise UsageError(f"the header {name!r} is {value!r}", "headers are text by name; use meta for other data")
    return dict(headers)
