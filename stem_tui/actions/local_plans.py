"""Starting and stopping worker processes on this machine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from stem_core.commands import ShutdownMode
from stem_core.envelope import check_name
from stem_core.errors import StemError
from stem_tui.actions.model import Field, Plan, Refusal, Target, Values
from stem_tui.actions.shared import fact, shell, whole_number_problem
from stem_tui.commander import READ_ONLY
from stem_tui.store import Effect, EffectState, LocalWorker, Receipt, ReceiptState

if TYPE_CHECKING:
    from stem_tui.session import Session

MAX_SLOTS: Final = 10_000
_APP: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def _queues(values: Values) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in values.get("queues", "").split(",") if name.strip()))


def _check(values: Values) -> str | None:
    app, slots = values.get("app", "").strip(), values.get("slots", "").strip()
    if _APP.fullmatch(app) is None:
        return f"app is {app!r}; it takes module:attribute, such as shop.tasks:stem"
    try:
        for queue in _queues(values):
            check_name("queue", queue)
    except StemError as error:
        return str(error)
    return whole_number_problem(slots, "slots", MAX_SLOTS) if slots else None


def start(session: Session, target: Target) -> Plan | Refusal:
    """Plan to start a worker process; it remembers what the last one was started with."""
    reason = session.source.refuses_local_workers
    if reason:
        return Refusal(reason)
    last = session.last_local
    queue = target.key if target.kind == "queue" else last.get("queues", "")

    def command(values: Values) -> str:
        queues = [word for name in _queues(values) for word in ("--queue", name)]
        slots = values.get("slots", "").strip()
        more = ["--concurrency", slots] if slots else []
        return shell(session, "worker", "start", "--app", values.get("app", "").strip() or "M:A", *queues, *more)

    async def run(values: Values) -> Receipt:
        session.last_local = dict(values)
        slots = values.get("slots", "").strip()
        return await _start(session, values["app"].strip(), _queues(values), int(slots) if slots else None)

    fields = (
        Field("app", "app", last.get("app", session.settings.app), required=True, hint="module:attribute"),
        Field("queues", "queues", queue, hint="names, separated by commas; empty for the default queue"),
        Field("slots", "slots", last.get("slots", ""), hint="a whole number; empty for its own default"),
    )
    plan_values = {field.key: field.value for field in fields}
    return Plan(
        title="Start a local worker?",
        lines=(
            fact("where", "a process of its own, ended together with this console"),
            fact("cluster", f"{session.model.identity.location}, namespace {session.settings.config.namespace}"),
        ),
        fields=fields,
        confirm_label="Start",
        subject=session.model.identity.title,
        command=command(plan_values),
        command_for=command,
        check=_check,
        run=run,
    )


async def _start(session: Session, app: str, queues: tuple[str, ...], slots: int | None) -> Receipt:
    commander = session.commander
    receipt = commander.open_receipt("start local worker", app)
    if session.model.identity.read_only:
        return commander.refuse(receipt, READ_ONLY)
    try:
        worker = await session.local.start(app, queues, slots)
    except OSError as error:
        return commander.refuse(receipt, f"the process could not be started: {error.strerror}", ReceiptState.FAILED)
    receipt.target_key, receipt.target = worker.key, worker.key
    receipt.state, receipt.note = ReceiptState.ACKED, f"pid {worker.pid}"
    receipt.effect, receipt.effect_state = Effect("present", (worker.key,)), EffectState.WAITING
    session.model.touch()
    return receipt


def _next_mode(worker: LocalWorker) -> str:
    return "warm" if worker.stop_asked_at is None else "hard"


def stop(session: Session, target: Target) -> Plan | Refusal:
    """Plan to stop a local worker: warm first, hard if it was told before."""
    worker = session.model.local.get(target.key)
    if worker is None or not worker.is_alive:
        return Refusal("no running local worker is selected")
    mode = _next_mode(worker)
    signals = {"warm": "TERM", "soft": "INT", "hard": "QUIT"}

    def command(values: Values) -> str:
        return f"kill -{signals.get(values.get('mode', mode), 'TERM')} {worker.pid}"

    async def run(values: Values) -> Receipt:
        chosen = ShutdownMode(values.get("mode", mode))
        receipt = session.commander.open_receipt(f"stop {chosen.value}", worker.key)
        if not session.local.stop(worker.key, chosen):
            return session.commander.refuse(receipt, "it has ended already")
        receipt.state, receipt.note = ReceiptState.ACKED, f"told pid {worker.pid}"
        receipt.effect, receipt.effect_state = Effect("stopped", (worker.key,)), EffectState.WAITING
        session.model.touch()
        return receipt

    return Plan(
        title=f"Stop {worker.key}?",
        lines=(
            fact("worker", f"{worker.key}: pid {worker.pid}, app {worker.app}"),
            fact("effect", "warm finishes what runs; soft asks tasks to stop; hard hands everything back at once"),
        ),
        fields=(Field("mode", "mode", mode, ("warm", "soft", "hard"), required=True),),
        confirm_label="Stop",
        subject=worker.key,
        command=command({}),
        command_for=command,
        run=run,
    )
