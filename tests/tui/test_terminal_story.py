"""The whole product at once: a real Redis, a real worker, the real console in a real pseudo-terminal.

What is pressed in the console is read back through the command line, as a script would.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import RedisServer
from tests.tui.terminal import Terminal

ROOT = Path(__file__).parents[2]
HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold]x[/] \u202egnp.exe"
CANCEL = "\u2039 Cancel \u203a"
APP = f"""
import asyncio
from stem_core import Stem

stem = Stem.from_environment()

@stem.task("email.send")
async def send(to: str) -> None:
    await asyncio.sleep(0.2)

@stem.task("slow")
async def slow() -> None:
    await asyncio.sleep(600)

@stem.task("doomed", max_retries=0)
async def doomed(order: int, token: str) -> None:
    raise LookupError(f"no order {{order}}")

@stem.task("hostile")
async def hostile() -> None:
    raise ValueError({HOSTILE!r})
"""

pytestmark = [pytest.mark.terminal, pytest.mark.timeout(120)]


class Cluster:
    """A cluster with a worker process, and the command line to look at it."""

    def __init__(self, settings: dict[str, str], folder: Path) -> None:
        (folder / "story_app.py").write_text(APP)
        self.folder = folder
        self.environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
        self.workers: list[subprocess.Popen[bytes]] = []

    def stem(self, *words: str) -> Any:
        """Run `stem … --json` and return its document."""
        run = subprocess.run(
            [sys.executable, "-m", "stem_core", *words, "--json"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout)

    def start_worker(self, name: str) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it answers."""
        command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", "story_app:stem", "--worker-id", name]
        process = subprocess.Popen(
            [*command, "--concurrency", "2"],
            cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.workers.append(process)
        self.until(lambda: name in [reply["worker"] for reply in self.stem("worker", "ping")])
        return process

    def console(self, columns: int = 100, rows: int = 30) -> Terminal:
        """Open the console."""
        return Terminal(
            [sys.executable, "-m", "stem_tui"], self.environment, columns=columns, rows=rows, folder=self.folder
        )

    def queue(self) -> dict[str, Any]:
        """Return the default queue as scripts see it."""
        return next(queue for queue in self.stem("observe", "queues") if queue["name"] == "default")

    @staticmethod
    def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until something is so."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.05)


@pytest.fixture(params=["redis", "nothing-set"])
def cluster(request: pytest.FixtureRequest, namespace: str, tmp_path: Path) -> Iterator[Cluster]:
    """A namespace on a real server; or what comes by itself, in a home where nothing of Stem was ever used."""
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("private_redis")
        settings = {"STEM_BROKER_URL": server.url, "STEM_WORKER_NAMESPACE": namespace}
    else:
        settings = {"XDG_DATA_HOME": str(tmp_path / "home")}
    cluster = Cluster(settings, tmp_path)
    yield cluster
    for process in cluster.workers:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def test_a_queue_is_paused_and_resumed_from_the_keyboard(cluster: Cluster) -> None:
    cluster.start_worker("story-1")
    with cluster.console() as console:
        console.wait_for("story-1")
        cluster.stem("enqueue", "email.send", "--args", '{"to": "a@b.c"}', "--count", "40")
        console.wait_for("succeeded email.send")
        console.press("p")
        console.wait_for("Pause default?")
        console.press("y")
        console.wait_for("acked 1/1")
        assert cluster.queue()["paused"]["by"]
        console.wait_for("PAUS")
        console.press("p")
        console.wait_for("Resume default?")
        console.press("y")
        cluster.until(lambda: cluster.queue()["paused"] is None)


def test_a_worker_is_drained_from_the_keyboard_and_exits_in_order(cluster: Cluster) -> None:
    worker = cluster.start_worker("story-2")
    with cluster.console(80, 24) as console:
        console.wait_for("story-2")
        console.press("2")
        console.wait_for("▸story-2")
        console.press("d")
        console.wait_for("Drain story-2?")
        console.press("y")
        assert worker.wait(20) == 0
        cluster.until(lambda: cluster.stem("worker", "ping") == [])


def test_a_running_task_is_terminated_from_the_keyboard_and_ends_cancelled(cluster: Cluster) -> None:
    cluster.start_worker("story-3")
    (task_id,) = cluster.stem("enqueue", "slow", "--args", "{}")["ids"]
    cluster.until(lambda: cluster.stem("task", "show", task_id)["state"] == "running")
    with cluster.console() as console:
        console.wait_for("story-3")
        console.press("2")
        console.wait_for("▸story-3")
        console.press("\r")
        console.wait_for("worker story-3")
        console.wait_for(f"▸{task_id[-8:]}")
        console.press("X")
        console.wait_for("Terminate slow?")
        console.press("y")
        cluster.until(lambda: cluster.stem("task", "show", task_id)["state"] == "cancelled")


def test_enter_on_a_fresh_dialog_changes_nothing(cluster: Cluster) -> None:
    cluster.start_worker("story-4")
    with cluster.console() as console:
        console.wait_for("▸default")
        console.press("p")
        console.wait_for("Pause default?")
        console.press("\r")
        console.wait_for(lambda shown: "Pause default?" not in shown)
        assert cluster.queue()["paused"] is None


def test_a_local_worker_is_started_watched_and_stopped_from_the_keyboard(cluster: Cluster) -> None:
    with cluster.console() as console:
        console.wait_for("no heartbeat in namespace")
        console.press("L")
        console.wait_for("Start a local worker?")
        console.press("story_app:stem\r\r\r")  # Enter goes from field to field, and ends on Cancel
        console.wait_for(CANCEL)
        console.press("y")
        console.wait_for("effect seen")
        shown = console.wait_for("1 Local workers 1")
        assert "story_app:stem" in shown
        console.wait_for("$ stem worker start --app story_app:stem")
        console.wait_for("ready")
        (worker,) = [reply["worker"] for reply in cluster.stem("worker", "ping")]
        assert worker in console.text()
        cluster.stem("enqueue", "email.send", "--args", '{"to": "a@b.c"}')
        console.press("q")
        console.wait_for(lambda shown: f" {worker}" in shown and "2 Workers 1" in shown)
        console.wait_for("succeeded email.send")
        console.press("w")
        console.wait_for("2 Log")
        console.press("W")
        console.wait_for(f"Stop {worker}?")
        console.press("y")
        console.wait_for("exit 0 after it was told to stop")
        cluster.until(lambda: cluster.stem("worker", "ping") == [])


def test_an_app_that_does_not_exist_is_told_in_the_workers_own_words(cluster: Cluster) -> None:
    with cluster.console() as console:
        console.wait_for("no heartbeat in namespace")
        console.press("L")
        console.wait_for("Start a local worker?")
        console.press("nosuchapp:stem\r\r\r")
        console.wait_for(CANCEL)
        console.press("y")
        shown = console.wait_for("failed: exit 64: stem: --app: there is no module 'nosuchapp'")
        assert "exit 64" in shown
        console.press("L")
        console.wait_for("Start a local worker?")
        shown = console.wait_for(CANCEL)
        assert re.search(r"app +nosuchapp:stem", shown), "the app is remembered, so the focus starts on Cancel"


@pytest.mark.parametrize("cluster", ["redis"], indirect=True)
def test_the_console_outlives_its_broker_and_shows_old_data_as_old(
    cluster: Cluster, private_redis: RedisServer
) -> None:
    cluster.start_worker("story-5")
    with cluster.console() as console:
        console.wait_for("story-5")
        console.wait_for("● live")
        private_redis.kill()
        shown = console.wait_for("no broker")
        assert "story-5" in shown
        private_redis.start()
        console.wait_for("● live")
        cluster.until(lambda: [reply["worker"] for reply in cluster.stem("worker", "ping")] == ["story-5"])


@pytest.mark.parametrize("cluster", ["redis"], indirect=True)
def test_the_console_opens_without_a_broker_and_says_what_it_tries(cluster: Cluster) -> None:
    cluster.environment["STEM_BROKER_URL"] = "redis://127.0.0.1:1"
    with cluster.console() as console:
        console.wait_for("connecting")
        console.wait_for("redis://127.0.0.1:1")
        console.press("q")
        assert console.wait() == 0
        assert console.is_restored()


def test_hostile_text_reaches_the_terminal_as_harmless_text(cluster: Cluster) -> None:
    cluster.start_worker("story-6")
    with cluster.console() as console:
        console.wait_for("story-6")
        cluster.stem("enqueue", "hostile", "--args", "{}")
        console.wait_for("\\x1b]0;owned")
        assert b"\x1b]0;owned" not in console.raw
        assert "\u202e".encode() not in console.raw


def test_the_demo_can_be_joined_from_another_terminal_whatever_is_set_in_its_own(tmp_path: Path) -> None:
    settings = {"STEM_BROKER_URL": "redis://127.0.0.1:1", "STEM_RESULT_BACKEND_URL": "redis://127.0.0.1:1"}
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT), "TMPDIR": "/tmp"}
    command = [sys.executable, "-m", "stem_tui", "--demo"]
    with Terminal(command, environment, columns=120, rows=30, folder=tmp_path) as console:
        shown = console.wait_for(lambda shown: "pay-1@demo" in shown and "demo.db " in shown)
        url = re.findall(r"sqlite:///tmp/\S+/demo\.db", shown)[0]
        there = Cluster({"STEM_BROKER_URL": url, "STEM_WORKER_NAMESPACE": "demo"}, tmp_path)
        assert len(there.stem("worker", "ping")) == 3
        there.stem("worker", "pause", "--queue", "emails")
        console.wait_for("PAUS")
        console.press("q")
        assert console.wait() == 0
        assert not Path(url.removeprefix("sqlite://")).parent.exists()


