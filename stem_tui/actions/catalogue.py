"""All that the user can do: the one list from which keys, footer, help, palette, `:` bar and gates are made."""

from __future__ import annotations

from functools import partial
from typing import Final

from stem_tui.actions import (
    arming_plans,
    letter_plans,
    local_plans,
    queue_plans,
    schedule_plans,
    task_plans,
    worker_plans,
    worker_stop,
)
from stem_tui.actions.model import Action
from stem_tui.actions.undo import undo

_find: Final = partial(Action, group="find")
_view: Final = partial(Action, group="view")
_act: Final = partial(Action, group="act", gate=1)
_change: Final = partial(_act, changes_cluster=True, footer=True)
"""What a page's selection can be told; the footer says so there."""


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
    _find(
        id="find.filter",
        keys=("slash",),
        title="filter",
        help="Show only rows that match: text, !without, ~fuzzy, field:value.",
        footer=True,
        takes="TEXT",
    ),
    _find(id="find.faults", keys=("asterisk",), title="faults only", help="Show only rows in trouble."),
    _find(
        id="view.sort",
        keys=("s",),
        title="sort",
        help="Choose the column to sort by; the same one again reverses it.",
        footer=True,
        takes="COLUMN",
    ),
    _find(
        id="mark.toggle",
        keys=("space",),
        title="mark",
        help="Mark the row, or take its mark back: what is done next is done to all that is marked.",
        footer=True,
        pages=("letters", "queue", "worker"),
    ),
    _find(id="mark.all", keys=("a",), title="mark all", help="Mark all rows that the filter leaves."),
    _find(id="mark.none", keys=("A",), title="unmark all", help="Take all marks back."),
)

ACTS: Final = (
    _change(
        id="queue.pause",
        keys=("p",),
        title="pause / resume queue",
        help="Stop all workers from fetching from the queue, or let them fetch again. Can be undone.",
        context="queue",
        plan=queue_plans.pause_or_resume,
        words=("resume",),
        takes="QUEUE",
    ),
    _change(
        id="worker.drain",
        keys=("d",),
        title="drain / undrain",
        help="Let the worker finish what it runs, then exit; or take that back while it lasts.",
        context="worker",
        plan=worker_plans.drain_or_undrain,
        words=("undrain",),
        takes="WORKER",
    ),
    _change(
        id="worker.stop",
        keys=("K",),
        title="stop worker",
        help="Stop the worker: soft asks its tasks to stop, hard hands everything back at once (type its name).",
        context="worker",
        gate=2,
        plan=worker_stop.stop,
        takes="WORKER",
    ),
    _change(
        id="worker.scale",
        keys=("S",),
        title="scale worker",
        help="Change the worker's number of slots. Can be undone.",
        context="worker",
        plan=worker_plans.scale,
        takes="SLOTS [WORKER]",
        fills="slots",
    ),
    _act(
        id="worker.inspect",
        keys=("i",),
        title="inspect worker",
        help="Ask the worker for all that it has: its tasks, and which of them were revoked.",
        gate=0,
        context="worker",
        plan=worker_plans.inspect,
        takes="WORKER",
    ),
    _change(
        id="task.revoke",
        keys=("x",),
        title="revoke task",
        help="Keep a task that has not started from running.",
        context="task",
        plan=task_plans.revoke,
        takes="ID",
    ),
    _change(
        id="task.terminate",
        keys=("X",),
        title="terminate task",
        help="Keep a task from running, and stop it if it runs.",
        context="task",
        gate=2,
        plan=task_plans.terminate,
        takes="ID",
    ),
    _change(
        id="letters.replay",
        keys=("R",),
        title="replay dead letters",
        help="Make the dead letter ready again, or all that are marked, or all of the cause.",
        context="letter",
        plan=letter_plans.replay,
    ),
    _change(
        id="letters.delete",
        keys=("D",),
        title="delete dead letters",
        help="Delete the dead letter for good, or all that are marked, or all of the cause.",
        context="letter",
        gate=2,
        plan=letter_plans.delete,
    ),
    _change(
        id="schedule.switch",
        keys=("o",),
        title="schedule on / off",
        short="on/off",
        help="Disable the schedule, or enable it again; ticks that pass meanwhile are not made up for. Can be undone.",
        context="schedule",
        plan=schedule_plans.switch,
        words=("enable", "disable"),
        takes="SCHEDULE",
    ),
    _act(
        id="letters.break_off",
        keys=("b",),
        title="break a replay off",
        help="Stop a replay or deletion after its next step; what was not done yet stays as it is.",
        gate=0,
        plan=letter_plans.break_off,
        words=("stop replay",),
    ),
    _act(
        id="local.start",
        keys=("L",),
        title="start a local worker",
        help="Start a worker as a process of its own on this machine, and show what it writes.",
        changes_cluster=True,
        plan=local_plans.start,
        takes="APP",
        fills="app",
    ),
    _change(
        id="local.stop",
        keys=("W",),
        title="stop local worker",
        short="stop local",
        help="Stop a worker process that this console started: warm, then hard.",
        context="local",
        plan=local_plans.stop,
        takes="WORKER",
    ),
    _act(
        id="undo",
        keys=("u",),
        title="undo",
        help="Take the last pause, drain, scale or switch back; the dialog says what will be sent.",
        changes_cluster=True,
        plan=undo,
    ),
    _act(
        id="rw.arm",
        keys=("ctrl+w",),
        title="arm / disarm changes",
        help="Let a read-only profile change the cluster until 15 minutes pass without a command; or take that back.",
        plan=arming_plans.arm_or_disarm,
        words=("rw", "ro"),
    ),
)

