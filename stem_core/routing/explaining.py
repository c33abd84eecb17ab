"""Why a task goes where it goes, and what of a routing file can never come about. For people; nothing decides by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from stem_core.routing.rules import FULL_RANGE, Route, RoutingConfig, Rule


class Explanation(NamedTuple):
    """Where a task goes, and why.

    Args:
        route: Where it goes.
        rule: Number of the rule that decides, from 1; None if none does.
        verdicts: For each rule, why it does not decide, or that it does.
        queue: Why this queue or channel.
        priority: Why this priority.
    """

    route: Route
    rule: int | None
    verdicts: list[str]
    queue: str
    priority: str


def explain(
    routing: RoutingConfig,
    task: str,
    headers: Mapping[str, str],
    queue: str | None = None,
    priority: int | None = None,
) -> Explanation:
    """Explain where a task goes; the arguments are those of `RoutingConfig.route`."""
    route = routing.route(task, headers, queue, priority)
    decisive = routing.rule_for(task, headers, queue)
    asked = () if not queue else (queue, routing.resolve(queue))
    number: int | None = None
    verdicts = []
    for place, rule in enumerate(routing.rules, 1):
        if number is not None:
            verdicts.append(f"is not asked: rule {number} decided")
        elif rule is decisive:
            number = place
            verdicts.append("matches, and decides")
        else:
            verdicts.append("; ".join(_mismatches(rule, task, headers, asked)))
    return Explanation(
        route, number, verdicts, _why_queue(route, number, queue), _why_priority(routing, decisive, priority, route)
    )


def _mismatches(rule: Rule, task: str, headers: Mapping[str, str], asked: tuple[str, ...]) -> Iterator[str]:
    if rule.asked is None and asked:
        yield "the caller names a queue, which comes before rules without a queue_override"
    elif rule.asked is not None and rule.asked not in asked:
        yield f"the caller does not ask for queue {rule.asked!r}"
    if rule.tasks and not any(fnmatchcase(task, pattern) for pattern in rule.tasks):
        yield f"task {task!r} is not like {' or '.join(map(repr, rule.tasks))}"
    for name, value in rule.headers.items():
        if name not in headers:
            yield f"there is no header {name!r}"
        elif headers[name] != value:
            yield f"header {name!r} is {headers[name]!r}, not {value!r}"


def _why_queue(route: Route, number: int | None, queue: str | None) -> str:
    if number is not None:
        return f"rule {number} says so"
    if queue:
        return "the caller says so" if route.queue == queue else f"it is what {queue!r} stands for"
    return "no rule matches, so the task's own options decide; this is for a task that has none"


def _why_priority(routing: RoutingConfig, rule: Rule | None, priority: int | None, route: Route) -> str:
    if priority is not None:
        wanted, why = priority, "the caller says so"
    elif rule is not None and rule.priority is not None:
        wanted, why = rule.priority, "the rule says so"
    else:
        wanted, why = 0, "nothing else is said"
    least, most = routing.queues.get(route.queue, FULL_RANGE)
    if wanted != route.priority:
        return f"{why} ({wanted}), and queue {route.queue!r} takes {least} to {most}"
    return why


def oddities(routing: RoutingConfig) -> list[str]:
    """Return what a routing says that may not be what its writer means: valid, and yet hardly ever intended."""
    found = []
    for number, rule in enumerate(routing.rules, 1):
        if rule.queue is not None and routing.queues and routing.resolve(rule.queue) not in routing.queues:
            found.append(f"rule {number} sends to queue {rule.queue!r}, which is not declared")
        before = next((each for each in routing.rules[: number - 1] if _covers(each, rule)), None)
        if before is not None:
            found.append(
                f"rule {number} never decides: rule {routing.rules.index(before) + 1} matches all that it does"
            )
    return found


def _covers(first: Rule, later: Rule) -> bool:
    tasks = not first.tasks or (bool(later.tasks) and set(later.tasks) <= set(first.tasks))
    return first.asked == later.asked and tasks and first.headers.items() <= later.headers.items()
