"""What shall go wrong with a broker: a script that a test writes, and that `FaultyBroker` plays."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from stem_core.clock import SYSTEM_CLOCK, Clock
from stem_core.errors import BrokerUnavailableError, UsageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What happens to one call: a delay in seconds, then an error, raised once the call was done if `late`."""

    delay: float = 0.0
    error: Exception | None = None
    late: bool = False


class Faults:
    """Faults by method, each for a number of calls, in the order in which they were ordered.

    Attributes:
        calls: How often each method was called.
    """

    def __init__(self, methods: frozenset[str], clock: Clock = SYSTEM_CLOCK) -> None:
        self._methods = methods
        self._clock = clock
        self._script: dict[str, deque[_Fault]] = {}
        self._cut: Exception | None = None
        self.calls: Counter[str] = Counter()

    def fail(self, method: str, times: int = 1, error: Exception | None = None) -> None:
        """Have the next calls of a method fail, as if they had never reached the broker.

        Args:
            method: Its name, such as `settle`.
            times: How many calls.
            error: What they raise; a `BrokerUnavailableError` if None.

        Raises:
            UsageError: There is no such method.
        """
        self._add(method, times, _Fault(error=error or _unavailable(method)))

    def lose_reply(self, method: str, times: int = 1, error: Exception | None = None) -> None:
        """Have the next calls of a method do what they do, and then fail, as if only the reply was lost.

        Args:
            method: Its name, such as `settle`.
            times: How many calls.
            error: What they raise; a `BrokerUnavailableError` if None.

        Raises:
            UsageError: There is no such method.
        """
        self._add(method, times, _Fault(error=error or _unavailable(method), late=True))

    def delay(self, method: str, seconds: float, times: int = 1) -> None:
        """Have the next calls of a method wait before they begin, by the clock that was handed in.

        Args:
            method: Its name, such as `settle`.
            seconds: How long.
            times: How many calls.

        Raises:
            UsageError: There is no such method.
        """
        self._add(method, times, _Fault(delay=seconds))

    def partition(self, error: Exception | None = None) -> None:
        """Have every call fail from now on, those that fetch already included, until `heal`."""
        self._cut = error or BrokerUnavailableError("the broker cannot be reached: the test has cut it off")

    def heal(self) -> None:
        """Let the broker be reached again; faults of single methods stay."""
        self._cut = None

    async def play(self, method: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a call, with what the script has for it."""
        fault = self._next(method)
        if fault.delay:
            await self._clock.sleep(fault.delay)
        self._raise_before(fault)
        answer = await call()
        self._raise_after(fault)
        return answer

    def play_blocking(self, method: str, call: Callable[[], T]) -> T:
        """Make a blocking call, with what the script has for it; delays are left out."""
        fault = self._next(method)
        self._raise_before(fault)
        answer = call()
        self._raise_after(fault)
        return answer

    def _add(self, method: str, times: int, fault: _Fault) -> None:
        if method not in self._methods:
            raise UsageError(f"a broker has no method {method!r}", f"use one of {', '.join(sorted(self._methods))}")
        self._script.setdefault(method, deque()).extend([fault] * times)

    def _next(self, method: str) -> _Fault:
        self.calls[method] += 1
        script = self._script.get(method)
        return script.popleft() if script else _Fault()

    def _raise_before(self, fault: _Fault) -> None:
        if self._cut is not None:
            raise self._cut
        if fault.error is not None and not fault.late:
            raise fault.error

    def _raise_after(self, fault: _Fault) -> None:
        if fault.error is not None and fault.late:
            raise fault.error
        if self._cut is not None:
            raise self._cut


def _unavailable(method: str) -> BrokerUnavailableError:
    return BrokerUnavailableError(f"{method} did not reach the broker: the test wants it so")
