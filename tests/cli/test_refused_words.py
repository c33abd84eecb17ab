"""What contradicts itself, or would mean everything because a variable was empty, is refused before it does harm."""

from __future__ import annotations

import pytest

from stem_core.results import TaskState
from tests.cli.conftest import Stem, one_line

APP = ("worker", "start", "--app", "examples.email:stem")


@pytest.fixture(autouse=True)
def _own_store(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEM_BROKER_URL", sqlite_url)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([*APP, "--concurrency", "2", "--autoscale", "1:4"], "exclude each other"),
        ([*APP, "--autoscale", "1:10001"], "use 1 to 10000"),
        ([*APP, "--metrics-host", "127.0.0.1"], "--metrics-port"),
        ([*APP, "--reload", "--processes", "2"], "exclude each other"),
        ([*APP, "--max-memory-per-child", "200"], "too small"),
        ([*APP, "--queue", ""], "names no queue"),
        (["worker", "pause", "--queue", "mail", "--for", "0s"], "no time at all"),
        (["worker", "pause", "--queue", ","], "names no queue"),
        (["worker", "revoke", "x", "--expires", "0s"], "no time at all"),
        (["worker", "shutdown", "--grace", "5s"], "--mode soft"),
        (["worker", "rate-limit", "\n", "10/s"], "no task name"),
        (["enqueue", ""], "no task name"),
        (["enqueue", "a", "--queue", "a,b"], "'a,b' is not usable"),
        (["task", "list", "--since", "5m", "--until", "10m"], "--since 1h --until 5m"),
        (["task", "list", "--queue", ""], "names no queue"),
        (["observe", "queues", "--queue", " "], "names no queue"),
        (["dlq", "purge", "--yes", "--error", ""], "it is empty"),
        (["dlq", "purge", "--yes", "--reason", ""], "it is empty"),
        (["dlq", "purge", "--yes", "--task", ""], "it is empty"),
        (["dlq", "purge", "--yes", "--queue", "", "--reason", "poison"], "names no queue"),
        (["dlq", "replay", "--yes", "--all", "x"], "exclude each other"),
        (["completion"], "Choose from: bash, zsh, fish"),
        (["worker", "pign"], "did you mean 'ping'?"),
        (["worker", "strat"], "did you mean 'stats' or 'start'"),
        (["wroker", "ping"], "did you mean 'worker'?"),
        (["worker", "multi", "strt"], "'strt': did you mean one of: 'restart', 'start', 'status'? see stem"),
        (["task", "lst"], "'lst': did you mean 'list'? see stem"),
        (["observe", "queues", "--queu", "a"], "did you mean '--queue'? see stem"),
    ],
)
def test_it_is_refused_in_one_line_that_says_what_would_be_right(stem: Stem, words: list[str], says: str) -> None:
    ran = stem(*words)
    assert (ran.code, ran.out) == (64, "")
    assert one_line(ran.err)
    assert says in ran.err


@pytest.mark.parametrize("state", list(TaskState))
def test_a_state_is_written_as_it_is_shown(stem: Stem, state: str) -> None:
    assert stem("task", "list", "--state", str(state), "--json").json == {"tasks": [], "cursor": None}


@pytest.mark.parametrize("command", ["replay", "purge"])
def test_a_named_letter_that_is_none_is_a_failure(stem: Stem, command: str) -> None:
    ran = stem("dlq", command, "nobody", "--yes", "--json")
    assert ran.code == 70
    assert ran.json[{"replay": "replayed", "purge": "purged"}[command]] == 0
    assert "no dead letter" in ran.err
