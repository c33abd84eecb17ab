"""Clusters that never change: fixed figures, fixed times. Snapshots and the README's picture show them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from stem_core import events as ev
from stem_core.client.dead_letters import Letter
from stem_core.delivery import DeadLetter, Pause, QueueStats
from stem_core.envelope import Envelope, seal
from stem_core.results import TaskError, TaskStatus
from stem_core.snapshot import ChildSnapshot, RunningTask, WorkerSnapshot
from stem_core.states import TaskState
from stem_tui.store import (
    Ack,
    ClusterModel,
    EffectState,
    Identity,
    LetterBook,
    Receipt,
    ReceiptState,
    ScheduleItem,
    Undo,
)
from stem_tui.store.letters import entry_of, key_of

NOW = 10_000.0
"""The console's monotonic clock in all pictures."""
WALL = datetime(2026, 11, 20, 21, 4, 17, tzinfo=UTC).timestamp()
HOSTILE = "\x1b[31mred\x1b]0;title\x07 [bold]x[/] \u202egnp.exe"


class Flow(NamedTuple):
    """A queue as it flows: backlog at the start and now, jobs in and out per second."""

    name: str
    start: int
    ready: int
    inward: float
    outward: float
    errors: float
    inflight: int
    oldest: float | None
    pause: Pause | None = None
    dead: int = 0
    delayed: int = 0


FLOWS = (
    Flow("payments", 2100, 12418, 41.2, 36.0, 0.074, 16, 341.0, dead=1033, delayed=210),
    Flow("emails", 420, 310, 88.0, 91.4, 0.001, 12, 3.4, delayed=12),
    Flow(
        "exports", 80, 1204, 0.8, 0.0, 0.0, 0, 1860.0, Pause(by="ann@bastion", reason="deploy 1.42", since=WALL - 840)
    ),
    Flow("default", 0, 0, 12.4, 12.4, 0.0, 3, None),
    Flow("reports", 22, 18, 0.4, 0.4, 0.0, 2, 22.0),
    Flow("webhooks", 60, 77, 55.0, 55.0, 0.012, 6, 1.2, dead=4),
    Flow("thumbnails", 0, 0, 0.0, 0.0, 0.0, 0, None),
)


def _stats(flow: Flow, ago: float, ready: int) -> QueueStats:
    ran = NOW - ago
    done = int(flow.outward * ran)
    failed = int(done * flow.errors)
    return QueueStats(
        name=flow.name, ready=ready, inflight=flow.inflight, delayed=flow.delayed, dead=flow.dead, oldest_s=flow.oldest,
        paused=flow.pause, published=int(flow.inward * ran), succeeded=done - failed, failed=failed,
    )  # fmt: skip


def _queues(model: ClusterModel) -> None:
    for step in range(60, -1, -1):
        ago = step * 10.0
        wave = (0, 3, 1, 4, 1, 5, 2, 6, 3, 5)[step % 10]
        readings = []
        for flow in FLOWS:
            part = (60 - step) / 60
            swing = wave * max(flow.start, flow.ready) // 20 if step else 0
            readings.append(_stats(flow, ago, max(0, int(flow.start + (flow.ready - flow.start) * part) - swing)))
        model.apply_stats(readings, NOW - ago - (0.3 if not step else 0.0))
    for ago in (4.8, 2.4, 0.3):
        model.apply_stats([_stats(flow, ago, flow.ready) for flow in FLOWS], NOW - ago)


def task_id(number: int) -> str:
    return f"019a9f3c-{number:04x}-7b55-8f1d-{number * 7919:012x}"


def _running(count: int, task: str, queue: str, first: int) -> tuple[RunningTask, ...]:
    return tuple(
        RunningTask(
            id=task_id(first + place),
            task=task,
            queue=queue,
            attempt=place % 3,
            started_at=WALL - 41.0 / (place + 1),
            progress=0.62 if place == 2 else None,
            note="page 5 of 8" if place == 2 else "",
        )
        for place in range(count)
    )


