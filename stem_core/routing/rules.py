"""The decision where a task goes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Final

from stem_core.options import MAX_PRIORITY, TaskOptions

ALIAS: Final = "default"
FULL_RANGE: Final = (0, MAX_PRIORITY)

_NO_OPTIONS: Final = TaskOptions()


@dataclass(frozen=True, slots=True)
class Route:
    """Where a task goes: to `queue`, or to all workers of the channel `broadcast` if that is set."""

    queue: str
    broadcast: str | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One entry of `routes`.

    Args:
        tasks: Patterns of task names (`billing.*`), one of which must match; empty for all.
        headers: Headers that the task must carry, with these values.
        asked: Queue that the caller must ask for; without it the rule is for tasks whose caller asks for none.
        queue: Where matching tasks go, unless they go to a channel.
        broadcast: Broadcast channel where they go.
        priority: Their priority, or None to leave it.
    """

    tasks: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: str | None = None
    queue: str | None = None
    broadcast: str | None = None
    priority: int | None = None

    def matches(self, task: str, headers: Mapping[str, str], asked: Collection[str] = ()) -> bool:
        """Return whether this rule is meant for that task.

        Args:
            task: Task name.
            headers: Headers that it carries.
            asked: What the queue is called that its caller asks for; empty if for none.
        """
        if asked if self.asked is None else self.asked not in asked:
            return False
        if self.tasks and not any(fnmatchcase(task, pattern) for pattern in self.tasks):
            return False
        return all(headers.get(name) == value for name, value in self.headers.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingConfig:
    """All that a routing file says. Without one, tasks go where their caller or their options say.

    Args:
        default_queue: The queue that the name `default` stands for.
        queues: Declared queues, with the range that priorities are brought into.
        broadcasts: Declared broadcast channels.
        rules: The first that matches decides.
        alias: Another name that stands for the default queue.
    """

    default_queue: str = ALIAS
    queues: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    broadcasts: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    alias: str = ALIAS

    def route(
        self,
        task: str,
        headers: Mapping[str, str] | None = None,
        queue: str | None = None,
        priority: int | None = None,
        usual: TaskOptions = _NO_OPTIONS,
    ) -> Route:
        """Decide where a task goes: as its caller says, else as the first matching rule, else as its options say.

        Only a rule that names the very queue that the caller asks for comes before the caller.

        Args:
            task: Task name.
            headers: Headers that it carries.
            queue: Queue that the caller asks for, or None.
            priority: Priority that the caller asks for, or None.
            usual: The task's own options.
        """
        rule = self.rule_for(task, headers, queue)
        target = self.resolve((rule and rule.queue) or queue or usual.queue)
        if priority is None:
            priority = rule.priority if rule is not None and rule.priority is not None else usual.priority
        least, most = self.queues.get(target, FULL_RANGE)
        return Route(target, rule.broadcast if rule else None, min(max(priority, least), most))

    def rule_for(self, task: str, headers: Mapping[str, str] | None, queue: str | None) -> Rule | None:
        """Return the rule that decides about a task, None if no one does."""
        asked = () if not queue else (queue, self.resolve(queue))
        return next((rule for rule in self.rules if rule.matches(task, headers or {}, asked)), None)

    def resolve(self, queue: str) -> str:
        """Return the queue that a name stands for: the default queue, if it is an alias of it."""
        return self.default_queue if queue in (self.alias, ALIAS) else queue

    def with_default(self, queue: str) -> RoutingConfig:
        """Return this routing with another default queue; the name `default` itself changes nothing."""
        return self if queue == ALIAS else replace(self, default_queue=queue)