def bury(cluster: Cluster, number: int) -> None:
    """Let so many jobs die."""
    args = '{"order": 7, "token": "tok-77"}'
    cluster.stem("enqueue", "doomed", "--args", args, "--count", str(number))
    cluster.until(lambda: len(cluster.stem("dlq", "list")["letters"]) == number)


def test_dead_letters_are_grouped_opened_and_replayed_from_the_keyboard(cluster: Cluster) -> None:
    cluster.start_worker("story-7")
    bury(cluster, 1)
    (before,) = cluster.stem("dlq", "list")["letters"]
    with cluster.console(80, 24) as console:
        console.wait_for("story-7")
        console.press("c")
        console.wait_for("LookupError: no order #")
        console.press("\r")
        console.wait_for("Dead letters 1 of 1")
        console.press("\r")
        shown = console.wait_for("Traceback (most recent call last)")
        assert "LookupError: no order 7" in shown
        console.press("G")
        shown = console.wait_for('"order": 7')
        assert "tok-77" not in shown
        console.press("R")
        console.wait_for("Replay doomed?")
        console.press("y")
        console.wait_for("1 of 1 replayed")
        cluster.until(
            lambda: [each["died_at"] for each in cluster.stem("dlq", "list")["letters"]] > [before["died_at"]]
        )


