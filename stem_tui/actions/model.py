"""What an action is, and what it asks before it acts."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from stem_tui.store import Receipt, letter_key
from stem_tui.views.cells import Line

if TYPE_CHECKING:
    from stem_tui.session import Session

Values: TypeAlias = Mapping[str, str]


class Target(NamedTuple):
    """What an action is about.

    Args:
        kind: `queue`, `worker`, `task`, `letter`, `schedule`, `local` or `none`.
        key: Name or id of what is selected.
        marked: Names or ids of all that was marked, if anything was: then the action is about these.
    """

    kind: str = "none"
    key: str = ""
    marked: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call what is selected: a dead letter by the id of its task."""
        return letter_key(self.key).id if self.kind == "letter" else self.key

    @property
    def keys(self) -> tuple[str, ...]:
        """Names or ids of all that the action is about."""
        return self.marked or (self.key,)


NO_TARGET: Final = Target()


class Refusal(NamedTuple):
    """Why an action cannot be done now."""

    reason: str


class Field(NamedTuple):
    """Something to fill in or to choose.

    Args:
        key: Its name in the values handed to `Plan.run`.
        label: Shown before it.
        value: What it starts with.
        choices: If not empty, the words to choose from; otherwise it is typed.
        required: Whether it may not be left empty.
        hint: What it takes.
    """

    key: str
    label: str
    value: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What would be done. Its scope was pinned when it was made.

    Args:
        title: Of the dialog.
        lines: Target, effect and warnings.
        fields: What can be set.
        confirm_label: On the button that goes ahead.
        subject: What production has typed first: the name of what it is about.
        echo: Text that must be typed first, or None.
        command: The same as a shell command.
        run: Does it, with the values of the fields.
        command_for: The shell command, given the values; None for `command` always.
        check: Says what is wrong with the values; None if nothing can be.
    """

    title: str
    lines: tuple[Line, ...]
    confirm_label: str
    command: str
    run: Callable[[Values], Coroutine[object, object, Receipt]]
    fields: tuple[Field, ...] = ()
    subject: str = ""
    echo: str | None = None
    command_for: Callable[[Values], str] | None = None
    check: Callable[[Values], str | None] | None = None

    def initial(self) -> dict[str, str]:
        """Return the values that the fields start with."""
        return {field.key: field.value for field in self.fields}

    def filled(self, key: str, value: str) -> Plan:
        """Return the plan with a field that starts with another value."""
        fields = tuple(field._replace(value=value) if field.key == key else field for field in self.fields)
        return replace(self, fields=fields)

    def shell_command(self, values: Values) -> str:
        """Return the shell command for these values."""
        return self.command_for(values) if self.command_for is not None else self.command

    def problem(self, values: Values) -> str | None:
        """Return what is wrong with these values, or None. `run` refuses them for the same reason."""
        for field in self.fields:
            value = values.get(field.key, "").strip()
            if field.required and not value:
                return f"{field.label} is needed"
            if field.choices and value not in field.choices:
                return f"{field.label} is one of {', '.join(field.choices)}"
        return self.check(values) if self.check is not None else None


Planner: TypeAlias = "Callable[[Session, Target], Plan | Refusal]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Action:
    """Something that the user can do.

    Args:
        id: Its name, by which keys are remapped.
        keys: Keys that do it, in Textual's names; empty for what is only typed.
        title: What it does, in a few words.
        help: What it does, in a sentence.
        group: Heading in the help: `move`, `find`, `act`, `view`.
        context: The kind of thing it acts on (`queue`, `worker`, `task`, …), or `any` if it needs none.
        gate: 0 none, 1 a dialog, 2 a dialog with something to type where it hurts, 3 with a reason as well.
        changes_cluster: Whether a read-only console refuses it.
        footer: Whether the footer shows it.
        pages: Contexts of the pages whose footer shows it; all if empty.
        plan: Makes the dialog; None for what only looks or moves.
        short: What the footer says; the first word of the title if empty.
        words: Further words by which the `:` bar knows it.
        takes: What may follow the word there, as help writes it; empty for nothing.
        fills: The field of the plan that its first word fills; what is left names the target.
    """

    id: str
    keys: tuple[str, ...]
    title: str
    help: str
    group: str
    context: str = "any"
    gate: int = 0
    changes_cluster: bool = False
    footer: bool = False
    pages: tuple[str, ...] = ()
    plan: Planner | None = None
    short: str = ""
    words: tuple[str, ...] = ()
    takes: str = ""
    fills: str = ""
