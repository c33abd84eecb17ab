"""What programs, the command line and the console use to reach a cluster.

The names are loaded when they are first used: a command that only looks needs nothing of what a producer needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stem_core.exports import on_demand

if TYPE_CHECKING:
    from stem_core.client.answers import Answer, CommandResult, RevokeResult
    from stem_core.client.cluster import ClusterClient, EventBatch, SeenWorker
    from stem_core.client.collecting import GroupStatus
    from stem_core.client.control import ControlClient
    from stem_core.client.dead_letters import DeadLetters, Letter, LetterFilter
    from stem_core.client.function import TaskFunction
    from stem_core.client.groups import EnqueuedGroup
    from stem_core.client.job import Job
    from stem_core.client.listing import TaskFilter
    from stem_core.client.membership import LostMember
    from stem_core.client.stem import Stem

_PLACES: Final = {
    "Answer": "stem_core.client.answers",
    "ClusterClient": "stem_core.client.cluster",
    "CommandResult": "stem_core.client.answers",
    "ControlClient": "stem_core.client.control",
    "DeadLetters": "stem_core.client.dead_letters",
    "EnqueuedGroup": "stem_core.client.groups",
    "EventBatch": "stem_core.client.cluster",
    "GroupStatus": "stem_core.client.collecting",
    "Job": "stem_core.client.job",
    "Letter": "stem_core.client.dead_letters",
    "LetterFilter": "stem_core.client.dead_letters",
    "LostMember": "stem_core.client.membership",
    "RevokeResult": "stem_core.client.answers",
    "SeenWorker": "stem_core.client.cluster",
    "Stem": "stem_core.client.stem",
    "TaskFilter": "stem_core.client.listing",
    "TaskFunction": "stem_core.client.function",
}

__all__ = [
    "Answer",
    "ClusterClient",
    "CommandResult",
    "ControlClient",
    "DeadLetters",
    "EnqueuedGroup",
    "EventBatch",
    "GroupStatus",
    "Job",
    "Letter",
    "LetterFilter",
    "LostMember",
    "RevokeResult",
    "SeenWorker",
    "Stem",
    "TaskFilter",
    "TaskFunction",
]

if not TYPE_CHECKING:
    __getattr__, __dir__ = on_demand(globals(), _PLACES)
