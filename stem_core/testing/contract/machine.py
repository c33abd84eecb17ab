"""Random histories: whatever is done to a store in whatever order, it must be as the model says. Needs Hypothesis.

Give `check_histories` a way to open an empty store:

    def test_random_histories() -> None:
        check_histories(open_my_store, examples=20)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

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
NUMBERS = st.integers(0, 1000)
"""Which of whatever there is. Drawn blindly, since what there is may depend on a real server's clock."""
OWNERS = st.sampled_from(["w1", "w2", "w3"])
CANCELLED = encode_record(TaskRecord(state=TaskState.CANCELLED)).removesuffix(b"}") + b',"envelope":null}'


def _one_of(choices: Sequence[T], number: int) -> list[T]:
    return [choices[number % len(choices)]] if choices else []


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

    @initialize()
    def begin_with_some_work(self) -> None:
        self.enqueue(priorities=[0, 0, 5, 0])

    @rule(priorities=st.lists(st.sampled_from([0, 5, 9]), min_size=1, max_size=5))
    def enqueue(self, priorities: list[int]) -> None:
        self._publish([job(QUEUE, priority=priority) for priority in priorities], "ready")

    @rule(priority=st.sampled_from([0, 9]))
    def enqueue_for_later(self, priority: int) -> None:
        self._publish([job(QUEUE, priority=priority, delay=SHORT)], "delayed")

    def _publish(self, batch: list[Sealed], where: str) -> None:
        self.run(self.broker.publish(batch))
        self.sent += batch
        for sealed in batch:
            self.model.jobs[sealed.id] = ModelJob(sealed.id, sealed.priority, where)
        self.model.counters["published"] += len(batch)

    @rule(number=NUMBERS)
    def enqueue_again_what_is_known(self, number: int) -> None:
        self.run(self.broker.publish(_one_of(self.sent, number)))

    @rule(owner=OWNERS)
    def fetch_all(self, owner: str) -> None:
        self.fetch(owner, 100)

    @rule(owner=OWNERS, limit=st.integers(1, 6))
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

    @rule(number=NUMBERS)
    def begin(self, number: int) -> None:
        for delivery in _one_of(self.taken, number):
            held = self.model.jobs[delivery.id]
            if held.settled(delivery) is Settled.COMMITTED:
                delivery.started = held.started = True
                self.run(self.broker.begin([delivery]))

    @rule(number=NUMBERS, kind=st.sampled_from(list(Outcome)), delayed=st.booleans())
    def settle(self, number: int, kind: Outcome, delayed: bool) -> None:
        for delivery in _one_of(self.taken, number):
            expected = self.model.jobs[delivery.id].settled(delivery)
            delay = SHORT if delayed else 0.0
            assert self.run(self.broker.settle([outcome(delivery, kind, delay=delay)])) == [expected]
            if expected is Settled.COMMITTED:
                self.model.finish(self.model.jobs[delivery.id], kind, delayed=delayed)

    @rule(number=NUMBERS)
    def revoke(self, number: int) -> None:
        for chosen in _one_of(list(self.model.jobs.values()), number):
            self._revoke(chosen)

    def _revoke(self, chosen: ModelJob) -> None:
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

    @rule(number=NUMBERS, again=st.booleans())
    def replay_or_purge(self, number: int, again: bool) -> None:
        for chosen in _one_of(self.model.at("dead"), number):
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


def check_histories(opening: Opening, *, examples: int, steps: int = 40) -> None:
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
