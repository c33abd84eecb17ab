"""What workers say of themselves, as a person reads it."""

from __future__ import annotations

import msgspec
import pytest

from stem_core.cli.inspection import inspect_rows, stats_rows
from stem_core.client.answers import Answer
from stem_core.commands import Reply
from stem_core.snapshot import RunningTask, WorkerSnapshot

ID = "01a20bb583d676af890eb487db90c792"


def answer(snapshot: object, **payload: object) -> Answer:
    return Answer(Reply(command_id="c", worker="mail-1", status="ok", payload={"snapshot": snapshot, **payload}), 0.001)


@pytest.fixture
def snapshot() -> object:
    """A worker that has run a task for a minute and a half."""
    task = RunningTask(id=ID, task="mail.send", queue="mail", started_at=910.0, progress=0.5, note="\x1bhalf")
    return msgspec.to_builtins(
        WorkerSnapshot(
            worker="mail-1", boot="b", state="running", at=1000.0, started_at=400.0, running=(task,), active=1
        )
    )


def test_each_task_is_shown_with_its_whole_id_and_how_long_it_has_run(
    snapshot: object, capsys: pytest.CaptureFixture[str]
) -> None:
    inspect_rows([answer(snapshot)])
    _, row = capsys.readouterr().out.splitlines()
    assert row.split() == ["mail-1", ID, "mail.send", "mail", "0", "1m30s", "50%", "\\x1bhalf"]


def test_what_else_a_worker_knows_is_shown_below(snapshot: object, capsys: pytest.CaptureFixture[str]) -> None:
    inspect_rows(
        [
            answer(
                snapshot,
                revoked=[{"id": ID, "by": "ann", "reason": "wrong film"}],
                rates={"mail.send": "10/s", "tidy": "none"},
                scaling={"min": None, "max": None, "last": {"at": 1.0, "before": 2, "after": 4, "reason": "backlog"}},
            )
        ]
    )
    assert capsys.readouterr().out.splitlines()[2:] == [
        f"mail-1: {ID} is revoked by ann: wrong film",
        "mail-1: mail.send may start 10/s",
        "mail-1: tidy may start as often as it likes",
        "mail-1: slots went from 2 to 4: backlog",
    ]


def test_figures_tell_busy_slots_and_uptime(snapshot: object, capsys: pytest.CaptureFixture[str]) -> None:
    stats_rows([answer(snapshot)])
    assert {"1/1", "10m00s"} <= set(capsys.readouterr().out.splitlines()[1].split())


def test_a_worker_of_another_version_is_shown_as_unreadable(capsys: pytest.CaptureFixture[str]) -> None:
    stats_rows([answer({"worker": 5})])
    assert "unreadable" in capsys.readouterr().out
    inspect_rows([answer(None)])
    assert capsys.readouterr().out == "no tasks run\n"


@pytest.mark.parametrize(
    "payload",
    [
        {"revoked": [5]},
        {"revoked": {"id": 1}},
        {"rates": ["10/s"]},
        {"scaling": {"last": [1]}},
        {"scaling": {"last": {"before": "\x1b", "after": None}}},
    ],
)
def test_whatever_a_worker_knows_is_answered_with_a_line(
    snapshot: object, payload: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    inspect_rows([answer(snapshot, **payload)])
    (line,) = capsys.readouterr().out.splitlines()[2:]
    assert line.startswith("mail-1: what else it says cannot be read: ")
