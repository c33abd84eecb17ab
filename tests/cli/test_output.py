"""What the command line prints, whatever it is given to print."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stem_core.cli.output import local_moment, local_time


def test_a_moment_is_shown_in_the_readers_timezone() -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert datetime.fromisoformat(local_time(moment.timestamp())) == moment
    assert local_moment(moment.timestamp()) == moment


@pytest.mark.parametrize("epoch", [1e308, -1e308, 1e12, -1e12, 253402300799.0, float("inf")])
def test_a_moment_without_a_date_is_shown_as_the_nearest_that_has_one(epoch: float) -> None:
    assert local_time(epoch).startswith("8941-" if epoch > 0 else "1019-")
