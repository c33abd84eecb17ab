"""Reading JSON that comes from outside: whatever the bytes are, they are data or one kind of error.

A decoder alone raises three: what is not JSON, what is not UTF-8, and what is nested deeper than the stack goes. Who
expected only the first was stopped by the others.
"""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Final, TypeVar

import msgspec

from stem_core.errors import UsageError

MAX_DEPTH: Final = 256
"""Lists and objects inside each other, in arguments, results and commands: far less than any stack."""

T = TypeVar("T")

_TEXTS: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_STEPS: Final = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
_OTHERS: Final = bytes(set(range(256)) - set(b"[{]}"))


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """Return what the decoder makes of the data.

    Raises:
        msgspec.MsgspecError: The data are not what the decoder reads, not UTF-8, or nested too deeply for the stack.
    """
    try:
        return decoder.decode(data)
    except UnicodeDecodeError:
        raise msgspec.DecodeError("JSON is not UTF-8") from None
    except RecursionError:
        raise msgspec.DecodeError("JSON is nested too deeply") from None
    except UsageError as error:  # of a record that checks itself
        raise msgspec.ValidationError(str(error)) from error


def check_depth(data: bytes, most: int = MAX_DEPTH) -> None:
    """Return if JSON is nested no deeper than that.

    Raises:
        msgspec.DecodeError: It is deeper.
    """
    if data.count(b"[") + data.count(b"{") <= most:
        return
    steps = memoryview(_TEXTS.sub(b"", data).translate(_STEPS, _OTHERS)).cast("b")
    if max(accumulate(steps), default=0) > most:
        raise msgspec.DecodeError(f"JSON is nested deeper than {most} levels")
