"""How many slots a worker should have: a pure decision, and the loop that carries it out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from stem_core.durations import seconds
from stem_core.worker.core import Core
from stem_core.worker.settings import WorkerAutoscaleConfig


@dataclass(frozen=True, slots=True)
class Reading:
    """What is decided on.

    Args:
        now: Monotonic seconds.
        slots: Slots there are.
        busy: Slots that run something.
        backlog: Jobs that wait, here or in the broker.
        maximum: Most slots allowed.
    """

    now: float
    slots: int
    busy: int
    backlog: int
    maximum: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What the decision remembers: when slots began to be to spare, and when the number last changed."""

    spare_since: float | None = None
    changed_at: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Decision:
    """The number of slots from now on, why it changed ("" if it did not), and what to remember."""

    slots: int
    reason: str
    memory: Memory


def decide(config: WorkerAutoscaleConfig, memory: Memory, reading: Reading) -> Decision:
    """Return what to do.

    Grows if all slots are busy and enough jobs wait for each; shrinks once slots were to spare for the idle period.
    Never leaves the bounds, and returns into them at once.
    """
    bounded = min(max(reading.slots, config.min_concurrency), reading.maximum)
    if bounded != reading.slots:
        return Decision(bounded, "bounds", Memory(changed_at=reading.now))
    spare = reading.backlog == 0 and reading.busy < reading.slots
    since = (reading.now if memory.spare_since is None else memory.spare_since) if spare else None
    memory = Memory(since, memory.changed_at)
    quiet = reading.now - memory.changed_at
    if _grows(config, reading, quiet):
        slots = min(reading.slots + config.scale_up_step, reading.maximum)
        reason = f"{reading.backlog} jobs wait for {reading.slots} busy slots"
        return Decision(slots, reason, Memory(changed_at=reading.now))
    if since is not None and _shrinks(config, reading, quiet, reading.now - since):
        slots = max(reading.slots - config.scale_down_step, config.min_concurrency)
        reason = f"only {reading.busy} of {reading.slots} slots were busy for {reading.now - since:.0f} s"
        return Decision(slots, reason, Memory(since, reading.now))
    return Decision(reading.slots, "", memory)


def _grows(config: WorkerAutoscaleConfig, reading: Reading, quiet: float) -> bool:
    return (
        reading.slots < reading.maximum
        and reading.busy >= reading.slots
        and reading.backlog >= config.backlog_per_slot * reading.slots
        and quiet >= seconds(config.scale_up_cooldown)
    )


def _shrinks(config: WorkerAutoscaleConfig, reading: Reading, quiet: float, spare: float) -> bool:
    return (
        reading.slots > config.min_concurrency
        and spare >= seconds(config.idle_period)
        and quiet >= seconds(config.scale_down_cooldown)
    )


class Resized(NamedTuple):
    """That the number of slots changed, and why. `at` is epoch seconds."""

    at: float
    before: int
    after: int
    reason: str


class Autoscaler:
    """Looks at backlog and slots each tick, and resizes.

    Args:
        core: What the worker's duties share.
        config: The bounds and times, None for a worker that does not scale itself until it is told bounds.
        resize: Carries a decision out: number of slots and reason.
    """

    def __init__(self, core: Core, config: WorkerAutoscaleConfig | None, resize: Callable[[int, str], None]) -> None:
        self._core = core
        self._resize = resize
        self.last: Resized | None = None
        self._memory = Memory()
        self.config = config if config is not None and config.enabled else None

    @property
    def maximum(self) -> int | None:
        """Most slots allowed, None if the worker does not scale itself."""
        return None if self.config is None else self.maximum_of(self.config)

    def resize(self, slots: int, reason: str) -> None:
        """Carry a decision out, this one's own or that of a command, and remember it."""
        self.last = Resized(self._core.clock.time(), self._core.window.concurrency, slots, reason)
        self._resize(slots, reason)

    def maximum_of(self, config: WorkerAutoscaleConfig) -> int:
        """Return the most slots that a configuration allows this worker."""
        return config.max_concurrency or max(self._core.settings.concurrency, config.min_concurrency)

    def within(self, minimum: int | None, maximum: int | None) -> WorkerAutoscaleConfig:
        """Return what it would go by with other bounds; a worker that does not scale itself would begin to.

        Raises:
            UsageError: The bounds exclude each other.
        """
        config = self.config or WorkerAutoscaleConfig(max_concurrency=self._core.window.concurrency)
        least = config.min_concurrency if minimum is None else minimum
        most = config.max_concurrency if maximum is None else maximum
        return dataclasses.replace(config, min_concurrency=least, max_concurrency=most)

    def obey(self, config: WorkerAutoscaleConfig | None, slots: int, reason: str) -> None:
        """Take these bounds and this number of slots from somebody; it stands at least for the cool-downs."""
        self.config = config
        if slots != self._core.window.concurrency:
            self._memory = Memory(changed_at=self._core.clock.monotonic())
            self.resize(slots, reason)

    async def run(self) -> None:
        """Scale for ever, while there are bounds."""
        core = self._core
        while True:
            config = self.config
            await core.clock.sleep(1.0 if config is None else seconds(config.tick))
            if self.config is not None and core.window.accepting:
                await self.tick(self.config)

    async def tick(self, config: WorkerAutoscaleConfig) -> None:
        """Look once."""
        core, window = self._core, self._core.window
        stats = await core.broker.stats(core.settings.queues) if core.settings.queues else []
        ready = sum(each.ready for each in stats if each.paused is None)
        reading = Reading(
            now=core.clock.monotonic(),
            slots=window.concurrency,
            busy=len(window.running),
            backlog=ready + window.unstarted,
            maximum=self.maximum or window.concurrency,
        )
        decision = decide(config, self._memory, reading)
        self._memory = decision.memory
        if decision.slots != reading.slots:
            self.resize(decision.slots, decision.reason)
