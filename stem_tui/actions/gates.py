"""How much is asked before something is done: one level more in production."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from stem_tui.actions.model import Action, Plan
from stem_tui.actions.shared import reason_field

ECHO: Final = 2
"""The gate at which a name must be typed."""
REASON: Final = 3
"""The gate at which a reason must be given as well."""


def in_production(made: Plan, action: Action) -> Plan:
    """Return the plan behind the next higher gate: its subject must be typed, and for heavy actions a reason given."""
    if not action.gate:
        return made
    gate = action.gate + 1
    if gate >= ECHO:
        made = replace(made, echo=made.echo or made.subject)
    return _with_reason(made) if gate >= REASON else made


def _with_reason(made: Plan) -> Plan:
    reason = reason_field(required=True)._replace(hint="kept on the receipt")
    kept = tuple(field._replace(required=True) if field.key == "reason" else field for field in made.fields)
    asked = any(field.key == "reason" for field in kept)
    return replace(made, fields=kept if asked else (*kept, reason))
