"""What the user can do: one registry for keys, footer, help, palette, gates and receipts."""

from stem_tui.actions.model import NO_TARGET, Action, Field, Plan, Refusal, Target, Values
from stem_tui.actions.registry import ACTIONS, find_action, pick_target, plan

__all__ = [
    "ACTIONS",
    "NO_TARGET",
    "Action",
    "Field",
    "Plan",
    "Refusal",
    "Target",
    "Values",
    "find_action",
    "pick_target",
    "plan",
]