def _worker(
    name: str, queues: tuple[str, ...], held: int, slots: int, cpu: float, done: int, first: int, state: str = "running"
) -> WorkerSnapshot:
    children = tuple(
        ChildSnapshot(
            pid=5100 + place, busy=place < 5, task=task_id(first + place) if place < 5 else "", tasks=310 - 40 * place,
            rss=(88 + place) << 20,
        )
        for place in range(6 if queues[0] == "reports" else 0)
    )  # fmt: skip
    tasks = _running(held, f"{queues[0]}.{'charge' if queues[0] == 'payments' else 'run'}", queues[0], first)
    return WorkerSnapshot(
        worker=name, boot=f"boot-{name}", host=name.partition("@")[2], pid=4000 + first, version="0.1.0", state=state,
        at=WALL, started_at=WALL - 15_000, concurrency=slots, prefetch=slots * 2, queues=queues, broadcasts=("deploy",),
        inflight={queues[0]: held} if held else {}, running=tasks, held=held, active=held, succeeded=done,
        failed=done // 50, rss=(180 + first) * (1 << 20), cpu=cpu, lease_age=1.2, loop_lag=0.003, children=children,
        capabilities=("ping", "stats", "inspect", "revoke", "pause", "resume", "scale", "drain", "undrain", "shutdown"),
    )  # fmt: skip


WORKERS = (
    (("pay-7f9c-1@ip-10-0-4-21", ("payments",), 8, 8, 91.0, 1820, 10), 0.4),
    (("pay-7f9c-2@ip-10-0-4-22", ("payments",), 8, 8, 88.0, 1710, 30), 1.1),
    (("mail-55d-1@ip-10-0-4-30", ("emails", "webhooks"), 4, 16, 20.0, 13100, 50), 0.9),
    (("mail-55d-2@ip-10-0-4-31", ("emails", "webhooks"), 2, 16, 6.0, 9900, 70, "draining"), 1.6),
    (("rep-0c2-1@ip-10-0-4-33", ("reports", "default"), 5, 8, 34.0, 2210, 90), 0.2),
    (("exp-0a1-1@ip-10-0-4-40", ("exports",), 1, 4, 1.0, 40, 110), 27.0),
)


def _workers(model: ClusterModel) -> None:
    for ago in (60.0, 30.0, 0.2):
        seen = []
        for spec, age in WORKERS:
            snapshot = _worker(*spec)
            share = {60.0: 0.90, 30.0: 0.95, 0.2: 1.0}[ago]
            done = int(snapshot.succeeded * share)
            earlier = WorkerSnapshot(**{
                **{name: getattr(snapshot, name) for name in snapshot.__struct_fields__},
                "succeeded": done, "failed": int(snapshot.failed * share), "at": WALL - ago - age,
            })  # fmt: skip
            seen.append((earlier, age))
        model.apply_workers(seen, NOW - ago)


def _events(model: ClusterModel) -> None:
    pay, mail = "pay-7f9c-1@ip-10-0-4-21", "mail-55d-1@ip-10-0-4-30"

    def told(source: str, seq: int, *happened: ev.Event) -> None:
        model.apply_frames([ev.Frame(source, f"boot-{source}", seq, WALL, 0, list(happened))], NOW - 0.3)

    charge = (task_id(10), "payments.charge", "payments")
    told(
        pay, 0,
        ev.AfterTaskPublish(WALL - 400, *charge, 0),
        ev.TaskReceived(WALL - 60.2, *charge, 0),
        ev.TaskPrerun(WALL - 60, *charge, 0),
        ev.TaskRetry(WALL - 58, *charge, 0, 2.0, "StripeTimeout: read timed out after 2s", 15.0),
        ev.TaskPrerun(WALL - 41, *charge, 1),
    )  # fmt: skip
    told(mail, 0, ev.WorkerReady(WALL - 30, mail, ("emails", "webhooks"), (), 16))
    for place in range(6):
        at = WALL - 6 + place
        good = (task_id(200 + place), "emails.send", "emails")
        told(mail, 1 + 2 * place, ev.TaskPrerun(at, *good, 0), ev.TaskSucceeded(at + 0.2, *good, 0, 0.212))
    told(
        pay, 5,
        ev.TaskRetry(WALL - 1.2, task_id(31), "payments.charge", "payments", 3, 1.9, "StripeTimeout: timed out", 40.0),
        ev.TaskRevoked(
            WALL - 0.9, task_id(95), "reports.build", "reports", 0, "dup run", "ann@bastion", terminated=True
        ),
        ev.TaskPrerun(WALL - 0.6, task_id(12), "payments.charge", "payments", 2),
        ev.TaskFailed(WALL - 0.3, task_id(36), "payments.charge", "payments", 4, 40.0,
                      "StripeTimeout: read timed out after 40s", "max-retries-exhausted"),
    )  # fmt: skip
    told("mail-55d-2@ip-10-0-4-31", 0, ev.WorkerStopping(WALL - 0.2, "mail-55d-2@ip-10-0-4-31", "warm", "drain"))
    model.events.count(1900, NOW - 0.1)


