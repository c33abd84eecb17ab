"""How long the console waits for a broker's answer before it takes it for gone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Final, TypeVar

from stem_core.errors import BrokerUnavailableError

ANSWER_WITHIN: Final = 5.0
_Answer = TypeVar("_Answer")


async def in_time(answer: Awaitable[_Answer]) -> _Answer:
    """Return an answer; raises BrokerUnavailableError if it does not come in time."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            return await answer
    except TimeoutError:
        raise BrokerUnavailableError(f"no answer in {ANSWER_WITHIN:.0f}s") from None