def test_marked_dead_letters_are_deleted_once_their_number_was_typed_and_not_by_enter(cluster: Cluster) -> None:
    cluster.start_worker("story-8")
    bury(cluster, 3)

    def type_the_number() -> None:
        console.press("D")
        console.wait_for("Delete 2 dead letters for good?")
        console.wait_for(CANCEL)
        console.press("\t")
        console.wait_for(lambda shown: CANCEL not in shown)
        console.press("2\r")
        console.wait_for(CANCEL)

    with cluster.console(80, 24) as console:
        console.press("e")
        console.wait_for("Dead letters 3")
        console.press("  ")
        console.wait_for("2 marked")
        type_the_number()
        console.press("\r")
        console.wait_for(lambda shown: "Delete 2 dead" not in shown)
        assert len(cluster.stem("dlq", "list")["letters"]) == 3
        type_the_number()
        console.press("y")
        console.wait_for("2 of 2 deleted")
        assert len(cluster.stem("dlq", "list")["letters"]) == 1


def test_a_schedule_is_disabled_and_enabled_from_the_keyboard(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "schedule.yaml").write_text(
        "schedules:\n  nightly:\n    task: email.send\n    cron: '0 3 * * *'\n    args: {to: a@b.c}\n"
    )
    cluster.stem("schedule", "apply", "--file", "schedule.yaml")
    with cluster.console(100, 30) as console:
        console.wait_for("● live")
        console.press("t")
        console.wait_for("▸nightly")
        console.press("o")
        console.wait_for("Disable nightly?")
        console.press("y")
        console.wait_for("effect seen")
        assert cluster.stem("schedule", "show", "nightly")["enabled"] is False
        console.press("\r")
        console.wait_for("it is switched off; [o] switches it on")
        console.press("o")
        console.wait_for("Enable nightly?")
        console.press("y")
        cluster.until(lambda: cluster.stem("schedule", "show", "nightly")["enabled"])


def test_marked_workers_are_drained_by_one_command(cluster: Cluster) -> None:
    workers = [cluster.start_worker(f"story-9{letter}") for letter in "ab"]
    with cluster.console(60, 16) as console:
        console.press("2")
        console.wait_for(lambda shown: "story-9a" in shown and "story-9b" in shown)
        console.press("ad")
        console.wait_for("Drain 2 workers?")
        console.press("y")
        assert [worker.wait(20) for worker in workers] == [0, 0]
