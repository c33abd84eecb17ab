"""A worker and the command line, each a process of its own, on Redis beyond one node."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Workers, until

pytestmark = [pytest.mark.redis, pytest.mark.process]


@pytest.fixture(params=["cluster", "sentinel", "tls"])
def topology(request: pytest.FixtureRequest, namespace: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Set the environment to each in turn."""
    if request.param == "cluster":
        url = request.getfixturevalue("redis_cluster").url
    elif request.param == "sentinel":
        url = request.getfixturevalue("sentinel_pair").url
    else:
        server = request.getfixturevalue("tls_server")
        url = server.url
        monkeypatch.setenv("STEM_TLS_CA_CERT", server.ca_cert)
    monkeypatch.setenv("STEM_BROKER_URL", url)
    monkeypatch.setenv("STEM_WORKER_NAMESPACE", namespace)
    monkeypatch.setenv("STEM_HEARTBEAT_INTERVAL", "200ms")
    return str(url)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Workers]:
    workers = Workers(tmp_path)
    yield workers
    workers.end()


def stem(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stem_core", *words]
    return subprocess.run(
        command, check=False, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=30
    )


def test_work_runs_and_the_command_line_sees_it(topology: str, workers: Workers) -> None:
    workers.start("w", "--queue", "a", "--queue", "b", "--queue", "c")
    ids = []
    for queue in "abc":
        ran = stem("enqueue", "add", "--args", '{"x": 1}', "--queue", queue, "--json")
        assert ran.returncode == 0, ran.stderr
        ids += json.loads(ran.stdout)["ids"]
    (reply,) = json.loads(stem("worker", "ping", "--json").stdout)
    assert (reply["worker"], reply["status"]) == ("w", "ok")
    for task_id in ids:
        until(
            lambda task_id=task_id: json.loads(stem("task", "show", task_id, "--json").stdout)["state"] == "succeeded"
        )
    queues = json.loads(stem("observe", "queues", "--json").stdout)
    assert [(queue["name"], queue["ready"], queue["workers"]) for queue in queues] == [(name, 0, 1) for name in "abc"]
    health = stem("health", "--json")
    assert json.loads(health.stdout)["workers"] == 1
    assert "not verified" not in health.stderr
    assert topology.partition("://")[0] in health.stdout


def test_an_insecure_link_is_warned_of_in_the_log_and_by_health(
    request: pytest.FixtureRequest, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEM_BROKER_URL", request.getfixturevalue("tls_server").url)
    monkeypatch.setenv("STEM_WORKER_NAMESPACE", namespace)
    refused = stem("health", "--json")
    assert refused.returncode != 0
    assert "certificate" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    monkeypatch.setenv("STEM_TLS_ALLOW_INSECURE", "true")
    health = stem("health", "--json")
    assert json.loads(health.stdout)["status"] == "ok"
    assert "stem: warning: rediss://" in health.stderr
    assert "not verified" in health.stderr
    workers = Workers(tmp_path)
    command = [sys.executable, "-m", "stem_core", "worker", "start", "--app", "work_app:stem"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = ""
        while "ready:" not in log:
            log += process.stderr.readline()
        process.terminate()
        assert process.wait(15) == 0
    assert "WARNING stem.worker: rediss://" in log
    assert "not verified" in log
    workers.end()
