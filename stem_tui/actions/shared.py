"""What the plans of all actions have in common."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from stem_core.durations import parse_duration
from stem_core.errors import StemError
from stem_tui.actions.model import Field, Values
from stem_tui.views.cells import Cell, Line

if TYPE_CHECKING:
    from stem_tui.session import Session


def fact(name: str, text: str, tone: str = "") -> Line:
    """Return a line of a dialog: a word, and what is to be said about it."""
    return (Cell(f"  {name:<9} ", "muted"), Cell(text, tone))


def shell(session: Session, *words: str) -> str:
    """Return a `stem` command for this console's namespace; of a demo also where it is, since no setting knows that."""
    namespace, identity = session.settings.config.namespace, session.model.identity
    scope = [] if namespace == "stem" else ["--namespace", namespace]
    place = ["--broker", identity.location] if identity.demo else []
    return shlex.join(["stem", *words, *place, *scope])


ECHO_ABOVE: Final = 20
"""Of more things than this at once their number must be typed, whatever is done to them."""
_NAMED: Final = 4


def listed(names: Sequence[str]) -> str:
    """Return the first names of many, and how many more there are."""
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def tallied(names: Iterable[str]) -> str:
    """Return names with how often each is there, the most frequent first: `12 payments.charge, 3 emails.send`."""
    counts = Counter(names)
    return listed([f"{number:,} {name}" for name, number in counts.most_common()])


def echo_of(number: int, *, above: int = ECHO_ABOVE) -> str | None:
    """Return what must be typed before so many things are changed at once, or None."""
    return str(number) if number > above else None


def shell_with_ids(session: Session, words: Sequence[str], ids: Sequence[str], more: Sequence[str] = ()) -> str:
    """Return a `stem` command about things that may be too many to be named: of those it says how many are missing."""
    command = shell(session, *words, *ids[:_NAMED], *more)
    return command if len(ids) <= _NAMED else f"{command}   # and {len(ids) - _NAMED:,} more ids"


def reason_field(*, required: bool = False) -> Field:
    """Return the field for the reason of a command."""
    return Field("reason", "reason", required=required, hint="shown to everyone who looks")


def reason_words(values: Values) -> list[str]:
    """Return the reason as words of a shell command."""
    reason = values.get("reason", "").strip()
    return ["--reason", reason] if reason else []


def duration_problem(text: str, name: str) -> str | None:
    """Return why a text is no duration, or None; an empty one is fine."""
    try:
        if text.strip():
            parse_duration(text, name)
    except StemError as error:
        return str(error)
    return None


def whole_number_problem(text: str, name: str, most: int) -> str | None:
    """Return why a text is no whole number from 1 to `most`, or None."""
    if text.strip().isdecimal() and 1 <= int(text) <= most:
        return None
    return f"{name} is {text!r}; it takes a whole number from 1 to {most}"
