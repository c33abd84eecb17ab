"""What the user can do: one registry for keys, footer, help, palette, gates and receipts."""

from stem_tui.actions.catalogue import ACTIONS
from stem_tui.actions.letter_plans import going_work
from stem_tui.actions.model import NO_TARGET, Action, Field, Plan, Refusal, Target, Values
from stem_tui.actions.naming import named_target
from stem_tui.actions.registry import KINDS, find_action, pick_target, plan

__all__ = [
    "ACTIONS",
    "KINDS",
    "NO_TARGET",
    "Action",
    "Field",
    "Plan",
    "Refusal",
    "Target",
    "Values",
    "find_action",
    "going_work",
    "named_target",
    "pick_target",
    "plan",
]
