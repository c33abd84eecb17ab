"""Rate limits that are set at run time: a document each, which workers read."""

from __future__ import annotations

from typing import Final

import msgspec

from stem_core.decoding import decode
from stem_core.errors import UsageError
from stem_core.rates import FORMS, parse_rate
from stem_core.stores.port import Broker

KIND: Final = "rate-limit"
DEFAULT: Final = "default"


class RateSetting(msgspec.Struct, frozen=True):
    """What a document says. `rate` is `10/s` or the like, None for no limit."""

    rate: str | None


_decoder: Final = msgspec.json.Decoder(RateSetting)


async def write_rate(broker: Broker, task: str, rate: str | None) -> None:
    """Set a task's limit; `default` takes back what was set.

    Raises:
        UsageError: The rate is none; nothing was set.
    """
    if not task:
        raise UsageError("no task is named", "give the name of a task")
    body = None
    if rate != DEFAULT:
        if rate is not None:
            try:
                parse_rate("rate", rate)
            except UsageError as error:
                raise UsageError(error.message, f"write {FORMS}, none, or default") from None
        body = msgspec.json.encode(RateSetting(rate))
    await broker.write_document(KIND, task, body)


async def read_rates(broker: Broker) -> dict[str, str | None]:
    """Return what is set, by task name; what cannot be read is left out."""
    found: dict[str, str | None] = {}
    for document in await broker.documents(KIND):
        try:
            setting = decode(_decoder, document.body)
            if setting.rate is not None:
                parse_rate("rate", setting.rate)
        except (msgspec.MsgspecError, UsageError):
            continue  # another program's document must not stop the workers
        found[document.key] = setting.rate
    return found
