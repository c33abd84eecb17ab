"""Commands to workers, and their answers."""

# ruff: noqa: ASYNC109 - running out of time gives a part of the answers, not a cancellation
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from stem_core.client.answers import Collector, CommandResult, OnReply, RevokeResult
from stem_core.client.cancelled import tell_groups
from stem_core.client.issuer import default_issuer
from stem_core.client.liveness import SeenWorker, seen_workers
from stem_core.client.rate_limits import write_rate
from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.commands import (
    CONTROL_TOPIC,
    MAX_COMMAND_LIFE,
    Command,
    Drain,
    Inspect,
    Order,
    PauseQueues,
    Ping,
    RateLimit,
    ResumeQueues,
    Revoke,
    Scale,
    Shutdown,
    ShutdownMode,
    Stats,
    Undrain,
    encode_command,
)
from stem_core.delivery import Pause, Revocation
from stem_core.durations import Duration, seconds
from stem_core.envelope import check_name, new_task_id
from stem_core.errors import UsageError
from stem_core.results import TaskRecord, encode_record
from stem_core.signing import PayloadSigner, command_scope
from stem_core.states import TaskState
from stem_core.stores.port import Broker

DEFAULT_TIMEOUT: Final = 5.0
REVOCATION_LIFE: Final = 86400.0
"""Seconds that a revocation stands if nothing else is said: as long as a result is kept."""

_EXPIRY_MARGIN: Final = 5.0


