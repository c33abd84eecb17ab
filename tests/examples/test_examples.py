"""Every example runs as its own text says, on memory and on Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import RedisServer

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

OUTPUT = {
    "in_memory": ["Sending to hello@example.com (attempt 0)", "email.send: succeeded"],
    "signals": ["signals-worker is ready for default", "published report.generate", "report.generate returned monthly"],
    "routing": ["invoice for ann from queue critical", "invoice for bob from queue default", "forgetting users"],
    "decorator": ["report.generate: monthly-2025-10.pdf", "report.generate: later.pdf", "report.count: 3"],
    "control": ["encoder: ok", "cancelled: wrong film"],
    "redis_worker": ["image.resize: succeeded, cat.png@640"],
}


def run(name: str, **variables: str) -> str:
    command = [sys.executable, "-W", "error", "-m", f"examples.{name}"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, check=False, timeout=50
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("name", ["in_memory", "signals", "routing", "decorator", "control"])
def test_it_runs_on_memory(name: str) -> None:
    out = run(name)
    assert [line for line in OUTPUT[name] if line not in out] == []


@pytest.mark.redis
@pytest.mark.parametrize("name", ["redis_worker", "decorator"])
def test_it_runs_on_redis(private_redis: RedisServer, name: str) -> None:
    results = private_redis.url.removesuffix("/0") + "/1"
    out = run(name, STEM_BROKER_URL=private_redis.url, STEM_RESULT_BACKEND_URL=results)
    assert [line for line in OUTPUT[name] if line not in out] == []


@pytest.mark.redis
@pytest.mark.process
def test_the_email_worker_and_the_shell_find_each_other(private_redis: RedisServer) -> None:
    environment = {**os.environ, "STEM_BROKER_URL": private_redis.url}
    stem = [sys.executable, "-m", "stem_core"]
    worker = subprocess.Popen(
        [*stem, "worker", "start", "--app", "examples.email:stem"],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert worker.stdout is not None
    enqueue = [*stem, "enqueue", "email.send", "--args", '{"to": "a@b.c"}', "--count", "3"]
    subprocess.run(enqueue, cwd=ROOT, env=environment, check=True, capture_output=True)
    assert [worker.stdout.readline() for _ in range(3)] == ["Sending to a@b.c (attempt 0)\n"] * 3
    worker.terminate()
    assert worker.wait(15) == 0
    worker.stdout.close()


@pytest.mark.redis
@pytest.mark.process
def test_a_script_without_an_event_loop_gets_its_result(private_redis: RedisServer) -> None:
    environment = {**os.environ, "STEM_BROKER_URL": private_redis.url}
    start = [sys.executable, "-m", "stem_core", "worker", "start", "--queue", "reports"]
    worker = subprocess.Popen(
        [*start, "--app", "examples.decorator:stem"],
        cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert run("sync_producer", STEM_BROKER_URL=private_redis.url) == "6 words\n"
    worker.terminate()
    assert worker.wait(15) == 0


def test_every_example_is_run_by_a_test() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*OUTPUT, "email", "sync_producer"}
