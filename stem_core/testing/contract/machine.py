"""Random histories: whatever is done to a store in whatever order, it must be as the model says. Needs Hypothesis.

Give `check_histories` a way to open an empty store:

    def test_random_histories() -> None:
        check_histories(open_my_store, examples=20)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from stem_core.delivery import Delivery, Outcome, Pause, Revocation, Settled, Upkeep
from stem_core.envelope import Sealed
from stem_core.results import TaskRecord, encode_record
from stem_core.states import TaskState
from stem_core.testing.contract.harness import LEASE, Store, job, let_leases_run_out, outcome, take
from stem_core.testing.contract.model import Model, ModelJob

T = TypeVar("T")
Opening = Callable[[], AbstractAsyncContextManager[Store]]

QUEUE = "q"
SHORT = LEASE / 2
OWNERS = st.sampled_from(["w1", "w2", "w3"])
CANCELLED = encode_record(TaskRecord(state=TaskState.CANCELLED)).removesuffix(b"}") + b',"envelope":null}'


class Histories(RuleBasedStateMachine):
    """One queue, three workers that may die or sleep, and an operator."""

    opening: Opening

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.sent: list[Sealed] = []
        self.taken: list[Delivery] = []
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self.store = self.run(self._stack.enter_async_context(type(self).opening()))
        self.broker = self.store.broker

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    @rule(priority=st.sampled_from([0, 0, 5, 9]), delayed=st.booleans())
    def enqueue(self, priority: int, delayed: bool) -> None:
        sealed = job(QUEUE, priority=priority, delay=SHORT if delayed else 0.0)
        self.run(self.broker.publish([sealed]))
        self.sent.append(sealed)
        self.model.jobs[sealed.id] = ModelJob(sealed.id, priority, "delayed" if delayed else "ready")
        self.model.counters["published"] += 1

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def enqueue_again_what_is_known(self, data: st.DataObject) -> None:
        self.run(self.broker.publish([data.draw(st.sampled_from(self.sent))]))

    @rule(owner=OWNERS, limit=st.integers(1, 4))
    def fetch(self, owner: str, limit: int) -> None:
        ready = self.model.at("ready")
        found = self.run(take(self.broker, limit, owner, (QUEUE,)))
        assert len(found) <= limit
        assert len({delivery.id for delivery in found}) == len(found)
        if self.model.paused:
            assert found == []
        else:
            assert len(found) >= min(limit, len(ready))
        for delivery in found:
            expected = self.model.jobs[delivery.id]
            assert expected.where in ("ready", "delayed")
            self.model.fetched(delivery)
            told = (delivery.attempt, delivery.deliveries, delivery.crashes, delivery.priority)
            assert told == (expected.attempt, expected.deliveries, expected.crashes, expected.priority)
            assert (delivery.revoked is not None) == expected.revoked
        self.taken += found

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        delivery = data.draw(st.sampled_from(self.taken))
        held = self.model.jobs[delivery.id]
        if held.settled(delivery) is Settled.COMMITTED:
            delivery.started = held.started = True
            self.run(self.broker.begin([delivery]))

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), kind=st.sampled_from(list(Outcome)), delayed=st.booleans())
    def settle(self, data: st.DataObject, kind: Outcome, delayed: bool) -> None:
        delivery = data.draw(st.sampled_from(self.taken))
        expected = self.model.jobs[delivery.id].settled(delivery)
        delay = SHORT if delayed else 0.0
        assert self.run(self.broker.settle([outcome(delivery, kind, delay=delay)])) == [expected]
        if expected is Settled.COMMITTED:
            self.model.finish(self.model.jobs[delivery.id], kind, delayed=delayed)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def revoke(self, data: st.DataObject) -> None:
        chosen = self.model.jobs[data.draw(st.sampled_from(sorted(self.model.jobs)))]
        until = self.run(self.broker.time()) + 3600.0
        (answer,) = self.run(self.broker.revoke([Revocation(id=chosen.id, until=until)], {chosen.id: CANCELLED}))
        if chosen.where in ("ready", "delayed"):
            assert answer == "cancelled"
            chosen.where = "ended"
            self.model.counters["cancelled"] += 1
        else:
            assert answer == ("pending" if chosen.where == "held" else "ended")
            chosen.revoked = chosen.where == "held"

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.run(self.broker.pause([QUEUE], Pause(by="ann")) if paused else self.broker.resume([QUEUE]))
        self.model.paused = paused

    @precondition(lambda self: self.model.at("dead"))
    @rule(data=st.data(), again=st.booleans())
    def replay_or_purge(self, data: st.DataObject, again: bool) -> None:
        chosen = data.draw(st.sampled_from(self.model.at("dead")))
        act = self.broker.replay if again else self.broker.purge
        assert self.run(act(QUEUE, [chosen.id, "unknown"])) == 1
        if again:
            chosen.where, chosen.attempt, chosen.crashes = "ready", 0, 0
            self.model.counters["published"] += 1
        else:
            chosen.where = "ended"

    @rule(alive=st.sets(OWNERS))
    def let_a_lease_pass(self, alive: set[str]) -> None:
        self.run(let_leases_run_out(self.store))
        held = {name: self._held_by(name) for name in ("w1", "w2", "w3")}
        for name in alive:
            # Renewing is blocking and called from a thread, as a worker's lease keeper does.
            assert all(self.run(asyncio.to_thread(self.broker.renew, held[name])))
        done = self._upkeep()
        assert done.lost == 0
        assert done.reclaimed == sum(len(jobs) for name, jobs in held.items() if name not in alive)
        self.model.owners_died({"w1", "w2", "w3"} - alive)
        for waiting in self.model.at("delayed"):
            waiting.where = "ready"

    def _held_by(self, owner: str) -> list[Delivery]:
        mine = [delivery for delivery in self.taken if delivery.owner == owner]
        return [each for each in mine if self.model.jobs[each.id].settled(each) is Settled.COMMITTED]

    def _upkeep(self) -> Upkeep:
        return self.run(self.broker.upkeep([QUEUE]))

    @invariant()
    def figures_are_those_of_the_model(self) -> None:
        (stats,) = self.run(self.broker.stats([QUEUE]))
        assert stats.ready + stats.delayed == len(self.model.at("ready", "delayed"))
        assert stats.inflight == len(self.model.at("held"))
        assert stats.dead == len(self.model.at("dead"))
        assert (stats.paused is not None) == self.model.paused
        for name in ("published", "succeeded", "failed", "cancelled", "retried"):
            assert getattr(stats, name) == self.model.counters[name], name

    def teardown(self) -> None:
        try:
            self._everything_comes_to_its_end()
        finally:
            self.run(self._stack.aclose())
            self._runner.close()

    def _everything_comes_to_its_end(self) -> None:
        self.pause(paused=False)
        self.let_a_lease_pass(alive=set())
        while found := self.run(take(self.broker, 100, "last", (QUEUE,))):
            assert set(self.run(self.broker.settle([outcome(delivery) for delivery in found]))) == {Settled.COMMITTED}
            for delivery in found:
                self.model.jobs[delivery.id].where = "ended"
        records = self.run(self.broker.results().get(sorted(self.model.jobs)))
        assert [task_id for task_id, record in zip(sorted(self.model.jobs), records, strict=True) if not record] == []
        (stats,) = self.run(self.broker.stats([QUEUE]))
        assert (stats.ready, stats.inflight, stats.delayed) == (0, 0, 0)


def check_histories(opening: Opening, *, examples: int, steps: int = 30) -> None:
    """Try random histories on a store.

    Args:
        opening: Opens an empty store each time it is called; its lease is `harness.LEASE`.
        examples: How many histories.
        steps: Steps of each, at most.
    """
    machine = type("StoreHistories", (Histories,), {"opening": staticmethod(opening)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
