"""How one job is to be run: what its caller set, and else what its handler's options say."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Protocol

from stem_core.durations import Duration, seconds
from stem_core.envelope import Envelope
from stem_core.options import Execution
from stem_core.rates import parse_rate
from stem_core.retry import DEFAULT_RETRY_POLICY, TaskRetryPolicy
from stem_core.tasks import TaskHandler, execution_of

DEFAULT_RESULT_TTL: Final = 86400.0


class Registry(Protocol):
    """Where handlers are found; `SimpleTaskRegistry` is one."""

    def get(self, name: str) -> TaskHandler[Any]:
        """Return the handler, or raise UnknownTaskError."""

    def __contains__(self, name: object) -> bool: ...


class Plan(NamedTuple):
    """How to run a job. Times are seconds, the rate is starts a second; None means no limit."""

    handler: TaskHandler[Any]
    execution: Execution
    max_retries: int
    policy: TaskRetryPolicy
    soft: float | None
    hard: float | None
    hold: float
    expires: float | None
    result_ttl: float
    ignore_result: bool
    rate: float | None
    rate_key: str | None


class Plans:
    """Makes plans, once for each task as far as callers set nothing of their own."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._plans: dict[str, Plan] = {}

    def known(self, name: str) -> bool:
        """Return whether there is a handler."""
        return name in self._plans or name in self._registry

    def of(self, envelope: Envelope) -> Plan:
        """Return the plan for a job whose task is known."""
        plan = self._plans.get(envelope.name)
        if plan is None:
            plan = self._plans[envelope.name] = _of_handler(self._registry.get(envelope.name))
        return _with_caller(plan, envelope) if _caller_chose(envelope) else plan


def _of_handler(handler: TaskHandler[Any]) -> Plan:
    options = handler.options
    policy = options.retry_policy or DEFAULT_RETRY_POLICY
    return Plan(
        handler=handler,
        execution=execution_of(handler),
        max_retries=options.max_retries if policy.max_retries is None else policy.max_retries,
        policy=policy,
        soft=_optional(options.soft_time_limit),
        hard=_optional(options.hard_time_limit),
        hold=_optional(options.visibility_timeout) or 0.0,
        expires=_optional(options.expires),
        result_ttl=_optional(options.result_ttl) or DEFAULT_RESULT_TTL,
        ignore_result=options.ignore_result,
        rate=None if options.rate_limit is None else parse_rate("rate_limit", options.rate_limit),
        rate_key=options.rate_key,
    )


def _caller_chose(envelope: Envelope) -> bool:
    return not (
        envelope.max_retries is None
        and envelope.retry_policy is None
        and envelope.soft_time_limit is None
        and envelope.hard_time_limit is None
        and envelope.visibility_timeout is None
        and envelope.result_ttl is None
        and envelope.ignore_result is None
    )


def _with_caller(plan: Plan, envelope: Envelope) -> Plan:
    policy = envelope.retry_policy or plan.policy
    of_policy = plan.handler.options.max_retries if policy.max_retries is None else policy.max_retries
    return plan._replace(
        policy=policy,
        max_retries=of_policy if envelope.max_retries is None else envelope.max_retries,
        soft=plan.soft if envelope.soft_time_limit is None else envelope.soft_time_limit,
        hard=plan.hard if envelope.hard_time_limit is None else envelope.hard_time_limit,
        hold=plan.hold if envelope.visibility_timeout is None else envelope.visibility_timeout,
        result_ttl=plan.result_ttl if envelope.result_ttl is None else envelope.result_ttl,
        ignore_result=plan.ignore_result if envelope.ignore_result is None else envelope.ignore_result,
    )


def expires_at(plan: Plan, envelope: Envelope) -> float | None:
    """Return the epoch seconds after which the job must not start, None if it may at any time."""
    if envelope.expires_at is not None:
        return envelope.expires_at
    return None if plan.expires is None else envelope.enqueued_at + plan.expires


def _optional(value: Duration | None) -> float | None:
    return None if value is None else seconds(value)
