"""Finding what the `:` bar names: a queue, a worker, a task."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from stem_core.text import visible
from stem_tui.actions.model import Refusal, Target

if TYPE_CHECKING:
    from stem_tui.session import Session

_SHORT_ID: Final = 12
"""Shorter task ids are taken for the end of one that is known."""


def named_target(session: Session, kind: str, text: str) -> Target | Refusal:
    """Return the queue, worker or task of that name, of which an unambiguous beginning is enough.

    A task is named by its id or by its end, as tables show it. A whole id may be one that was not seen yet.
    """
    model = session.model
    if kind == "task":
        return _task(session, text)
    if kind == "local":
        return _by_beginning("local worker", kind, text, {key: key for key in model.local})
    if kind == "schedule":
        items = (model.schedules.items or {}).values()
        return _by_beginning(kind, kind, text, {item.label: item.name for item in items})
    if kind == "worker":
        return _by_beginning(kind, kind, text, {worker.label: worker.id for worker in model.workers.values()})
    return _by_beginning(kind, kind, text, {queue.label: queue.name for queue in model.queues.values()})


def _by_beginning(what: str, kind: str, text: str, known: Mapping[str, str]) -> Target | Refusal:
    if text in known:
        return Target(kind, known[text])
    found = [name for name in known if name.startswith(text)]
    if len(found) == 1:
        return Target(kind, known[found[0]])
    if found:
        return Refusal(f"{visible(text, 40)!r} may be {', '.join(sorted(found)[:4])}")
    near = get_close_matches(text, known, n=1, cutoff=0.4)
    return Refusal(f"there is no {what} {visible(text, 40)!r}" + (f"; did you mean {near[0]}?" if near else ""))


def _task(session: Session, text: str) -> Target | Refusal:
    model = session.model
    known = {*model.running(), *(task.id for task in model.tasks.all())}
    known.update(task.id for task in (model.waiting.tasks if model.waiting is not None else ()))
    if text in known:
        return Target("task", text)
    found = [task_id for task_id in known if task_id.endswith(text)]
    if len(found) == 1:
        return Target("task", found[0])
    if found:
        return Refusal(f"{len(found)} tasks end in {visible(text, 40)!r}; give more of the id")
    return Target("task", text) if len(text) > _SHORT_ID else Refusal(f"no task ends in {visible(text, 40)!r}")
