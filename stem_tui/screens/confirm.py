"""The gate before everything that changes the cluster.

The focus starts on Cancel, or in a field that must be filled in first, so that Enter pressed too often does nothing.
`y`, or moving to the other button and pressing Enter, confirms. Where a name has to be typed, the button stays disabled
until it stands there.
"""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from stem_tui.actions import Field, Plan, Values
from stem_tui.screens.dialog import Dialog, LineInput, block
from stem_tui.views.cells import Cell, Line
from stem_tui.widgets.choice import Choice
from stem_tui.widgets.lines import PushButton, TextBlock
from stem_tui.widgets.paint import fit, line_width, wrapped

_WIDTH: Final = 70
_LEAST: Final = 24
_PART: Final = 0.96
_BORDER: Final = 2
_BUTTONS: Final = 2
_FRAME: Final = 4
"""Cells of the box's border and padding; like its part of the screen the style sheet's."""


class ConfirmDialog(Dialog[Values]):
    """Asks before a plan is carried out. The answer is the values of its fields, or None.

    Args:
        plan: What would be done.
        prod: Whether this is production: the box says so.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", "previous", show=False),
        Binding("right", "app.focus_next", "next", show=False),
    ]

    def __init__(self, plan: Plan, *, prod: bool = False) -> None:
        super().__init__()
        self._plan = plan
        self._prod = prod
        self._cancel = PushButton("Cancel", id="cancel")
        self._confirm = PushButton(plan.confirm_label, tone="warning", id="confirm")
        self._fields: dict[str, LineInput | Choice] = {field.key: _widget(field) for field in plan.fields}
        self._echo = LineInput(id="echo")
        self._facts = TextBlock()
        self._room = 0
        self._problem = TextBlock(id="problem")
        self._command = TextBlock(id="command")

    def compose(self) -> ComposeResult:
        """Lay out what will happen, the fields, the command and the buttons."""
        plan = self._plan
        box = self.box(f"{plan.title} · PROD" if self._prod else plan.title)
        box.set_class(self._prod, "-prod")
        with box:
            yield self._facts
            if plan.fields or plan.echo is not None:
                with Vertical(id="fields"):
                    for field in plan.fields:
                        yield self._field(field.label, self._fields[field.key])
                    if plan.echo is not None:
                        yield block((Cell("Type "), Cell(plan.echo, "strong"), Cell(" to go ahead:")))
                        yield self._field("", self._echo)
            yield self._problem
            yield self._command
            with Horizontal(id="buttons"):
                yield self._cancel
                yield self._confirm
                yield block((Cell("tab next · y confirm · esc cancel", "muted"),))

    @staticmethod
    def _field(label: str, widget: Widget) -> Horizontal:
        return Horizontal(block((Cell(fit(label, 14), "muted"),)), widget, classes="field")

    def on_mount(self) -> None:
        """Put the focus where it does no harm, or where something must be typed before anything can be done."""
        self._wrap()
        empty = [self._fields[field.key] for field in self._plan.fields if field.required and not field.value]
        self.set_focus(empty[0] if empty else self._cancel)  # at once: keys may be on their way

    def on_resize(self) -> None:
        """Break lines anew: the box is narrower on a narrow screen."""
        self.call_after_refresh(self._wrap)

    def _wrap(self) -> None:
        """Show as many facts as there is room for. The fields and buttons are always in sight."""
        facts = [row for line in self._plan.lines for row in _hanging(line, self._width)]
        self._room = int(self.app.size.height * _PART) - _BORDER - self._fixed_lines()
        if len(facts) > self._room:
            facts = [*facts[: max(1, self._room - 1)], (Cell("  … more on a taller screen", "warning"),)]
        self._room -= len(facts)
        self._facts.show(facts)
        self.check()

    def _fixed_lines(self) -> int:
        plan = self._plan
        fields = len(plan.fields) + (2 if plan.echo is not None else 0)
        return _BUTTONS + (fields + 1 if fields else 0)

    @property
    def _width(self) -> int:
        return min(_WIDTH, max(_LEAST, int(self.app.size.width * _PART) - _FRAME))

    @property
    def _values(self) -> dict[str, str]:
        return {key: widget.value for key, widget in self._fields.items()}

    @on(LineInput.Changed)
    @on(Choice.Changed)
    def check(self) -> None:
        """Enable the button only if the values are right and the name was typed; show the command that they make."""
        plan, values = self._plan, self._values
        problem = plan.problem(values)
        tone = "muted" if values == plan.initial() else "error"
        self._problem.show(wrapped((Cell(problem, tone),), self._width) if problem else [])
        command = plan.shell_command(values)
        lines = wrapped((Cell(f"$ {command}", "muted"),), self._width) if command else []
        self._command.display = 0 < len(lines) < self._room
        self._command.show(lines)
        typed = plan.echo is None or self._echo.value.strip() == plan.echo
        self._confirm.disabled = bool(problem) or not typed
        self._confirm.refresh()

    @on(LineInput.Submitted)
    def go_on(self) -> None:
        """Go to the next field: Enter in a field never confirms."""
        self.focus_next()

    def on_key(self, event: events.Key) -> None:
        """Confirm with `y`, say no with `n`, where they are not typed into a field."""
        if event.key == "y":
            event.stop()
            self._confirm.press()
        elif event.key in {"n", "q"}:
            event.stop()
            self.answer(None)

    @on(PushButton.Pressed)
    def decide(self, event: PushButton.Pressed) -> None:
        """Answer with the fields' values, or not at all."""
        if event.button is self._cancel:
            self.answer(None)
        else:
            self.answer(self._values)


def _hanging(line: Line, width: int) -> list[Line]:
    """Return a fact in as many lines as it takes, all of them beside its label."""
    label, *text = line
    indent = line_width((label,))
    rows = wrapped(tuple(text), width - indent)
    return [(label if not place else Cell(" " * indent), *row) for place, row in enumerate(rows)]


def _widget(field: Field) -> LineInput | Choice:
    if field.choices:
        return Choice(field.choices, field.value)
    return LineInput(field.value, placeholder=field.hint)
