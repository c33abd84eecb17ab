"""What is counted as one cause of death."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from stem_core.client.causes import alike, tallied
from stem_core.client.dead_letters import Letter
from stem_core.delivery import DeadLetter
from stem_core.envelope import Envelope


@pytest.mark.parametrize(
    ("error", "shared"),
    [
        ("KeyError: 17", "KeyError: #"),
        ("no user ann@example.com", "no user <address>"),
        ("GET https://a.b/c?d=1 took 3.5 s", "GET <url> took # s"),
        ("order 01a20bb583d676af890eb487db90c792", "order <id>"),
    ],
)
def test_an_error_is_alike_whatever_differs_each_time(error: str, shared: str) -> None:
    assert alike(error) == shared


async def letters(*errors: str) -> AsyncIterator[Letter]:
    for number, error in enumerate(errors):
        dead = DeadLetter(
            id=f"id-{number}", queue="q", body=b"", reason="poison", error=error, attempt=0, deliveries=1,
            died_at=100.0 - number,
        )  # fmt: skip
        yield Letter(dead, Envelope(id=dead.id, name="mail", queue="q"))


async def test_the_most_frequent_cause_comes_first_with_its_newest_letter() -> None:
    one, other = await tallied(letters("lost 5", "away", "lost 7"))
    assert (one.error, one.count, one.last_id, one.first_at, one.last_at) == ("lost #", 2, "id-0", 98.0, 100.0)
    assert (other.error, other.count) == ("away", 1)


async def test_without_letters_there_is_no_cause() -> None:
    assert await tallied(letters()) == []
