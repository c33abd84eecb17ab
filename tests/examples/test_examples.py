"""Every example runs as its own text says, on every store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import CLUSTER, SERVED

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"

OUTPUT = {
    "autoscale": ["1 -> 2: ", " jobs wait for 1 busy slots", "2 -> 3: ", "2 -> 1: only "],
    "control": ["encoder: ok", "cancelled: wrong film"],
    "decorator": ["report.generate: monthly-2025-10.pdf", "report.generate: later.pdf", "report.count: 3"],
    "flows": ["chain: got 20", "group: [30, 10, 20]", "callback: 60"],
    "function": ["image.resize: cat.png@640", "image.describe: cat.png: image.describe, attempt 0"],
    "lifecycle": [
        "soft-worker was asked to let go", "soft: queued", "hard: queued", "warm: succeeded, encoded by warm-worker"
    ],
    "processes": ["succeeded at attempt 1, in another process: True"],
    "retries": ["fetched at attempt 2", "failed: not-retryable, KeyError", "succeeded: 20"],
    "routing": ["invoice for ann from queue critical", "invoice for bob from queue default", "forgetting users"],
    "schedule": ["example-pulse beats: 1", "example-pulse beats: 3"],
    "settings": ["(STEM_BROKER_URL)", "queues: default (default)"],
    "signals": [
        "signals-worker is ready for reports", "published report.generate", "report.generate returned monthly",
        "signals-worker stops warm",
    ],
    "signing": ["paid with …1111", "failed: signature-invalid"],
}  # fmt: skip
"""What each example that needs nothing beside it prints."""

REMARKS = {"processes": "was killed by SIGKILL while it ran the task", "signing": "is refused: it is not what was"}
"""What the worker has to say of some, on stderr."""

OF_TEST_SERVERS = ("keeps nothing on disk", "has fsync off")
"""What is said of any store that is set up like those of the tests."""


@pytest.fixture(params=[*SERVED, CLUSTER])
def store(request: pytest.FixtureRequest, namespace: str) -> dict[str, str]:
    """The environment of a program that is to use a store, each in turn."""
    url = str(request.getfixturevalue(request.param))
    return {**os.environ, "STEM_BROKER_URL": url, "STEM_WORKER_NAMESPACE": namespace}


def run(name: str, environment: dict[str, str]) -> str:
    command = [sys.executable, "-W", "error", "-m", f"examples.{name}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=50)
    expected = [*OF_TEST_SERVERS, *([REMARKS[name]] if name in REMARKS else [])]
    unexpected = [line for line in done.stderr.splitlines() if not any(text in line for text in expected)]
    assert (done.returncode, unexpected) == (0, [])
    return done.stdout


@contextmanager
def serving(environment: dict[str, str], *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run a program until the block ends, and see that SIGTERM ends it in order."""
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", *words],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(15) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("name", OUTPUT)
def test_it_prints_what_it_should(name: str, store: dict[str, str]) -> None:
    out = run(name, store)
    assert [line for line in OUTPUT[name] if line not in out] == []


def test_the_one_about_memory_needs_nothing() -> None:
    assert run("in_memory", dict(os.environ)) == (
        "Sending to hello@example.com (attempt 0)\nemail.send: succeeded\n"
    )  # fmt: skip


@pytest.mark.redis
@pytest.mark.parametrize(("store_name", "results"), [("redis_url", "/1"), ("cluster_url", "")])
def test_the_one_about_redis_runs_on_each_kind_of_it(
    request: pytest.FixtureRequest, store_name: str, results: str
) -> None:
    url = str(request.getfixturevalue(store_name))
    second = url.removesuffix("/0") + results
    out = run("redis_worker", {**os.environ, "STEM_BROKER_URL": url, "STEM_RESULT_BACKEND_URL": second})
    assert out == "image.resize: succeeded, cat.png@640\n"


@pytest.mark.process
def test_the_email_worker_and_the_shell_find_each_other(store: dict[str, str]) -> None:
    with serving(store, "stem_core", "worker", "start", "--app", "examples.email:stem") as worker:
        enqueue = [sys.executable, "-m", "stem_core", "enqueue", "email.send", "--count", "3"]
        done = subprocess.run(
            [*enqueue, "--args", '{"to": "a@b.c"}'], cwd=ROOT, env=store, check=False, capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert worker.stdout is not None
        assert [worker.stdout.readline() for _ in range(3)] == ["Sending to a@b.c (attempt 0)\n"] * 3


@pytest.mark.process
def test_worker_and_producer_are_programs_of_their_own(store: dict[str, str]) -> None:
    with serving(store, "examples.worker") as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline().endswith(" is ready\n")
        assert run("producer", store) == "image.resize: succeeded, cat.png@640\n"


@pytest.mark.process
def test_a_script_without_an_event_loop_gets_its_result(store: dict[str, str]) -> None:
    words = ("stem_core", "worker", "start", "--app", "examples.decorator:stem", "--queue", "reports")
    with serving(store, *words):
        assert run("sync_producer", store) == "6 words\n"


def test_every_example_is_run_by_a_test() -> None:
    tested = {*OUTPUT, "email", "in_memory", "producer", "redis_worker", "sync_producer", "worker"}
    assert {path.stem for path in EXAMPLES.glob("*.py")} == tested