VIEWS: Final = (
    _view(
        id="view.describe",
        keys=("v",),
        title="describe",
        help="Show all that is known of what is selected.",
    ),
    _view(
        id="go.queue",
        keys=(),
        title="queue",
        help="Open a queue by name.",
        context="queue",
        takes="QUEUE",
    ),
    _view(
        id="go.worker",
        keys=(),
        title="worker",
        help="Open a worker by name.",
        context="worker",
        takes="WORKER",
    ),
    _view(
        id="go.task",
        keys=(),
        title="task",
        help="Open a task by its id, or by the end of it.",
        context="task",
        takes="ID",
    ),
    _view(
        id="go.overview",
        keys=(),
        title="overview",
        help="Go back to queues, workers and events.",
        words=("queues", "workers", "events"),
    ),
    _view(
        id="go.dead",
        keys=("e",),
        title="dead letters",
        help="Show dead letters, newest first: those of the queue that is open, or all.",
        footer=True,
        pages=("overview", "queue"),
        words=("dlq",),
        takes="QUEUE",
    ),
    _view(
        id="go.causes",
        keys=("c",),
        title="causes of death",
        help="Group dead letters by cause: reason, error and task; once more lists them again.",
        footer=True,
        pages=("letters",),
    ),
    _view(
        id="go.outcomes",
        keys=("f",),
        title="outcomes by task",
        help="Show how the runs of each task ended in the last ten minutes: which fail, how often and why.",
        words=("failures", "failing", "errors"),
    ),
    _view(
        id="go.schedules",
        keys=("t",),
        title="schedules",
        help="Show what is enqueued when, and how well it is served.",
        words=("timetable", "cron"),
    ),
    _view(id="go.local", keys=("w",), title="local workers", help="Show this console's workers."),
    _view(id="go.receipts", keys=("r",), title="receipts", help="Show what became of commands."),
    _view(
        id="view.freeze",
        keys=("z",),
        title="freeze",
        help="Let the display stand still; data keeps coming in.",
        footer=True,
    ),
    _view(
        id="view.theme",
        keys=(),
        title="theme",
        help="Choose the colours.",
        takes="NAME",
    ),
    _view(id="view.help", keys=("question_mark",), title="help", help="Show all keys.", footer=True),
    _view(
        id="cmd.bar",
        keys=("colon",),
        title="command",
        help="Type the name of an action or page.",
        footer=True,
    ),
    _view(id="cmd.palette", keys=("ctrl+p",), title="palette", help="Choose an action from a list."),
    _view(id="cmd.refresh", keys=("ctrl+r",), title="refresh", help="Read the broker now."),
    _view(id="copy", keys=("y",), title="copy id", help="Copy the id of what is selected."),
    _view(
        id="quit", keys=("q",), title="back / quit", help="Back; quits on the first page.", group="view", footer=True
    ),
    _view(id="quit.now", keys=("ctrl+q",), title="quit", help="Quit."),
)

ACTIONS: Final = (*MOVES, *FINDS, *ACTS, *VIEWS)
