"""Revoking and terminating tasks, one or all that were marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from stem_core.client import CommandResult, ControlClient, RevokeResult
from stem_core.states import TaskState
from stem_core.text import plural, visible
from stem_tui.actions.model import Plan, Refusal, Target, Values
from stem_tui.actions.shared import (
    ECHO_ABOVE,
    echo_of,
    fact,
    reason_field,
    reason_words,
    shell_with_ids,
    tallied,
)
from stem_tui.commander import Request
from stem_tui.store import Effect, Receipt
from stem_tui.views.cells import Line

if TYPE_CHECKING:
    from stem_tui.session import Session

_TOLD: Final = {
    "cancelled": "it waited, and is cancelled",
    "pending": "a worker holds it, or it is not known yet; it ends at its next check",
    "ended": "it had ended before",
}
_TOLD_OF_MANY: Final = {
    "cancelled": "waited and are cancelled",
    "pending": "end at their next check",
    "ended": "had ended before",
}


_FOLLOWED: Final = 100
"""Of more tasks than this the broker's own word must do: their states are not read one by one."""


class _Known(NamedTuple):
    """A task as far as it is known: its id, its name, and its state or None."""

    id: str
    name: str
    state: TaskState | None


def _known(session: Session, task_id: str) -> _Known:
    model = session.model
    if model.detail is not None and model.watched == task_id:
        return _Known(task_id, model.detail.status.name, model.detail.status.state)
    held = model.running().get(task_id)
    if held is not None:
        return _Known(task_id, held[1].task, TaskState.QUEUED if held[1].started_at is None else TaskState.RUNNING)
    waiting = model.waiting.find(task_id) if model.waiting is not None else None
    if waiting is not None:
        return _Known(task_id, waiting.name, waiting.state)
    task = model.tasks.get(task_id)
    return _Known(task_id, "?", None) if task is None else _Known(task_id, task.name, task.state)


def _tell(result: CommandResult | RevokeResult) -> str:
    if not isinstance(result, RevokeResult):
        return ""
    outcomes = list(result.outcomes.values())
    if len(outcomes) == 1:
        return _TOLD.get(outcomes[0], outcomes[0])
    return ", ".join(f"{outcomes.count(word):,} {told}" for word, told in _TOLD_OF_MANY.items() if word in outcomes)


def revoke(session: Session, target: Target) -> Plan | Refusal:
    """Plan to keep tasks from running; those that run go on."""
    return _plan(session, target, terminate=False)


def terminate(session: Session, target: Target) -> Plan | Refusal:
    """Plan to keep tasks from running, and to stop those that run."""
    return _plan(session, target, terminate=True)


def _refusal(task: _Known, *, terminate: bool) -> str:
    """Return why a task is left out, or nothing."""
    if task.state is not None and task.state.is_terminal:
        return f"it is {task.state.value} already"
    if not terminate and task.state is TaskState.RUNNING:
        return "it runs already; [X] terminates it"
    return ""


def _plan(session: Session, target: Target, *, terminate: bool) -> Plan | Refusal:
    if target.kind != "task" or not target.key:
        return Refusal("no task is selected")
    known = [_known(session, task_id) for task_id in target.keys]
    tasks = [task for task in known if not _refusal(task, terminate=terminate)]
    if not tasks:
        several = "none of these can be: they run or have ended" if len(known) > 1 else ""
        return Refusal(several or _refusal(known[0], terminate=terminate))
    ids, word = [task.id for task in tasks], "terminate" if terminate else "revoke"
    one = len(ids) == 1
    shown = visible(ids[0], 64)

    def command(values: Values) -> str:
        flag = ["--terminate"] if terminate else []
        return shell_with_ids(session, ("worker", "revoke"), ids, [*flag, *reason_words(values)])

    async def run(values: Values) -> Receipt:
        async def call(control: ControlClient) -> RevokeResult:
            return await control.revoke(ids, terminate=terminate, reason=values.get("reason", "").strip())

        effect = Effect("cancelled", tuple(ids)) if len(ids) <= _FOLLOWED else None
        who = ids[0][-12:] if one else plural(len(ids), "task")
        request = Request(title=word, target=ids[0] if one else "", shown=who, call=call, effect=effect, tell=_tell)
        return await session.commander.execute(request)

    return Plan(
        title=f"{word.capitalize()} {tasks[0].name if one else plural(len(ids), 'task')}?",
        lines=_lines(tasks, left_out=len(known) - len(tasks), terminate=terminate),
        fields=(reason_field(),),
        confirm_label=word.capitalize() if one else f"{word.capitalize()} {len(ids):,}",
        subject=shown[-8:] if one else str(len(ids)),
        echo=echo_of(len(ids), above=1 if terminate else ECHO_ABOVE),
        command=command({}),
        command_for=command,
        run=run,
    )


def _lines(tasks: Sequence[_Known], *, left_out: int, terminate: bool) -> tuple[Line, ...]:
    effect = "does not run; if it runs, it is stopped at its next check" if terminate else "does not run any more"
    if len(tasks) == 1:
        task = tasks[0]
        about = [
            fact("task", f"{task.name}  {visible(task.id, 64)}"),
            fact("state", "not known" if task.state is None else task.state.value),
        ]
    else:
        about = [
            fact("tasks", f"{len(tasks):,} that were marked: {tallied(task.name for task in tasks)}"),
            fact("states", tallied("not known" if task.state is None else task.state.value for task in tasks)),
        ]
        effect = f"each {effect}"
    if left_out:
        about.append(
            fact(
                "left out", f"{plural(left_out, 'task')} that {'runs or has' if left_out == 1 else 'run or have'} ended"
            )
        )
    end = "it {}, and ends as cancelled" if len(tasks) == 1 else "{}, and ends as cancelled"
    return (*about, fact("effect", f"{end.format(effect)}; that cannot be taken back", "warning"))