def _waiting(model: ClusterModel) -> None:
    model.watch_queue("payments")
    model.apply_waiting(
        "payments",
        [
            TaskStatus(
                id=task_id(400 + place), name="payments.refund" if place % 5 == 4 else "payments.charge",
                queue="payments", state=TaskState.QUEUED, enqueued_at=WALL - 341 + place,
            )
            for place in range(100)
        ],
        NOW - 0.3,
    )  # fmt: skip


def _receipt(model: ClusterModel) -> None:
    model.receipts.add(
        Receipt(
            number=model.receipts.next_number(),
            title="pause",
            target="exports",
            target_key="exports",
            issuer="ann@bastion",
            at=WALL - 840,
            sent=NOW - 840,
            state=ReceiptState.ACKED,
            acks=(Ack("exp-0a1-1@ip-10-0-4-40", "ok", "", 0.1), Ack(WORKERS[0][0][0], "ok", "", 0.06)),
            acked_in=0.1,
            effect_state=EffectState.SEEN,
            effect_in=0.4,
            undo=Undo("queue.pause", "queue", "exports", {}),
        )
    )


def blank(*, prod: bool = False, read_only: bool = False) -> ClusterModel:
    """A console that was just started."""
    identity = Identity(
        name="prod-eu" if prod else "staging", prod=prod, namespace="stem", location="redis://10.0.4.7:6379",
        read_only=read_only,
    )  # fmt: skip
    model = ClusterModel(identity, started=NOW - 600.0)
    model.set_clock(WALL, NOW)
    return model


def lively(*, prod: bool = False, read_only: bool = False) -> ClusterModel:
    """A cluster with work, trouble, and a command that was just given."""
    model = blank(prod=prod, read_only=read_only)
    model.link_up(NOW - 600.0)
    _queues(model)
    _workers(model)
    _events(model)
    _receipt(model)
    _waiting(model)
    model.apply_rtt(0.004, NOW - 0.3)
    return model


_USED_UP = "max-retries-exhausted"
_CRASHED = "WorkerCrashed: 3 workers died while they ran it: mail-55d-1, mail-55d-2"
_DEATHS = (
    (700, "payments", "payments.charge", "StripeTimeout: read timed out after {n}s", _USED_UP, 11.0),
    (212, "exports", "exports.csv", "KeyError: 'sku'", _USED_UP, 400.0),
    (90, "webhooks", "webhooks.post", "HTTPError: 502 from https://hooks.example.com/{n}", _USED_UP, 30.0),
    (9, "emails", "emails.send", _CRASHED, "poison", 900.0),
    (1, "emails", HOSTILE, f"ValueError: {HOSTILE}", _USED_UP, 1.0),
)


def letters() -> list[Letter]:
    """Dead letters of five causes."""
    found = []
    for kind, (number, queue, task, error, reason, apart) in enumerate(_DEATHS):
        for place in range(number):
            id_ = task_id(36 if not kind and not place else 1000 * (kind + 1) + place)
            args = {"order": 88121 + place, "card": "4111 1111 1111 1111", "password": "hunter2"}
            envelope = Envelope(id=id_, name=task, queue=queue, args=args)
            dead = DeadLetter(
                id=id_, queue=queue, body=bytes(seal(envelope).body), reason=reason, error=error.format(n=place),
                attempt=2, deliveries=3, died_at=WALL - 4.0 - place * apart,
            )  # fmt: skip
            found.append(Letter(dead, envelope))
    return found


def no_letters() -> ClusterModel:
    """A cluster in which nothing died."""
    model = empty()
    model.letters.watch(())
    model.letters.take(LetterBook((), (), 0, NOW - 0.5))
    return model


def dead(*, prod: bool = False) -> ClusterModel:
    """A cluster whose dead letters are looked at."""
    model = lively(prod=prod)
    model.letters.watch(())
    buried = letters()
    model.letters.take(LetterBook((), map(entry_of, buried), 1345, NOW - 0.5))
    model.watch(task_id(36), key_of(buried[0]).text)
    model.apply_task(task_id(36), msgspec.structs.replace(failed_task(), id=task_id(36)), NOW - 0.5)
    return model


