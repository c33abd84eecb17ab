"""All that the user can do: one list, from which keys, footer, help, palette and gates are made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stem_tui.actions import local_plans, queue_plans, task_plans, worker_plans
from stem_tui.actions.model import NO_TARGET, Action, Plan, Refusal, Target
from stem_tui.actions.undo import undo
from stem_tui.commander import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from stem_tui.actions.model import Values
    from stem_tui.session import Session
    from stem_tui.store import Receipt


def _move(action: str, keys: tuple[str, ...], title: str, help_: str, *, footer: bool = False) -> Action:
    return Action(id=f"nav.{action}", keys=keys, title=title, help=help_, group="move", footer=footer)


MOVES: Final = (
    _move("down", ("j", "down"), "row down", "One row down."),
    _move("up", ("k", "up"), "row up", "One row up."),
    _move("top", ("g", "home"), "top", "The first row."),
    _move("end", ("G", "end"), "end", "The last row."),
    _move("half_down", ("ctrl+d", "pagedown"), "half page down", "Half a page down."),
    _move("half_up", ("ctrl+u", "pageup"), "half page up", "Half a page up."),
    _move("left", ("h", "left"), "columns left", "Scroll to the columns at the left."),
    _move("right", ("l", "right"), "columns right", "Scroll to the columns at the right."),
    _move("panel.1", ("1",), "panel 1", "Go to panel 1; once more gives it the whole screen, and takes that back."),
    _move("panel.2", ("2",), "panel 2", "Go to panel 2; once more gives it the whole screen, and takes that back."),
    _move("panel.3", ("3",), "panel 3", "Go to panel 3; once more gives it the whole screen, and takes that back."),
    _move("next", ("tab",), "next panel", "Go to the next panel."),
    _move("prev", ("shift+tab",), "previous panel", "Go to the previous panel."),
    _move("open", ("enter",), "open", "Open what is selected.", footer=True),
    _move("back", ("escape",), "back", "Close this page, or clear its filter."),
)

FINDS: Final = (
    Action(
        id="find.filter",
        keys=("slash",),
        title="filter",
        help="Show only rows that match: text, !without, ~fuzzy, field:value.",
        group="find",
        footer=True,
    ),
    Action(id="find.faults", keys=("asterisk",), title="faults only", help="Show only rows in trouble.", group="find"),
    Action(
        id="view.sort",
        keys=("s",),
        title="sort",
        help="Choose the column to sort by; the same one again reverses it.",
        group="find",
        footer=True,
    ),
)

ACTS: Final = (
    Action(
        id="queue.pause",
        keys=("p",),
        title="pause / resume queue",
        help="Stop all workers from fetching from the queue, or let them fetch again. Can be undone.",
        group="act",
        context="queue",
        gate=1,
        changes_cluster=True,
        footer=True,
        plan=queue_plans.pause_or_resume,
    ),
    Action(
        id="worker.drain",
        keys=("d",),
        title="drain / undrain worker",
        help="Let the worker finish what it runs, then exit; or take that back while it lasts.",
        group="act",
        context="worker",
        gate=1,
        changes_cluster=True,
        footer=True,
        plan=worker_plans.drain_or_undrain,
    ),
    Action(
        id="worker.stop",
        keys=("K",),
        title="stop worker soft / hard",
        help="Stop the worker: soft asks its tasks to stop, hard hands everything back at once (type its name).",
        group="act",
        context="worker",
        gate=2,
        changes_cluster=True,
        footer=True,
        plan=worker_plans.stop,
    ),
    Action(
        id="worker.scale",
        keys=("S",),
        title="scale worker",
        help="Change the worker's number of slots. Can be undone.",
        group="act",
        context="worker",
        gate=1,
        changes_cluster=True,
        footer=True,
        plan=worker_plans.scale,
    ),
    Action(
        id="worker.inspect",
        keys=("i",),
        title="ping worker",
        help="Ask the worker how it is; the answer stands on the receipt line.",
        group="act",
        context="worker",
        plan=worker_plans.inspect,
    ),
    Action(
        id="task.revoke",
        keys=("x",),
        title="revoke task",
        help="Keep a task that has not started from running.",
        group="act",
        context="task",
        gate=1,
        changes_cluster=True,
        footer=True,
        plan=task_plans.revoke,
    ),
    Action(
        id="task.terminate",
        keys=("X",),
        title="terminate task",
        help="Keep a task from running, and stop it if it runs.",
        group="act",
        context="task",
        gate=2,
        changes_cluster=True,
        footer=True,
        plan=task_plans.terminate,
    ),
    Action(
        id="local.start",
        keys=("L",),
        title="start a local worker",
        help="Start a worker as a process of its own on this machine, and show what it writes.",
        group="act",
        gate=1,
        changes_cluster=True,
        plan=local_plans.start,
    ),
    Action(
        id="local.stop",
        keys=("W",),
        title="stop local worker",
        short="stop local",
        help="Stop a worker process that this console started: warm, then hard.",
        group="act",
        context="local",
        gate=1,
        changes_cluster=True,
        footer=True,
        plan=local_plans.stop,
    ),
    Action(
        id="undo",
        keys=("u",),
        title="undo",
        help="Take the last pause, drain or scale back; the dialog says what will be sent.",
        group="act",
        gate=1,
        changes_cluster=True,
        plan=undo,
    ),
)

VIEWS: Final = (
    Action(
        id="view.describe",
        keys=("v",),
        title="describe",
        help="Show all that is known of what is selected.",
        group="view",
    ),
    Action(id="go.local", keys=("w",), title="local workers", help="Show this console's workers.", group="view"),
    Action(id="go.receipts", keys=("r",), title="receipts", help="Show what became of commands.", group="view"),
    Action(
        id="view.freeze",
        keys=("z",),
        title="freeze",
        help="Let the display stand still; data keeps coming in.",
        group="view",
        footer=True,
    ),
    Action(id="view.help", keys=("question_mark",), title="help", help="Show all keys.", group="view", footer=True),
    Action(
        id="cmd.bar",
        keys=("colon",),
        title="command",
        help="Type the name of an action or page.",
        group="view",
        footer=True,
    ),
    Action(id="cmd.palette", keys=("ctrl+p",), title="palette", help="Choose an action from a list.", group="view"),
    Action(id="cmd.refresh", keys=("ctrl+r",), title="refresh", help="Read the broker now.", group="view"),
    Action(id="copy", keys=("y",), title="copy id", help="Copy the id of what is selected.", group="view"),
    Action(
        id="quit", keys=("q",), title="back / quit", help="Back; quits on the first page.", group="view", footer=True
    ),
    Action(id="quit.now", keys=("ctrl+q",), title="quit", help="Quit.", group="view"),
)

ACTIONS: Final = (*MOVES, *FINDS, *ACTS, *VIEWS)
_KINDS: Final = {"queue": "queue", "worker": "worker", "task": "task", "local": "local worker"}
_BY_ID: Final = {action.id: action for action in ACTIONS}


def find_action(action_id: str) -> Action | None:
    """Return the action of that id, or None."""
    return _BY_ID.get(action_id)


def pick_target(action: Action, candidates: Sequence[Target]) -> Target:
    """Return the first of what is selected that the action can act on; the first of all if it needs nothing."""
    if action.context == "any":
        return candidates[0] if candidates else NO_TARGET
    return next((target for target in candidates if target.kind == action.context), NO_TARGET)


def plan(action: Action, session: Session, target: Target) -> Plan | Refusal:
    """Return what the action would do to the target, or why it cannot be done now. The scope is pinned here."""
    if action.plan is None:
        return Refusal(f"{action.title} asks nothing")
    if action.changes_cluster and session.model.identity.read_only:
        return Refusal(f"{READ_ONLY}: {action.title} is off")
    if not action.id.startswith("local."):
        reason = session.commander.refusal() if action.changes_cluster else None
        if reason is not None:
            return Refusal(reason)
    if action.context not in {"any", target.kind}:
        return Refusal(f"{action.title}: select a {_KINDS[action.context]} first")
    made = action.plan(session, target)
    return made if isinstance(made, Refusal) else replace(made, run=_checked(made, session, target))


def _checked(made: Plan, session: Session, target: Target) -> Callable[[Values], Coroutine[object, object, Receipt]]:
    """Return what carries the plan out, unless its values are wrong: the gate holds whatever the screen lets pass."""

    async def run(values: Values) -> Receipt:
        wrong = made.problem(values)
        if wrong is None:
            return await made.run(values)
        receipt = session.commander.open_receipt(made.confirm_label.lower(), target.key)
        return session.commander.refuse(receipt, wrong)

    return run
