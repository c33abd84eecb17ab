"""What is marked is acted on together, as it was when the dialog opened."""

import pytest

from stem_core.client import Answer, CommandResult, RevokeResult
from stem_core.commands import Command, Drain, Reply
from stem_core.delivery import Pause
from stem_tui.actions import Plan, Refusal, Target, find_action, plan
from stem_tui.session import Session
from stem_tui.store import ReceiptState
from tests.console.builders import WALL, frame as frame_of, life, running, snapshot, stats, text_of
from tests.console.test_actions import a_session


class Told:
    """Keeps what it was told, and answers for all workers."""

    def __init__(self) -> None:
        self.orders: list[tuple[str, tuple[str, ...]]] = []

    def _answer(self, word: str, targets) -> CommandResult:
        names = tuple(targets)
        self.orders.append((word, names))
        command = Command(id="c1", order=Drain(), targets=names, issuer="ann", issued_at=0.0, expires_at=9.0)
        replies = tuple(Answer(Reply(command_id="c1", worker=name, status="ok"), 0.01) for name in names)
        return CommandResult(command, replies, (), names, names)

    async def drain(self, *, targets):
        return self._answer("drain", targets)

    async def undrain(self, *, targets):
        return self._answer("undrain", targets)

    async def pause(self, queues, *, reason, duration):
        self.orders.append(("pause", tuple(queues)))
        return self._answer("told", ())

    async def resume(self, queues):
        self.orders.append(("resume", tuple(queues)))
        return self._answer("told", ())

    async def revoke(self, ids, *, terminate, reason):
        self.orders.append(("terminate" if terminate else "revoke", tuple(ids)))
        return RevokeResult(dict.fromkeys(ids, "cancelled"), self._answer("told", ()))


def three_workers() -> tuple[Session, Told]:
    session, told = a_session(), Told()
    session.commander.control = told
    crew = [snapshot(name, at=WALL + 1, active=2, concurrency=4) for name in ("w1", "w2")]
    crew.append(snapshot("w3", at=WALL + 1, active=1, concurrency=4, state="draining"))
    session.model.apply_workers([(each, 0.1) for each in crew], session.now())
    return session, told


def made(session: Session, action_id: str, target: Target) -> Plan:
    planned = plan(find_action(action_id), session, target)
    assert isinstance(planned, Plan), planned
    return planned


async def test_all_marked_workers_are_drained_by_one_command_that_leaves_out_who_drains_already():
    session, told = three_workers()
    planned = made(session, "worker.drain", Target("worker", "w1", ("w1", "w2", "w3")))
    shown = " ".join(map(text_of, planned.lines))
    assert planned.title == "Drain 2 workers?"
    assert "w3 drains already" in shown
    assert "they finish 4 tasks, then exit" in shown
    assert planned.command == "stem worker drain --worker w1 --worker w2"
    session.model.apply_workers([], session.now())
    receipt = await planned.run({})
    assert told.orders == [("drain", ("w1", "w2"))], "what is done is what the dialog showed"
    assert (receipt.state, receipt.target) == (ReceiptState.ACKED, "2 workers")


async def test_a_drain_of_several_is_undone_for_all_of_them():
    session, told = three_workers()
    await made(session, "worker.drain", Target("worker", "w1", ("w1", "w2"))).run({})
    draining = [snapshot(name, at=WALL + 2, state="draining") for name in ("w1", "w2")]
    session.model.apply_workers([(each, 0.1) for each in draining], session.now())
    await made(session, "undo", Target()).run({})
    assert told.orders[-1] == ("undrain", ("w1", "w2"))


def test_stopping_several_has_their_number_typed():
    session, _ = three_workers()
    assert made(session, "worker.stop", Target("worker", "w1", ("w1", "w2"))).echo == "2"
    assert made(session, "worker.stop", Target("worker", "w1")).echo is None


def test_slots_of_several_are_said_as_they_are():
    session, _ = three_workers()
    planned = made(session, "worker.scale", Target("worker", "w1", ("w1", "w2")))
    assert "each 4 slots, 4 busy" in text_of(planned.lines[0])
    assert planned.command == "stem worker scale --concurrency 4 --worker w1 --worker w2"


def test_a_marked_worker_that_ended_meanwhile_is_named():
    session, _ = three_workers()
    refused = plan(find_action("worker.stop"), session, Target("worker", "w9", ("w9",)))
    assert refused == Refusal("w9 has ended")


async def test_marked_tasks_are_revoked_together_and_what_runs_or_ended_is_left_out():
    session, told = three_workers()
    model = session.model
    held = (running("t-runs", started_at=1.0),)
    model.apply_workers([(snapshot("w1", at=WALL + 2, running=held), 0.1)], session.now())
    model.apply_frames([frame_of(*life("t-done"))], session.now())
    planned = made(session, "task.revoke", Target("task", "t1", ("t1", "t2", "t-runs", "t-done")))
    shown = " ".join(map(text_of, planned.lines))
    assert planned.title == "Revoke 2 tasks?"
    assert "2 tasks that run or have ended" in shown
    assert planned.command == "stem worker revoke t1 t2"
    receipt = await planned.run({"reason": "dup"})
    assert told.orders[0] == ("revoke", ("t1", "t2"))
    assert receipt.note == "2 waited and are cancelled"


@pytest.mark.parametrize(
    ("action_id", "number", "echo"),
    [("task.revoke", 20, None), ("task.revoke", 21, "21"), ("task.terminate", 1, None), ("task.terminate", 2, "2")],
)
def test_the_number_of_tasks_is_typed_where_it_hurts(action_id, number, echo):
    session, _ = three_workers()
    keys = tuple(f"t{place}" for place in range(number))
    assert made(session, action_id, Target("task", "t0", keys)).echo == echo


async def test_marked_queues_are_paused_together_and_undone_together():
    session, told = three_workers()
    figures = [stats("payments", ready=7, inflight=2), stats("emails", ready=3, inflight=1)]
    held = stats("exports", paused=Pause(by="ann", since=WALL))
    session.model.apply_stats([*figures, held], session.now())
    planned = made(session, "queue.pause", Target("queue", "payments", ("payments", "emails", "exports")))
    shown = " ".join(map(text_of, planned.lines))
    assert planned.title == "Pause 2 queues?"
    assert "payments, emails: 10 waiting; 1 more are paused already" in shown
    assert "3 tasks in flight" in shown
    assert planned.command == "stem worker pause --queue payments --queue emails"
    receipt = await planned.run({"reason": "", "for": ""})
    assert told.orders[0] == ("pause", ("payments", "emails"))
    assert receipt.target == "2 queues"
    paused = [stats(name, paused=Pause(by="ann", since=WALL)) for name in ("payments", "emails")]
    session.model.apply_stats(paused, session.now())
    back = made(session, "undo", Target())
    assert back.title == "Undo: Resume 2 queues?"
    await back.run({})
    assert ("resume", ("payments", "emails")) in told.orders