class ControlClient:
    """Gives commands to the workers of one namespace.

    Args:
        broker: The broker they listen on.
        issuer: Who commands; `user@host` if None.
        timeout: Seconds to wait for answers.
        clock: Measures the waiting.
        signer: Signs commands; if None, what the environment asks for.
    """

    def __init__(
        self,
        broker: Broker,
        *,
        issuer: str | None = None,
        timeout: Duration = DEFAULT_TIMEOUT,
        clock: Clock = SYSTEM_CLOCK,
        signer: PayloadSigner | None = None,
    ) -> None:
        self.signer = PayloadSigner.from_environment() if signer is None else signer
        self.issuer = issuer or default_issuer()
        self._broker = broker
        self._timeout = seconds(timeout)
        self._clock = clock

    async def send(
        self,
        order: Order,
        *,
        targets: Iterable[str] = (),
        timeout: Duration | None = None,
        expires: Duration | None = None,
        on_reply: OnReply | None = None,
        awaited: Iterable[str] = (),
    ) -> CommandResult:
        """Send an order, and return once each named worker, or each that is alive, has answered, or time is up.

        A named worker that the broker does not know at all is not waited for: it is missing.

        Args:
            order: What to do.
            targets: Worker ids; empty for all.
            timeout: Seconds to wait for answers; the client's own if None.
            expires: Seconds after which workers refuse it; five more than the timeout if None. At most 300 are signed.
            on_reply: Called with each answer as it arrives.
            awaited: Workers to wait for, if not all that are told.
        """
        names = tuple(dict.fromkeys(targets))
        needed = tuple(dict.fromkeys(awaited)) or names
        patience = self._timeout if timeout is None else seconds(timeout)
        life = patience + _EXPIRY_MARGIN if expires is None else seconds(expires)
        command, body = self._sealed(order, names, life, await self._broker.time())
        seen = seen_workers(await self._broker.presences())
        live = tuple(worker.snapshot.worker for worker in seen if worker.alive)
        sent_at = self._clock.monotonic()
        await self._broker.append(CONTROL_TOPIC, [body])
        collector = Collector(self._clock, sent_at, patience, on_reply)
        answers = await collector.collect(self._broker, command.id, _expected(needed, live, seen))
        missing = tuple(name for name in needed or live if name not in answers)
        return CommandResult(command, tuple(answers.values()), missing, live, needed)

    def _sealed(self, order: Order, targets: tuple[str, ...], life: float, now: float) -> tuple[Command, bytes]:
        if self.signer is not None:
            life = min(life, MAX_COMMAND_LIFE)
        command = Command(
            id=new_task_id(),
            order=order,
            targets=targets,
            issuer=self.issuer,
            issued_at=now,
            expires_at=now + life,
        )
        body = encode_command(command)
        if self.signer is not None:
            body = self.signer.sign(body, command_scope(self._broker.namespace))
        return command, body

    async def ping(self, *, targets: Iterable[str] = (), timeout: Duration | None = None) -> CommandResult:
        """Ask who is there."""
        return await self.send(Ping(), targets=targets, timeout=timeout)

    async def stats(self, *, targets: Iterable[str] = (), timeout: Duration | None = None) -> CommandResult:
        """Ask for each worker's snapshot."""
        return await self.send(Stats(), targets=targets, timeout=timeout)

    async def inspect(self, *, targets: Iterable[str] = (), timeout: Duration | None = None) -> CommandResult:
        """Ask for each worker's snapshot with all of its tasks, and the revocations that it knows."""
        return await self.send(Inspect(), targets=targets, timeout=timeout)

    async def revoke(
        self,
        ids: Sequence[str],
        *,
        terminate: bool = False,
        reason: str = "",
        expires: Duration = REVOCATION_LIFE,
        targets: Iterable[str] = (),
        timeout: Duration | None = None,
    ) -> RevokeResult:
        """Keep tasks from running: first in the broker, which is what counts, then told to the workers.

        A group learns of a member that is cancelled, as it does of one that fails.

        Args:
            ids: Task ids.
            terminate: Stop them if they run, too.
            reason: Why; kept in the tasks' records.
            expires: Seconds that the broker remembers it for tasks that a worker holds, or that are unknown yet.
            targets: Workers whose answers to wait for; the revocation holds for all.
            timeout: Seconds to wait for the workers' answers.
        """
        chosen = tuple(dict.fromkeys(ids))
        if not chosen:
            raise UsageError("no task is named", "give at least one task id")
        now = await self._broker.time()
        revocations = tuple(
            Revocation(id=id_, by=self.issuer, reason=reason, terminate=terminate, until=now + seconds(expires))
            for id_ in chosen
        )
        record = encode_record(
            TaskRecord(
                state=TaskState.CANCELLED,
                reason=reason or f"revoked by {self.issuer}",
                finished_at=now,
                envelope=msgspec.Raw(b"null"),
            )
        )
        outcomes = await self._broker.revoke(revocations, dict.fromkeys(chosen, record))
        ended = [id_ for id_, outcome in zip(chosen, outcomes, strict=True) if outcome != "pending"]
        await tell_groups(self._broker, ended)
        sent = await self.send(Revoke(revocations), awaited=targets, timeout=timeout)
        return RevokeResult(dict(zip(chosen, outcomes, strict=True)), sent)

    async def pause(
        self,
        queues: Sequence[str],
        *,
        reason: str = "",
        duration: Duration | None = None,
        targets: Iterable[str] = (),
        timeout: Duration | None = None,
    ) -> CommandResult:
        """Stop fetches from queues: first in the broker, for all workers, which then hand back what has not started.

        Args:
            queues: Queue names.
            reason: Why.
            duration: Seconds until the queues go on by themselves; None for never.
            targets: Workers whose answers to wait for; the pause holds for all.
            timeout: Seconds to wait for answers.
        """
        names = _queue_names(queues)
        until = None if duration is None else await self._broker.time() + seconds(duration)
        await self._broker.pause(names, Pause(by=self.issuer, reason=reason, until=until))
        return await self.send(PauseQueues(names, reason), awaited=targets, timeout=timeout)

    async def resume(
        self, queues: Sequence[str], *, targets: Iterable[str] = (), timeout: Duration | None = None
    ) -> CommandResult:
        """Let queues go on: first in the broker, then told to the workers."""
        names = _queue_names(queues)
        await self._broker.resume(names)
        return await self.send(ResumeQueues(names), awaited=targets, timeout=timeout)

    async def scale(
        self,
        concurrency: int | None = None,
        *,
        minimum: int | None = None,
        maximum: int | None = None,
        targets: Iterable[str] = (),
        timeout: Duration | None = None,
    ) -> CommandResult:
        """Set the number of slots of each worker, or the bounds of its autoscaling."""
        _check_scale(concurrency, minimum, maximum)
        return await self.send(Scale(concurrency, minimum, maximum), targets=targets, timeout=timeout)

    async def rate_limit(
        self, task: str, rate: str | None, *, targets: Iterable[str] = (), timeout: Duration | None = None
    ) -> CommandResult:
        """Set how often a task may start, all workers together: first in the broker, then told to the workers.

        Args:
            task: Task name.
            rate: `10/s`, `100/m` or `5/h`; None for no limit; `default` for what the task's own options say.
            targets: Workers whose answers to wait for; the limit holds for all.
            timeout: Seconds to wait for answers.

        Raises:
            UsageError: The rate is none.
        """
        await write_rate(self._broker, task, rate)
        return await self.send(RateLimit(task, "none" if rate is None else rate), awaited=targets, timeout=timeout)

    async def drain(self, *, targets: Iterable[str] = (), timeout: Duration | None = None) -> CommandResult:
        """Let workers finish what they run, and end."""
        return await self.send(Drain(), targets=targets, timeout=timeout)

    async def undrain(self, *, targets: Iterable[str] = (), timeout: Duration | None = None) -> CommandResult:
        """Take a drain back."""
        return await self.send(Undrain(), targets=targets, timeout=timeout)

    async def shutdown(
        self,
        mode: ShutdownMode = ShutdownMode.WARM,
        *,
        grace: Duration | None = None,
        targets: Iterable[str] = (),
        timeout: Duration | None = None,
    ) -> CommandResult:
        """End workers; `grace` is how many seconds tasks get in soft mode."""
        order = Shutdown(mode, None if grace is None else seconds(grace))
        return await self.send(order, targets=targets, timeout=timeout)


def _expected(names: tuple[str, ...], live: tuple[str, ...], seen: list[SeenWorker]) -> frozenset[str]:
    if not names:
        return frozenset(live)
    return frozenset(names) & {worker.snapshot.worker for worker in seen}


def _queue_names(queues: Sequence[str]) -> tuple[str, ...]:
    if not queues:
        raise UsageError("no queue is named", "give at least one queue")
    return tuple(dict.fromkeys(check_name("queue", queue) for queue in queues))


def _check_scale(concurrency: int | None, minimum: int | None, maximum: int | None) -> None:
    if concurrency is None and minimum is None and maximum is None:
        raise UsageError("nothing is to be scaled", "give a concurrency, or a minimum and a maximum")
    for name, number in (("concurrency", concurrency), ("minimum", minimum), ("maximum", maximum)):
        if number is not None and number < 1:
            raise UsageError(f"{name} is {number}", "use 1 or more")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise UsageError(f"minimum {minimum} is over maximum {maximum}", "swap them")
