"""A page about one thing: what is known of it above, a table of its tasks below."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from stem_core.text import visible
from stem_tui.actions import NO_TARGET, Target
from stem_tui.screens.page import Page
from stem_tui.screens.text_page import TextPage
from stem_tui.session import Session
from stem_tui.views import (
    queue_detail,
    queue_tasks_table,
    task_detail,
    worker_detail,
    worker_tasks_table,
)
from stem_tui.views.cells import Line, TableState, TableView
from stem_tui.widgets.live_table import LiveTable
from stem_tui.widgets.paint import squeezed
from stem_tui.widgets.panel import Panel
from stem_tui.widgets.text_panel import TextPanel

_TASKS_LEAST: Final = 6
"""Lines that the tasks get on the smallest screen: rule, headings and a few rows; and the rule of the figures."""
_FIGURES_LEAST: Final = 2


class SubjectPage(Page):
    """A subject with figures and tasks.

    Args:
        session: Where data comes from.
        subject: The queue or worker.
    """

    def __init__(self, session: Session, subject: Target) -> None:
        super().__init__(session, f"{subject.kind} {visible(subject.key, 60)}")
        self.subject = subject
        self.figures = TextPanel(visible(subject.key, 60), id="figures")
        self.figures.can_focus = False
        self.tasks = LiveTable("tasks", restless=True, id="tasks")

    def compose(self) -> ComposeResult:
        """Lay out the figures above the tasks."""
        yield self.figures
        yield self.tasks

    def panels(self) -> Sequence[Panel]:
        """Return the table of tasks; the figures are only looked at."""
        return (self.tasks,)

    @abstractmethod
    def lines(self, now: float, width: int) -> list[Line]:
        """Return the figures."""

    @abstractmethod
    def tasks_view(self, now: float, state: TableState) -> TableView:
        """Return the tasks."""

    def paint(self, now: float) -> None:
        """Pull figures and tasks."""
        room = max(_FIGURES_LEAST, self.size.height - _TASKS_LEAST)
        lines = [squeezed(line, self.size.width) for line in self.lines(now, self.inner_width)][:room]
        self.figures.show(lines)
        self.figures.styles.height = len(lines) + 1
        self.show(self.tasks, self.tasks_view(now, self.state(self.tasks)))

    def targets(self) -> Sequence[Target]:
        """Return the selected task, then the subject."""
        task = self.picked(self.tasks, "task")
        about = self.kin(self.subject) if self.subject.kind == "worker" else (self.subject,)
        return about if task.kind == "none" else (task, *about)

    def marks(self) -> LiveTable | None:
        """Return the table of tasks."""
        return self.tasks

    def opened(self) -> Target:
        """Return the selected task."""
        row = self.tasks.selected
        return Target("task", row.key) if row else NO_TARGET


class QueuePage(SubjectPage):
    """A queue."""

    CONTEXT = "queue"

    def lines(self, now: float, width: int) -> list[Line]:
        """Return the queue's figures and graph."""
        return queue_detail(self.session.model, self.subject.key, now, width, self.size.height)

    def tasks_view(self, now: float, state: TableState) -> TableView:
        """Return the queue's tasks."""
        return queue_tasks_table(self.session.model, self.subject.key, now, state)

    def enter(self) -> None:
        """Read what waits in it again and again."""
        self.session.watch_queue(self.subject.key)

    def leave(self) -> None:
        """Stop reading that."""
        self.session.watch_queue(None)


class WorkerPage(SubjectPage):
    """A worker."""

    CONTEXT = "worker"

    def lines(self, now: float, width: int) -> list[Line]:
        """Return the worker's figures."""
        return worker_detail(self.session.model, self.subject.key, now, width)

    def tasks_view(self, now: float, state: TableState) -> TableView:
        """Return what it runs."""
        return worker_tasks_table(self.session.model, self.subject.key, now, state)


class TaskPage(TextPage):
    """A task: arguments, result, traceback, timeline. It is read from the broker again while it is open."""

    CONTEXT = "task"

    def __init__(self, session: Session, subject: Target) -> None:
        super().__init__(session, f"task {visible(subject.key, 60)}")
        self.subject = subject

    def lines(self, now: float) -> Sequence[Line]:
        """Return what is known."""
        return task_detail(self.session.model, self.subject.key, now, self.inner_width)

    def targets(self) -> Sequence[Target]:
        """Return the task; if it died, the dead letter that it is, too, and its queue."""
        letter = self.session.model.letters.of_task
        if letter is None or letter.key.id != self.subject.key:
            return (self.subject,)
        return (self.subject, Target("letter", letter.key.text), Target("queue", letter.key.queue))

    def enter(self) -> None:
        """Read it again and again."""
        self.session.watch_task(self.subject.key)

    def leave(self) -> None:
        """Stop reading it."""
        self.session.watch_task(None)
