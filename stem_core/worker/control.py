"""Obeying commands from the control topic, and answering them."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from stem_core.commands import (
    CONTROL_TOPIC,
    Command,
    Drain,
    Inspect,
    Order,
    PauseQueues,
    Ping,
    RateLimit,
    Reply,
    ResumeQueues,
    Revoke,
    Scale,
    Shutdown,
    ShutdownMode,
    Stats,
    Undrain,
    decode_command,
    encode_reply,
    order_name,
    reply_topic,
)
from stem_core.envelope import MAX_ENVELOPE_BYTES
from stem_core.errors import BrokerError, StemError, UsageError
from stem_core.events import ControlCommandCompleted, ControlCommandReceived
from stem_core.refusals import RefusalLog
from stem_core.text import visible
from stem_core.worker.autoscale import Autoscaler
from stem_core.worker.core import Core
from stem_core.worker.finish import Finisher
from stem_core.worker.gate import Gate
from stem_core.worker.heartbeat import Heartbeat
from stem_core.worker.limits import Limits
from stem_core.worker.settings import check_slots
from stem_core.worker.shutdown import Shutdown as Stopper
from stem_core.worker.stopping import revoke

_WAIT: Final = 2.0
_REPLY_TTL: Final = 120.0
_ALL: Final = 10_000
_ANSWERABLE: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""Command ids that may name a reply topic."""


class Orders:
    """What each order does here. Methods return the reply's payload.

    Args:
        core: What the worker's duties share.
        finisher: Takes what is handed back.
        heartbeat: For snapshots.
        stopper: For the end.
        autoscaler: For bounds, and to change the number of slots.
        limits: For rate limits.
    """

    def __init__(
        self,
        core: Core,
        finisher: Finisher,
        heartbeat: Heartbeat,
        stopper: Stopper,
        autoscaler: Autoscaler,
        limits: Limits,
    ) -> None:
        self._core = core
        self._finisher = finisher
        self._heartbeat = heartbeat
        self._stopper = stopper
        self._autoscaler = autoscaler
        self._limits = limits

    async def carry_out(self, order: Order, issuer: str) -> dict[str, object]:
        """Do what is asked.

        Raises:
            StemError: It cannot be done; the message says why.
        """
        match order:
            case Ping() | Stats():
                return self._told(order)
            case Inspect():
                return await self._inspect()
            case Revoke():
                told = revoke(self._core, self._finisher, order.revocations)
                return {"cancelled": told.cancelled, "terminating": told.terminating, "ignored": told.ignored}
            case PauseQueues() | ResumeQueues():
                return self._pause(order)
            case RateLimit():
                await self._limits.load()
                return {"task": order.task, "rate": self._limits.written(order.task)}
            case _:
                return self._change(order, issuer)

    def _told(self, order: Ping | Stats) -> dict[str, object]:
        if isinstance(order, Stats):
            return {"snapshot": self._snapshot(200)}
        core = self._core
        return {"state": core.state, "queues": core.settings.queues, "inflight": len(core.window.held)}

    def _change(self, order: Scale | Drain | Undrain | Shutdown, issuer: str) -> dict[str, object]:
        self._heartbeat.soon()
        match order:
            case Scale():
                return self._scale(order, issuer)
            case Drain():
                return self._stop(ShutdownMode.WARM, None, issuer)
            case Shutdown():
                return self._stop(order.mode, order.grace, issuer)
            case Undrain():
                if not self._stopper.undrain(issuer):
                    raise UsageError("the worker is past draining", "only a drain can be taken back")
                return {"state": self._core.state, "active": self._stopper.active, "returned": 0}

    def _snapshot(self, shown: int) -> object:
        return msgspec.to_builtins(self._heartbeat.snapshot(shown))

    async def _inspect(self) -> dict[str, object]:
        ids = [job.delivery.id for job in self._core.window.held]
        known = await self._core.broker.revoked(ids) if ids else []
        return {
            "snapshot": self._snapshot(_ALL),
            "revoked": msgspec.to_builtins(known),
            "rates": self._limits.told(),
            "scaling": self._scaling(),
        }

    def _scaling(self) -> dict[str, object]:
        scaler = self._autoscaler
        least = scaler.config.min_concurrency if scaler.config is not None else None
        return {"min": least, "max": scaler.maximum, "last": scaler.last and scaler.last._asdict()}

    def _pause(self, order: PauseQueues | ResumeQueues) -> dict[str, object]:
        ours = [queue for queue in order.queues if queue in self._core.settings.queues]
        if isinstance(order, ResumeQueues):
            self._core.window.room.set()
            return {"queues": ours}
        waiting = self._core.window.withdraw(lambda job: not job.broadcast and job.delivery.queue in ours)
        return {"queues": ours, "returned": self._finisher.hand_back(waiting)}

    def _scale(self, order: Scale, issuer: str) -> dict[str, object]:
        window, scaler = self._core.window, self._autoscaler
        before = window.concurrency
        if order.concurrency is None and order.minimum is None and order.maximum is None:
            raise UsageError("the scale command names no number", "give concurrency, minimum or maximum")
        for name in ("concurrency", "minimum", "maximum"):
            if getattr(order, name) is not None:
                check_slots(name, getattr(order, name))
        config = scaler.config
        if order.minimum is not None or order.maximum is not None:
            config = scaler.within(order.minimum, order.maximum)
        low, high = (1, None) if config is None else (config.min_concurrency, scaler.maximum_of(config))
        wanted = before if order.concurrency is None else order.concurrency
        if order.concurrency is not None and high is not None and not low <= wanted <= high:
            raise UsageError(f"concurrency {wanted} is outside {low} to {high}", "change minimum and maximum as well")
        wanted = min(max(wanted, low), wanted if high is None else high)
        scaler.obey(config, wanted, f"command of {issuer}")
        self._heartbeat.max_concurrency = scaler.maximum
        bounds = (None, None) if high is None else (low, high)
        return {"before": before, "after": window.concurrency, "min": bounds[0], "max": bounds[1]}

    def _stop(self, mode: ShutdownMode, grace: float | None, issuer: str) -> dict[str, object]:
        returned = self._stopper.request(mode, grace, f"command of {issuer}")
        return {"state": self._core.state, "active": self._stopper.active, "returned": returned}


