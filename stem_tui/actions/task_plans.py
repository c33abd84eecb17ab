"""Revoking and terminating tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stem_core.client import CommandResult, ControlClient, RevokeResult
from stem_core.states import TaskState
from stem_core.text import visible
from stem_tui.actions.model import Plan, Refusal, Target, Values
from stem_tui.actions.shared import fact, reason_field, reason_words, shell
from stem_tui.commander import Request
from stem_tui.store import Effect, Receipt

if TYPE_CHECKING:
    from stem_tui.session import Session

_TOLD = {
    "cancelled": "it waited, and is cancelled",
    "pending": "a worker holds it, or it is not known yet; it ends at its next check",
    "ended": "it had ended before",
}


def _state(session: Session, task_id: str) -> tuple[str, TaskState | None]:
    model = session.model
    if model.detail is not None and model.watched == task_id:
        return model.detail.status.name, model.detail.status.state
    held = model.running().get(task_id)
    if held is not None:
        return held[1].task, TaskState.QUEUED if held[1].started_at is None else TaskState.RUNNING
    waiting = model.waiting.find(task_id) if model.waiting is not None else None
    if waiting is not None:
        return waiting.name, waiting.state
    task = model.tasks.get(task_id)
    return ("?", None) if task is None else (task.name, task.state)


def _tell(result: CommandResult | RevokeResult) -> str:
    if not isinstance(result, RevokeResult):
        return ""
    return "; ".join(_TOLD.get(outcome, outcome) for outcome in result.outcomes.values())


def revoke(session: Session, target: Target) -> Plan | Refusal:
    """Plan to keep a task from running; if it runs, it goes on."""
    return _plan(session, target, terminate=False)


def terminate(session: Session, target: Target) -> Plan | Refusal:
    """Plan to keep a task from running, and to stop it if it runs."""
    return _plan(session, target, terminate=True)


def _plan(session: Session, target: Target, *, terminate: bool) -> Plan | Refusal:
    if target.kind != "task" or not target.key:
        return Refusal("no task is selected")
    task_id, (name, state) = target.key, _state(session, target.key)
    if state is not None and state.is_terminal:
        return Refusal(f"it is {state.value} already")
    if not terminate and state is TaskState.RUNNING:
        return Refusal("it runs already; [X] terminates it")
    word = "terminate" if terminate else "revoke"

    def command(values: Values) -> str:
        flag = ["--terminate"] if terminate else []
        return shell(session, "worker", "revoke", task_id, *flag, *reason_words(values))

    async def run(values: Values) -> Receipt:
        async def call(control: ControlClient) -> RevokeResult:
            return await control.revoke([task_id], terminate=terminate, reason=values.get("reason", "").strip())

        effect = Effect("cancelled", (task_id,))
        return await session.commander.execute(
            Request(title=word, target=task_id, shown=task_id[-12:], call=call, effect=effect, tell=_tell)
        )

    shown = visible(task_id, 64)
    effect = "does not run; if it runs, it is stopped at its next check" if terminate else "does not run any more"
    return Plan(
        title=f"{word.capitalize()} {name}?",
        lines=(
            fact("task", f"{name}  {shown}"),
            fact("state", "not known" if state is None else state.value),
            fact("effect", f"it {effect}, and ends as cancelled; that cannot be taken back", "warning"),
        ),
        fields=(reason_field(),),
        confirm_label=word.capitalize(),
        subject=shown[-8:],
        command=command({}),
        command_for=command,
        run=run,
    )
