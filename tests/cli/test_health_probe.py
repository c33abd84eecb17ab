"""`stem worker healthcheck` and `stem worker diagnose`."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import msgspec
import psutil
import pytest

from stem_core.cli.healthcheck import problems
from stem_core.cli.multi import pidfile
from stem_core.client.liveness import SeenWorker
from stem_core.snapshot import WorkerSnapshot
from tests.cli.conftest import Stem, Workers, one_line, until

pytestmark = [pytest.mark.redis, pytest.mark.process]


def test_a_worker_that_lives_is_well_by_id_by_pid_file_and_by_host(
    stem: Stem, workers: Workers, tmp_path: Path
) -> None:
    process = workers.start("w")
    file = tmp_path / "w.pid"
    assert pidfile.write(file, psutil.Process(process.pid))
    for choice in (["--worker", "w"], ["--pidfile", str(file)]):
        ran = stem("worker", "healthcheck", *choice, "--json")
        assert ran.code == 0, ran
        (seen,) = ran.json["workers"]
        assert (ran.json["status"], seen["worker"], seen["pid"], seen["problems"]) == ("ok", "w", process.pid, [])
    assert stem("worker", "healthcheck").code == 0
    quiet = stem("worker", "healthcheck", "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, "", "")


def test_a_worker_that_froze_or_died_is_not_well(stem: Stem, workers: Workers, tmp_path: Path) -> None:
    process = workers.start("w")
    file = tmp_path / "w.pid"
    pidfile.write(file, psutil.Process(process.pid))
    process.send_signal(signal.SIGSTOP)
    until(lambda: stem("worker", "healthcheck", "--pidfile", str(file), "--max-age", "1s").code == 70)
    ran = stem("worker", "healthcheck", "--worker", "w", "--max-age", "1s", "--json")
    assert "is silent" in ran.json["error"]["message"]
    process.kill()
    process.wait(10)
    ran = stem("worker", "healthcheck", "--pidfile", str(file), "--json")
    assert (ran.code, one_line(ran.err)) == (70, True)
    assert "does not run any more" in ran.json["error"]["message"]


def test_a_worker_that_died_does_not_make_its_successor_on_this_host_look_ill(stem: Stem, workers: Workers) -> None:
    old = workers.start("old")
    old.kill()
    old.wait(10)
    assert stem("worker", "healthcheck", "--max-age", "1s").code == 70
    workers.start("new")
    ran = stem("worker", "healthcheck", "--max-age", "5s", "--json")
    assert [worker["worker"] for worker in ran.json["workers"]] == ["new"]


def test_leases_that_are_not_renewed_are_noticed() -> None:
    well = SeenWorker(WorkerSnapshot(worker="w", boot="b", lease_age=4.0), 1.0)
    assert problems(well, 30.0, 15.0) == []
    ill = SeenWorker(msgspec.structs.replace(well.snapshot, lease_age=16.0), 1.0)
    assert problems(ill, 30.0, 15.0) == ["has not renewed its leases for 16s"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--worker", "nobody"], 70, "nobody is not known"),
        ([], 70, "no worker of this host"),
        (["--pidfile", "/nowhere/w.pid"], 70, "there is no pid file"),
        (["--pidfile", "x", "--node", "y"], 64, "exclude"),
        (["--worker", "w", "--broker", "redis://127.0.0.1:1"], 70, "127.0.0.1:1"),
    ],
)
@pytest.mark.usefixtures("cluster")
def test_what_is_not_there_is_not_well(stem: Stem, words: list[str], code: int, says: str) -> None:
    ran = stem("worker", "healthcheck", *words, "--json")
    assert ran.code == code
    assert one_line(ran.err)
    assert says in ran.err
    assert "error" in ran.json


def checks(document: dict[str, list[dict[str, str]]], name: str) -> list[dict[str, str]]:
    return [check for check in document["checks"] if check["name"] == name]


@pytest.mark.usefixtures("cluster")
def test_a_diagnosis_names_what_is_wrong_and_what_to_do(
    stem: Stem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEM_DEFAULT_QUEUE", "main")
    stem("enqueue", "a", "--queue", "lonely")
    (tmp_path / "w.log").write_text("INFO fine\n2026 ERROR   stem.worker: \x1b[2Jbad\n")
    (tmp_path / "w.pid").write_text("999999999\n1.0\n")
    ran = stem("worker", "diagnose", "--logfile", "w.log", "--pidfile", "w.pid", "--app", "no_such_app:stem", "--json")
    assert (ran.code, ran.json["status"]) == (70, "failed")
    assert one_line(ran.err)
    assert [check["name"] for check in ran.json["checks"] if check["status"] == "fail"] == ["app"]
    for name, says in (
        ("python", "3."), ("packages", "msgspec"), ("settings", "broker_url from STEM_BROKER_URL"),
        ("broker", "answers in"), ("clock", "s from the broker's"), ("workers", "none in namespace"),
        ("queue", "lonely has 1 job and no worker"), ("app", "no_such_app"), ("pid file", "can be written"),
        ("process", "stale"), ("log errors", "1 in the last 2 lines"),
    ):  # fmt: skip
        assert says in checks(ran.json, name)[0]["says"], name
    assert "--queue lonely" in checks(ran.json, "queue")[0]["hint"]
    shown = stem("worker", "diagnose", "--logfile", "w.log")
    assert (shown.code, "\x1b" in shown.out) == (0, False)


@pytest.mark.usefixtures("cluster")
def test_a_diagnosis_goes_on_where_a_check_fails(stem: Stem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = stem("worker", "diagnose", "--broker", "redis://127.0.0.1:1", "--logfile", "w.log", "--json")
    assert ran.code == 70
    assert checks(ran.json, "broker")[0]["status"] == "fail"
    assert checks(ran.json, "log errors")[0]["status"] == "ok"
    (tmp_path / "vars").write_text(f"STEM_BROKER_URL={os.environ['STEM_BROKER_URL']}\nSTEM_CONTROL_TIMEOUT=soon\n")
    monkeypatch.setenv("STEM_CONTROL_TIMEOUT", "5s")
    ran = stem("worker", "diagnose", "--env-file", "vars", "--json")
    assert "STEM_CONTROL_TIMEOUT" in checks(ran.json, "settings")[0]["says"]