class Control:
    """Reads commands from the worker's own start on.

    Args:
        core: What the worker's duties share.
        orders: What to do.
        gate: Which commands are obeyed.
        refusals: Is told what is refused.
    """

    def __init__(self, core: Core, orders: Orders, gate: Gate, refusals: RefusalLog) -> None:
        self._core = core
        self._orders = orders
        self._gate = gate
        self._refusals = refusals
        self._cursor = ""

    async def mark_start(self) -> None:
        """Note where the topic ends now; earlier commands are not for this worker."""
        self._cursor = await self._core.broker.tail(CONTROL_TOPIC)

    async def run(self) -> None:
        """Obey for ever."""
        while True:
            for message in await self._core.broker.read({CONTROL_TOPIC: self._cursor}, 100, _WAIT):
                self._cursor = message.cursor
                await self._obey(message.body)

    async def _obey(self, body: bytes) -> None:
        core = self._core
        fault = self._gate.signature_fault(body)
        command = self._decoded(body)
        if command is None:
            core.counts.refused += bool(fault)
            return
        if command.targets and core.settings.id not in command.targets:
            return
        name, issuer = order_name(command.order), visible(command.issuer, 100)
        command_id = visible(command.id, 128)
        await core.reporter.tell_now(
            ControlCommandReceived(core.clock.time(), core.settings.id, name, command_id, issuer)
        )
        status, detail, payload = self._refusal(command, fault, issuer) or await self._result(command, issuer)
        if _ANSWERABLE.fullmatch(command.id):
            await self._answer(command, status, detail, payload)
        await core.reporter.tell_now(
            ControlCommandCompleted(core.clock.time(), core.settings.id, name, command_id, issuer, status, detail)
        )

    def _refusal(self, command: Command, fault: str, issuer: str) -> tuple[str, str, dict[str, Any]] | None:
        core = self._core
        reason = "unsigned" if fault else "not fresh"
        fault = fault or self._gate.command_fault(command, core.broker_time())
        if not fault:
            return None
        core.counts.refused += 1
        self._refusals.tell(
            "commands", reason, f"the command {order_name(command.order)} of {issuer} is refused: {fault}"
        )
        return "refused", fault, {}

    async def _result(self, command: Command, issuer: str) -> tuple[str, str, dict[str, Any]]:
        try:
            return "ok", "", await self._orders.carry_out(command.order, issuer)
        except BrokerError:
            raise
        except StemError as error:
            return "error", str(error), {}

    async def _answer(self, command: Command, status: str, detail: str, payload: dict[str, Any]) -> None:
        core = self._core
        reply = Reply(
            command_id=command.id, worker=core.settings.id, status=status, error=detail, payload=payload,
            at=core.clock.time(),
        )  # fmt: skip
        await core.broker.append(reply_topic(command.id), [encode_reply(reply)], _REPLY_TTL)

    def _decoded(self, body: bytes) -> Command | None:
        # Also what is not trusted is read, as far as needed to say to its sender that it was refused.
        if len(body) > MAX_ENVELOPE_BYTES:
            self._refusals.tell("commands", "unreadable", f"a command of {len(body):,} bytes is refused")
            return None
        try:
            return decode_command(body)
        except msgspec.MsgspecError as error:
            self._refusals.tell("commands", "unreadable", f"something on the control topic is no command: {error}")
            return None
