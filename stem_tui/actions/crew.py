"""The workers that an action is about: one, or all that were marked, pinned when its dialog opens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from stem_core.client import CommandResult, ControlClient
from stem_core.text import plural, visible
from stem_tui.actions.model import Refusal, Target
from stem_tui.actions.shared import fact, listed
from stem_tui.commander import Request
from stem_tui.store import Effect, Receipt, Undo, WorkerEntry, WorkerState
from stem_tui.views.cells import Line

if TYPE_CHECKING:
    from stem_tui.session import Session


class Crew(NamedTuple):
    """Workers that are told the same.

    Args:
        workers: At least one.
        left_out: Why others that were marked are not among them.
    """

    workers: tuple[WorkerEntry, ...]
    left_out: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Their ids, as commands need them."""
        return tuple(worker.id for worker in self.workers)

    @property
    def one(self) -> WorkerEntry | None:
        """The only worker, None if there are several."""
        return self.workers[0] if len(self.workers) == 1 else None

    @property
    def title(self) -> str:
        """What they are called in a dialog and on the receipt."""
        return self.workers[0].label if len(self.workers) == 1 else plural(len(self.workers), "worker")

    @property
    def subject(self) -> str:
        """What is typed to name them: the worker's name, or how many they are."""
        return self.workers[0].label if len(self.workers) == 1 else str(len(self.workers))

    @property
    def active(self) -> int:
        """Tasks that they run."""
        return sum(worker.snapshot.active for worker in self.workers)

    def facts(self, more: str) -> tuple[Line, ...]:
        """Return who they are, as lines of a dialog."""
        who = fact("worker", f"{self.title}: {more}")
        if len(self.workers) > 1:
            who = fact("workers", f"{listed([worker.label for worker in self.workers])}: {more}")
        return (who, *(fact("" if place else "left out", text) for place, text in enumerate(self.left_out[:3])))

    def words(self) -> list[str]:
        """Return who they are, as words of a shell command."""
        return [word for name in self.ids for word in ("--worker", name)]


def find_crew(
    session: Session, target: Target, command: str, *, wanted: Callable[[WorkerEntry], str]
) -> Crew | Refusal:
    """Return the workers that can be told a command.

    Args:
        session: Where they are known.
        target: What is selected or marked.
        command: What they must answer.
        wanted: Says why a worker is left out for another reason, or nothing.
    """
    found: list[WorkerEntry] = []
    left_out: list[str] = []
    for key in target.keys:
        worker = session.model.workers.get(key)
        reason = _refusal(session, worker, command) or wanted(worker) if worker is not None else _unknown(target, key)
        if worker is None or reason:
            left_out.append(reason)
        else:
            found.append(worker)
    if not found:
        return Refusal(left_out[0] if left_out else "no worker is selected")
    return Crew(tuple(found), tuple(left_out))


def _unknown(target: Target, key: str) -> str:
    return f"{visible(key, 60)} has ended" if target.marked else "no worker is selected"


def _refusal(session: Session, worker: WorkerEntry, command: str) -> str:
    if worker.state(session.now()) is WorkerState.GONE:
        return f"{worker.label} is gone; it would not hear"
    able = worker.snapshot.capabilities
    return f"{worker.label} does not answer {command}" if able and command not in able else ""


def tell(
    session: Session,
    crew: Crew,
    title: str,
    call: Callable[[ControlClient], Awaitable[CommandResult]],
    effect: Effect,
    undo: Undo | None = None,
) -> Awaitable[Receipt]:
    """Send the workers a command, and write its receipt."""
    target = crew.ids[0] if crew.one is not None else ""
    request = Request(title=title, target=target, shown=crew.title, call=call, effect=effect, undo=undo)
    return session.commander.execute(request)


def undo_of(action: str, crew: Crew, values: dict[str, str] | None = None) -> Undo:
    """Return what takes back what these workers are told."""
    several: Sequence[str] = crew.ids if crew.one is None else ()
    return Undo(action, "worker", crew.ids[0], values or {}, tuple(several))
