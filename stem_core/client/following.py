"""Preparing jobs together with what follows them.

What follows is sealed, and signed, here and now, with its id, and travels inside the job that it follows. So the worker
that ends that job only passes bytes on: it needs no key to sign with, and whatever it sends twice is there once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from stem_core.client.job import RESULT, Job
from stem_core.client.preparing import Prepared, Sign, prepare
from stem_core.envelope import FollowUp, new_task_id
from stem_core.errors import InvalidArgumentsError, UsageError
from stem_core.options import TaskOptions
from stem_core.routing import RoutingConfig
from stem_core.tasks import FunctionTaskHandler, SimpleTaskRegistry

MAX_NESTING: Final = 50
"""Jobs that may follow each other; each carries all that come after it."""


class Source(NamedTuple):
    """Where `RESULT` comes from.

    Args:
        place: `task:`, `error:` or `group:`, and an id.
        ignored: Name of a task that keeps no result, so that there is nothing to take; "" if there is.
    """

    place: str
    ignored: str = ""


class Preparer:
    """Prepares jobs by the rules of one producer.

    Args:
        registry: The tasks.
        routing: Which task goes where.
        now: Epoch seconds.
        sign: Signs what is sealed, if it is to be signed.
        unchecked: Take tasks too that the registry lacks.
    """

    def __init__(
        self,
        registry: SimpleTaskRegistry,
        routing: RoutingConfig,
        now: float,
        sign: Sign | None,
        *,
        unchecked: bool = False,
    ) -> None:
        self._registry = registry
        self._routing = routing
        self._now = now
        self._sign = sign
        self._unchecked = unchecked

    def prepare(self, job: Job) -> Prepared:
        """Check a job and what follows it, and seal it.

        Raises:
            UnknownTaskError: There is no such task.
            UsageError: As `preparing.prepare`; likewise all its other errors.
        """
        usual = self._usual(job)
        if not job.options or not ("link" in job.options or "link_error" in job.options):
            try:
                return self._sealed(job, usual, {})
            except InvalidArgumentsError:
                if any(value is RESULT for value in job.args.values()):
                    raise _follows_nothing(job) from None
                raise
        return self.woven(job, None, {})

    def woven(self, job: Job, source: Source | None, extra: Mapping[str, object], depth: int = 0) -> Prepared:
        """Prepare a job and what follows it.

        Args:
            job: What the caller asks for.
            source: Where its `RESULT` comes from, None if it follows nothing.
            extra: Fields of its envelope beside those that follow from its options.
            depth: How many jobs it follows.
        """
        usual = self._usual(job)
        options: dict[str, Any] = {**job.options}
        links, error_links = options.pop("link", None), options.pop("link_error", None)
        task_id = options["task_id"] = options.get("task_id") or new_task_id()
        inputs = self._inputs(job, source)
        fields = {**extra}
        if inputs:
            fields["inputs"] = inputs
        if links is not None:
            result = Source(f"task:{task_id}", job.name if ignores_result(job, usual) else "")
            fields["links"] = self._follow_ups("link", links, result, depth)
        if error_links is not None:
            fields["error_links"] = self._follow_ups("link_error", error_links, Source(f"error:{task_id}"), depth)
        args = {name: value for name, value in job.args.items() if value is not RESULT}
        prepared = self._sealed(Job(job.name, args, **options), usual, fields)
        if prepared.broadcast is not None:
            raise UsageError(f"{job.name!r} is a broadcast", "nothing can follow it, and it can follow nothing")
        return prepared

    def follow_up(self, job: Job, source: Source, depth: int = 0) -> FollowUp:
        """Prepare a job that is sent by whoever ends what it follows."""
        if depth >= MAX_NESTING:
            raise too_deep()
        prepared = self.woven(job, source, {}, depth + 1)
        check_not_unique(prepared, "follow another one")
        sealed = prepared.sealed
        return FollowUp(
            id=sealed.id,
            queue=sealed.queue,
            priority=sealed.priority,
            delay=sealed.delay,
            not_before=sealed.not_before,
            body=msgspec.Raw(sealed.body),
        )

    def ignores_result(self, job: Job) -> bool:
        """Return whether nothing will be kept of what the job returns."""
        return ignores_result(job, self._usual(job))

    def _follow_ups(self, option: str, jobs: Any, source: Source, depth: int) -> tuple[FollowUp, ...]:
        return tuple(self.follow_up(job, source, depth) for job in listed(option, jobs))

    def _inputs(self, job: Job, source: Source | None) -> dict[str, str]:
        names = [name for name, value in job.args.items() if value is RESULT]
        if not names:
            return {}
        if source is None:
            raise _follows_nothing(job)
        if source.ignored:
            raise UsageError(
                f"{job.name!r} wants the result of {source.ignored!r}, which keeps none",
                "leave ignore_result out there, or RESULT here",
            )
        return dict.fromkeys(names, source.place)

    def _usual(self, job: Job) -> TaskOptions:
        if self._unchecked and job.name not in self._registry:
            return TaskOptions()
        handler = self._registry.get(job.name)
        # Values that are not there yet cannot be checked; the names of a function's arguments can.
        if handler.checks_arguments and (isinstance(handler, FunctionTaskHandler) or not _waits_for_values(job)):
            handler.bind(job.args)
        return handler.options

    def _sealed(self, job: Job, usual: TaskOptions, fields: Mapping[str, object]) -> Prepared:
        try:
            return prepare(job, usual, self._routing, self._now, self._sign, fields)
        except InvalidArgumentsError:
            if any(value is not RESULT and _holds_result(value) for value in job.args.values()):
                raise UsageError(
                    f"{job.name!r} is given RESULT inside of another value", "RESULT is the whole value of an argument"
                ) from None
            raise


def listed(option: str, jobs: Any) -> Sequence[Job]:
    """Return the jobs that an option names: none, one or some.

    Raises:
        UsageError: It names something else.
    """
    some = [] if jobs is None else [jobs] if isinstance(jobs, Job) else jobs
    if not isinstance(some, list | tuple) or not all(isinstance(job, Job) for job in some):
        raise UsageError(f"{option} is {jobs!r}", "give a Job, or a list of them")
    return some


def too_deep() -> UsageError:
    """Return the error for more jobs behind each other than one can carry."""
    return UsageError(f"more than {MAX_NESTING} jobs follow each other", "let a task in the middle enqueue the rest")


def ignores_result(job: Job, usual: TaskOptions) -> bool:
    """Return whether nothing will be kept of what the job returns."""
    chosen = job.options.get("ignore_result")
    return usual.ignore_result if chosen is None else chosen


def check_not_unique(prepared: Prepared, doing: str) -> None:
    """Refuse a unique job where its id must be known before it is sent.

    Raises:
        UsageError: It is unique.
    """
    if prepared.unique_for is not None:
        raise UsageError(f"{prepared.envelope.name!r} is unique, and cannot {doing}", "set unique=False for this job")


def _waits_for_values(job: Job) -> bool:
    return any(value is RESULT for value in job.args.values())


def _holds_result(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_result, value.values()))
    return value is RESULT or (isinstance(value, list | tuple) and any(map(_holds_result, value)))


def _follows_nothing(job: Job) -> UsageError:
    return UsageError(f"{job.name!r} is given RESULT, but follows nothing", "use it in link, link_error or a callback")
