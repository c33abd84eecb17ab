"""`--follow` goes on through an outage of the broker, and says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from stem_core.cli import following
from stem_core.client.cluster import ClusterClient
from stem_core.errors import BrokerUnavailableError

CLUSTER = cast("ClusterClient", None)


class EnoughError(Exception):
    """Ends a watch that nothing else would."""


def scripted(*outcomes: Exception | None) -> Callable[[ClusterClient], Awaitable[None]]:
    """Return a look at the cluster that succeeds or fails as the script says."""
    left = iter(outcomes)

    async def show(_cluster: ClusterClient) -> None:
        outcome = next(left)
        if outcome is not None:
            raise outcome

    return show


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "REFRESH_SECONDS", 0)


async def test_an_outage_is_told_once_and_so_is_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    away = BrokerUnavailableError("cannot reach redis://x: refused.")
    watch = following.repeated(scripted(None, away, away, None, None, EnoughError()), follow=True)
    with pytest.raises(EnoughError):
        await watch(CLUSTER)
    assert capsys.readouterr().err.splitlines() == [
        "stem: cannot reach redis://x: refused: trying again",
        "stem: the broker answers again",
    ]


async def test_a_broker_that_is_away_at_first_is_an_error() -> None:
    with pytest.raises(BrokerUnavailableError):
        await following.repeated(scripted(BrokerUnavailableError("away")), follow=True)(CLUSTER)


async def test_without_follow_there_is_one_look() -> None:
    await following.repeated(scripted(None), follow=False)(CLUSTER)
