"""What a task puts into context variables, such as whom it works for, is for no other task to see."""

from __future__ import annotations

from contextvars import ContextVar

import pytest

from stem_core.stores.memory import InMemoryBroker
from tests.worker.child_app import APP, stem
from tests.worker.cluster import Cluster

tenant: ContextVar[object] = ContextVar("tenant", default="nobody")


class Touchy:
    """A value that cannot be compared."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        raise ArithmeticError

    def __hash__(self) -> int:
        return 0


def seen() -> str:
    value = tenant.get()
    return value.name if isinstance(value, Touchy) else str(value)


@pytest.mark.parametrize(("outside", "left"), [("nobody", "somebody"), (Touchy("nobody"), Touchy("somebody"))])
async def test_each_task_in_a_slot_begins_with_the_variables_of_its_worker(
    memory: Cluster, outside: object, left: object
) -> None:
    async def inline() -> str:
        before = seen()
        tenant.set(left)
        return before

    def in_a_thread() -> str:
        before = seen()
        tenant.set(left)
        return before

    memory.task("inline", inline)
    memory.task("thread", in_a_thread)
    tenant.set(outside)
    await memory.worker(concurrency=1)
    ids = [await memory.send(name) for name in ("inline", "thread", "inline", "inline", "thread")]
    assert [(await memory.ended(each)).result for each in ids] == ["nobody"] * 5


@pytest.mark.process
async def test_each_task_in_a_child_process_begins_with_no_others_variables(namespace: str) -> None:
    cluster = Cluster(InMemoryBroker(namespace))
    cluster.registry = stem.registry
    await cluster.worker(app=APP, concurrency=1)
    ids = [await cluster.send(name) for name in ("tenant", "tenant", "atenant", "atenant", "tenant")]
    assert [(await cluster.ended(each)).result for each in ids] == ["nobody"] * 5
    await cluster.close()