SCHEDULES = (
    ScheduleItem(
        name="nightly-report", label="nightly-report", task="reports.build", queue="reports",
        spec="0 3 * * * Europe/Berlin",
        args='{"report": "monthly", "token": "***"}', origin="file", next_run=WALL + 17_743, last_run=WALL - 68_657,
        last_id=task_id(700), drift=0.04, runs=212, ticks=tuple(WALL + 17_743 + 86_400 * day for day in range(5)),
    ),
    ScheduleItem(
        name="ping", label="ping", task="webhooks.post", queue="webhooks", spec="every 30s", origin="code",
        next_run=WALL + 13, last_run=WALL - 17, last_id=task_id(701), drift=0.31, runs=88_120, failures=2,
    ),
    ScheduleItem(
        name="sweep", label="sweep", task="exports.sweep", spec="every 5m", origin="code", next_run=WALL - 640,
        late=640.0, overdue=True, last_run=WALL - 940, last_id=task_id(702), drift=1.2, runs=40,
        error="BrokerFull: the broker is at its memory limit",
    ),
    ScheduleItem(
        name="old-import", label="old-import", task="imports.run", spec="0 * * * *", enabled=False, origin="file"
    ),
    ScheduleItem(name="odd", label="odd", enabled=False, problem="Object missing required field `entry`"),
)  # fmt: skip


def scheduled() -> ClusterModel:
    """A cluster whose schedules are looked at."""
    model = lively()
    model.schedules.take(SCHEDULES, NOW - 0.5)
    return model


def connecting() -> ClusterModel:
    """No broker yet."""
    model = blank()
    model.link_connecting(3, NOW + 0.8, "connection refused", NOW)
    return model


def empty() -> ClusterModel:
    """A broker with nothing on it."""
    model = blank()
    model.link_up(NOW - 25.0)
    model.apply_stats([], NOW - 0.2)
    model.apply_workers([], NOW - 0.2)
    model.apply_rtt(0.001, NOW - 0.2)
    return model


def disconnected() -> ClusterModel:
    """The broker went away 41 seconds ago."""
    model = lively()
    model.link_down("connection refused", NOW - 41.0)
    model.link_connecting(12, NOW + 0.5, "connection refused", NOW)
    return model


def failed_task() -> TaskStatus:
    """A task with all that can be shown of one, some of it hostile."""
    return TaskStatus(
        id=task_id(10), name="payments.charge", queue="payments", state=TaskState.FAILED, attempt=2,
        args={"order": 88121, "note": HOSTILE, "amount": {"value": 4200, "currency": "EUR"}},
        error=TaskError(
            type="StripeTimeout", message=f"read timed out after 40s {HOSTILE}",
            traceback='Traceback (most recent call last):\n  File "payments/charge.py", line 88, in charge\n'
            "    resp = client.post(url, json=body, timeout=40)\n"
            '  File "payments/http.py", line 31, in post\n    raise StripeTimeout(f"read timed out after {t}s")\n'
            f"payments.http.StripeTimeout: read timed out after 40s {HOSTILE}",
        ),
        reason="max-retries-exhausted", worker="pay-7f9c-1@ip-10-0-4-21", deliveries=3, enqueued_at=WALL - 400,
        started_at=WALL - 41, finished_at=WALL - 1,
    )  # fmt: skip


def hostile() -> ClusterModel:
    """A cluster whose names were chosen by an enemy of terminals."""
    model = blank()
    model.link_up(NOW - 60)
    model.apply_stats([QueueStats(name=HOSTILE, ready=3)], NOW - 0.3)
    snapshot = _worker(f"w{HOSTILE}", (HOSTILE,), 1, 2, 1.0, 5, 10)
    model.apply_workers([(snapshot, 0.3)], NOW - 0.3)
    failed = ev.TaskFailed(
        WALL - 1, HOSTILE, HOSTILE, HOSTILE, 0, 1.0, f"ValueError: {HOSTILE}", "max-retries-exhausted"
    )
    model.apply_frames([ev.Frame(f"w{HOSTILE}", "b", 0, WALL, 0, [failed])], NOW - 0.3)
    return model
