"""What the command line prints, whatever it is given to print."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from stem_core.cli.answers import report
from stem_core.cli.output import local_moment, local_time
from stem_core.client.answers import Answer, CommandResult
from stem_core.commands import Command, Ping, Reply


def test_a_moment_is_shown_in_the_readers_timezone() -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert datetime.fromisoformat(local_time(moment.timestamp())) == moment
    assert local_moment(moment.timestamp()) == moment


@pytest.mark.parametrize("epoch", [1e308, -1e308, 1e12, -1e12, 253402300799.0, float("inf")])
def test_a_moment_without_a_date_is_shown_as_the_nearest_that_has_one(epoch: float) -> None:
    assert local_time(epoch).startswith("8941-" if epoch > 0 else "1019-")


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "payload",
    [
        {"snapshot": {"running": None, "children": True}},
        {"snapshot": {"running": {"a": 1}, "children": 5, "state": [], "active": {}}},
        {"snapshot": [1], "queues": {"a": [None]}, "worker": 5},
        {},
    ],
)
def test_whatever_a_worker_answers_is_printed(
    payload: dict[str, object], capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    answer = Answer(Reply(command_id="c", worker="w1", payload=payload), 0.1)
    result = CommandResult(Command(id="c", order=Ping()), (answer,), (), ("w1",))
    assert report(result, "ns", as_json=as_json) == 0
    assert "w1" in capsys.readouterr().out
