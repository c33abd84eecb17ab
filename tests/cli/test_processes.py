"""`stem worker start --processes N`: several workers, watched over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.conftest import APP, ROOT, Stem, one_line, until

pytestmark = [pytest.mark.redis, pytest.mark.process]

CHILD_TASK = """
import os

@stem.task("talk")
def talk(kilobytes: int) -> int:
    for _ in range(kilobytes):
        print("x" * 1023, flush=True)
    return kilobytes

@stem.task("pid", execution="process")
def pid() -> int:
    return os.getpid()

@stem.task("parent", execution="process")
async def parent(context: TaskContext) -> str:
    return await context.enqueue("pid")
"""


class Supervised:
    """A real `stem worker start`, in the test's namespace."""

    def __init__(self, directory: Path, *words: str, app: str = APP) -> None:
        (directory / "many_app.py").write_text(app)
        command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", "many_app:stem"]
        self.process = subprocess.Popen(
            [*command, "--worker-id", "w", "--json", *words],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def document(self) -> Any:
        """Return the next document on stdout."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def workers(self) -> list[psutil.Process]:
        """Return the worker processes that live."""
        return psutil.Process(self.process.pid).children()

    def end(self) -> tuple[str, str]:
        """End it, whatever it does, and return what else it said."""
        family = psutil.Process(self.process.pid).children(recursive=True) if self.process.poll() is None else []
        self.process.kill()
        for process in family:
            if process.is_running():
                process.kill()
        return self.process.communicate(timeout=10)


@pytest.fixture
def started(cluster: str) -> Iterator[list[Supervised]]:
    """Collect what is to be ended after the test."""
    assert cluster
    started: list[Supervised] = []
    yield started
    for each in started:
        each.end()


def names(stem: Stem) -> list[str]:
    return sorted(reply["worker"] for reply in stem("worker", "ping", "--timeout", "5s", "--json").json)


def test_each_process_is_a_worker_of_its_own_and_all_end_in_order(
    stem: Stem, started: list[Supervised], tmp_path: Path
) -> None:
    both = Supervised(tmp_path, "--processes", "2", "--queue", "a", "--queue", "b")
    started.append(both)
    document = both.document()
    assert (document["processes"], [each["worker"] for each in document["workers"]]) == (2, ["w-1", "w-2"])
    assert document["workers"][0]["queues"] == ["a", "b"]
    assert names(stem) == ["w-1", "w-2"]
    both.process.send_signal(signal.SIGTERM)
    assert both.process.wait(15) == 0
    assert stem("worker", "ping", "--json").json == []


def test_a_process_that_dies_is_started_again_and_one_that_is_told_to_end_is_not(
    stem: Stem, started: list[Supervised], tmp_path: Path
) -> None:
    both = Supervised(tmp_path, "--processes", "2")
    started.append(both)
    both.document()
    before = {process.pid for process in both.workers()}
    both.workers()[0].kill()
    until(lambda: len({process.pid for process in both.workers()} - before) == 1)
    until(lambda: names(stem) == ["w-1", "w-2"])
    for name in ("w-1", "w-2"):
        assert stem("worker", "shutdown", "--worker", name).code == 0
    assert both.process.wait(15) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_signals_are_handed_to_each_process_once(
    stem: Stem, started: list[Supervised], tmp_path: Path, number: signal.Signals
) -> None:
    both = Supervised(tmp_path, "--processes", "2", "--concurrency", "1")
    started.append(both)
    both.document()
    stem("enqueue", "slow", "--count", "4")
    until(lambda: sum(worker["active"] for worker in stem("observe", "workers", "--json").json) == 2)
    both.process.send_signal(number)
    assert both.process.wait(15) == 0
    (queue,) = stem("observe", "queues", "--json").json
    assert (queue["ready"], queue["inflight"]) == (4, 0)
    _, log = both.end()
    mode = "soft" if number is signal.SIGINT else "hard"
    assert log.count(f"stopping ({mode}") == 2
    assert log.count("stopping (") == 2


def test_workers_do_not_live_on_unseen_when_their_supervisor_was_killed(
    stem: Stem, started: list[Supervised], tmp_path: Path
) -> None:
    both = Supervised(tmp_path, "--processes", "2")
    started.append(both)
    both.document()
    workers = both.workers()
    both.process.kill()
    until(lambda: not any(process.is_running() for process in workers))
    assert stem("worker", "ping", "--json").json == []


def test_what_cannot_start_is_given_up_with_one_clear_error(started: list[Supervised], tmp_path: Path) -> None:
    both = Supervised(tmp_path, "--processes", "2", "--broker", "memory://")
    started.append(both)
    error = both.document()["error"]
    assert both.process.wait(15) == 64
    assert "does not start" in error["message"]
    assert "inside one process" in error["message"]


def test_what_dies_again_and_again_before_it_is_ready_is_given_up(started: list[Supervised], tmp_path: Path) -> None:
    # The supervisor imports the app first; what it starts inherits the mark, and dies.
    app = "import os\nif 'SECOND' in os.environ or not os.environ.setdefault('SECOND', '1'):\n    os._exit(9)\n" + APP
    both = Supervised(tmp_path, "--processes", "2", app=app)
    started.append(both)
    error = both.document()["error"]
    assert both.process.wait(20) == 70
    assert "exit code 9, 5 times before it was ready" in error["message"]


def test_child_processes_follow_the_flags_of_their_worker(
    stem: Stem, started: list[Supervised], tmp_path: Path
) -> None:
    there = ("--namespace", f"{os.environ['STEM_WORKER_NAMESPACE']}-other")
    one = Supervised(
        tmp_path, *there, "--max-tasks-per-child", "1", "--max-memory-per-child", "500M", "--concurrency", "1",
        app=APP + CHILD_TASK,
    )  # fmt: skip
    started.append(one)
    assert one.document()["worker"] == "w"

    def results(ids: list[str]) -> list[Any]:
        shown = [stem("task", "show", each, *there, "--json") for each in ids]
        return [ran.json["result"] for ran in shown if ran.code == 0 and ran.json["state"] == "succeeded"]

    pids = stem("enqueue", "pid", "--count", "2", *there, "--json").json["ids"]
    until(lambda: len(results(pids)) == 2)
    assert len({*results(pids), one.process.pid}) == 3
    parents = stem("enqueue", "parent", *there, "--json").json["ids"]
    until(lambda: len(results(parents)) == 1)
    until(lambda: len(results(results(parents))) == 1)
    assert "children" in stem("worker", "stats", *there, "--json").json[0]["snapshot"]


@pytest.mark.parametrize("size", ["0", "lots", "1.5G", "-1"])
def test_a_size_that_is_none_is_refused(stem: Stem, size: str) -> None:
    ran = stem("worker", "start", "--app", "examples.email:stem", "--max-memory-per-child", size)
    assert ran.code == 64
    assert one_line(ran.err)
    assert "200M" in ran.err


@pytest.mark.usefixtures("cluster")
def test_a_supervisor_whose_output_nobody_takes_still_hears_its_signals(stem: Stem, tmp_path: Path) -> None:
    (tmp_path / "talking_app.py").write_text(APP + CHILD_TASK)
    command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", "talking_app:stem", "--processes", "2"]
    with subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            until(lambda: len(names(stem)) == 2)
            stem("enqueue", "talk", "--args", '{"kilobytes": 2000}', "--count", "4")
            until(lambda: any(worker["active"] for worker in stem("observe", "workers", "--json").json))
            assert len(names(stem)) == 2
            process.send_signal(signal.SIGQUIT)
            assert process.wait(20) == 0
        finally:
            process.kill()


def test_workers_go_on_when_whoever_read_their_output_is_gone(
    stem: Stem, started: list[Supervised], tmp_path: Path
) -> None:
    both = Supervised(tmp_path, "--processes", "2", app=APP + CHILD_TASK)
    started.append(both)
    both.document()
    assert both.process.stdout is not None
    assert both.process.stderr is not None
    both.process.stdout.close()
    both.process.stderr.close()
    (task_id,) = stem("enqueue", "talk", "--args", '{"kilobytes": 2000}', "--json").json["ids"]
    until(lambda: stem("task", "show", task_id, "--json").json["state"] == "succeeded")
    both.process.send_signal(signal.SIGTERM)
    assert both.process.wait(15) == 0
