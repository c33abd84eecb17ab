"""`stem worker multi`: nodes that are started, seen and ended by name."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from stem_core.cli.multi import launch, pidfile
from stem_core.cli.multi.node import fill
from stem_core.errors import UsageError
from tests.cli.conftest import APP, ROOT, Stem, one_line, until
from tests.servers import RedisServer

pytestmark = pytest.mark.process


@pytest.fixture
def place(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with an app, in which nodes live; what still runs after the test is killed."""
    (tmp_path / "work_app.py").write_text(APP)
    monkeypatch.setenv("STEM_BROKER_URL", sqlite_url)
    monkeypatch.setenv("STEM_HEARTBEAT_INTERVAL", "200ms")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for path in tmp_path.rglob("*.pid"):
        process = pidfile.living(path, pidfile.read(path))
        if process is not None:
            process.kill()
            process.wait(10)
    while launch._left:  # to the process of the tests they are children like any others
        child = launch._left.pop()
        child.kill()
        child.wait(10)


def by_node(documents: list[dict[str, Any]]) -> dict[str, Any]:
    return {document["node"]: document["state"] for document in documents}


def test_three_nodes_start_are_seen_write_their_logs_and_end(stem: Stem, place: Path) -> None:
    nodes = ("n1", "n2", "n3")
    started = stem("worker", "multi", "start", *nodes, "--app", "work_app:stem", "--concurrency", "1", "--json")
    assert started.code == 0, started
    assert by_node(started.json) == dict.fromkeys(nodes, "ready")
    for document in started.json:
        process = psutil.Process(document["pid"])
        assert os.getsid(process.pid) == process.pid != os.getsid(0)
        assert Path(document["pidfile"]) == place / "state" / "stem" / f"{document['node']}.pid"
    seen = stem("worker", "multi", "status", *nodes, "--json")
    assert (seen.code, by_node(seen.json)) == (0, dict.fromkeys(nodes, "running"))
    assert all(document["rss"] > 0 for document in seen.json)
    assert stem("worker", "multi", "status", *nodes).out.count(" running ") == 3
    alive = {worker["worker"] for worker in stem("worker", "status", "--json").json}
    assert {name.partition("@")[0] for name in alive} == set(nodes)
    for name in nodes:
        (well,) = stem("worker", "healthcheck", "--node", name, "--json").json["workers"]
        assert well["worker"].startswith(f"{name}@")
    again = stem("worker", "multi", "start", *nodes, "--app", "work_app:stem", "--json")
    assert [document["pid"] for document in again.json] == [document["pid"] for document in started.json]
    stopped = stem("worker", "multi", "stop", *nodes, "--json")
    assert (stopped.code, by_node(stopped.json)) == (0, dict.fromkeys(nodes, "stopped"))
    for name in nodes:
        log = (place / "state" / "stem" / f"{name}.log").read_text()
        assert f'"worker": "{name}@' in log
        assert "stopping (warm" in log
        assert not (place / "state" / "stem" / f"{name}.pid").exists()
    down = stem("worker", "multi", "status", *nodes, "--json")
    assert (down.code, by_node(down.json["nodes"])) == (3, dict.fromkeys(nodes, "down"))
    assert one_line(down.err)
    assert stem("worker", "multi", "stop", *nodes).code == 0


@pytest.mark.usefixtures("place")
def test_a_node_outlives_the_terminal_it_was_started_from() -> None:
    words = ["worker", "multi", "start", "n", "--app", "work_app:stem", "--json"]
    ran = subprocess.run(
        [sys.executable, "-m", "stem_core", *words],
        capture_output=True, text=True, check=True, start_new_session=True, timeout=60,
    )  # fmt: skip
    (node,) = json.loads(ran.stdout)
    process = psutil.Process(node["pid"])
    assert process.ppid() != os.getpid()
    assert process.is_running()


def test_restart_gives_another_process_and_the_same_log(stem: Stem, place: Path) -> None:
    words = ("n", "--app", "work_app:stem", "--pidfile", "run/%n.pid", "--logfile", "log/%n-%I.log", "--json")
    (first,) = stem("worker", "multi", "start", *words).json
    (second,) = stem("worker", "multi", "restart", *words).json
    assert (second["state"], second["pidfile"]) == ("ready", str(place / "run" / "n.pid"))
    assert first["pid"] != second["pid"]
    assert (place / "log" / "n-1.log").read_text().count('{"worker": "n@') == 2
    assert stem("worker", "multi", "stop", "n", "--pidfile", "run/%n.pid").code == 0


def test_a_node_that_dies_early_says_why(stem: Stem, place: Path) -> None:
    (place / "bad_app.py").write_text("raise ValueError('no such thing')\n")
    ran = stem("worker", "multi", "start", "a", "b", "--app", "bad_app:stem", "--json")
    assert ran.code == 70
    assert one_line(ran.err)
    assert "no such thing" in ran.json["error"]["hint"]
    assert by_node(ran.json["nodes"]) == {"a": "failed", "b": "failed"}
    (place / "dead_app.py").write_text(
        "import os, sys\nprint('last words', file=sys.stderr, flush=True)\nos._exit(9)\n"
    )
    ran = stem("worker", "multi", "start", "a", "--app", "dead_app:stem")
    assert "exit code 9; last in its log: last words" in ran.err
    assert not list((place / "state").rglob("*.pid"))


def test_a_node_that_is_not_ready_in_time_runs_on_and_is_said_to(stem: Stem, place: Path) -> None:
    (place / "slow_app.py").write_text("import time\nprint('thinking', flush=True)\ntime.sleep(60)\n")
    ran = stem("worker", "multi", "start", "a", "--app", "slow_app:stem", "--timeout", "6s", "--json")
    assert ran.code == 70
    (node,) = ran.json["nodes"]
    assert (node["state"], node["says"]) == ("starting", "not ready in time, but running: thinking")
    assert stem("worker", "multi", "status", "a").code == 0
    assert stem("worker", "multi", "stop", "a").code == 0


def test_what_does_not_end_in_time_is_killed_and_that_is_said(stem: Stem, place: Path) -> None:
    app = APP + "\n@stem.task('stuck')\ndef stuck() -> None:\n    time.sleep(60)\n"
    (place / "work_app.py").write_text(app)
    stem("worker", "multi", "start", "n", "--app", "work_app:stem")
    stem("enqueue", "stuck")
    until(lambda: any(queue["inflight"] for queue in stem("observe", "queues", "--json").json))
    ran = stem("worker", "multi", "stop", "n", "--timeout", "500ms", "--json")
    (node,) = ran.json
    assert (ran.code, node["state"]) == (0, "killed")
    assert "did not end within 0.5 s" in node["says"]
    assert pidfile.living(Path(node["pidfile"]), pidfile.Recorded(node["pid"], 0.0)) is None


def test_a_process_id_that_somebody_else_has_now_is_not_taken_for_the_node(stem: Stem, place: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        file = place / "n.pid"
        file.write_text(f"{other.pid}\n{psutil.Process(other.pid).create_time() - 60:.3f}\n")
        flag = ("--pidfile", str(file))
        down = stem("worker", "multi", "status", "n", *flag, "--json")
        assert down.code == 3
        assert "stale" in down.json["nodes"][0]["says"]
        stopped = stem("worker", "multi", "stop", "n", *flag, "--json")
        assert (stopped.code, other.poll(), file.exists()) == (0, None, False)
    finally:
        other.kill()
        other.wait(10)


def test_a_pid_file_without_a_start_is_not_enough_to_end_a_process(stem: Stem, place: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        file = place / "n.pid"
        file.write_text(f"{other.pid}\n")
        ran = stem("worker", "multi", "stop", "n", "--pidfile", str(file), "--timeout", "100ms")
        assert (ran.code, other.poll(), file.exists()) == (70, None, True)
        assert "end it by hand" in ran.err
    finally:
        other.kill()
        other.wait(10)


@pytest.mark.usefixtures("place")
def test_a_node_is_still_known_after_the_clock_was_set(stem: Stem) -> None:
    (started,) = stem("worker", "multi", "start", "n", "--app", "work_app:stem", "--json").json
    Path(started["pidfile"]).write_text(
        f"{started['pid']}\n{psutil.Process(started['pid']).create_time() - 3600:.3f}\n"
    )
    assert stem("worker", "multi", "status", "n", "--json").json[0]["state"] == "running"
    assert stem("worker", "multi", "stop", "n", "--json").json[0]["state"] == "stopped"


@pytest.mark.usefixtures("place")
def test_a_node_that_was_killed_is_down_and_starts_again(stem: Stem) -> None:
    words = ("worker", "multi", "start", "n", "--app", "work_app:stem", "--json")
    (first,) = stem(*words).json
    process = psutil.Process(first["pid"])
    process.kill()
    process.wait(10)
    down = stem("worker", "multi", "status", "n", "--json")
    assert down.code == 3
    assert f"its process {first['pid']} is gone; last in its log: " in down.json["nodes"][0]["says"]
    (second,) = stem(*words).json
    assert (second["state"], second["pid"] != first["pid"]) == ("ready", True)


@pytest.mark.usefixtures("place")
def test_a_node_that_was_drained_is_down_and_says_that_it_stopped(stem: Stem) -> None:
    (node,) = stem("worker", "multi", "start", "n", "--app", "work_app:stem", "--json").json
    process = psutil.Process(node["pid"])
    assert stem("worker", "drain", "--json").code == 0
    process.wait(20)
    down = stem("worker", "multi", "status", "n", "--json").json["nodes"][0]
    assert (down["state"], "stopped: n@" in down["says"]) == ("down", True), down


def test_variables_directory_and_further_flags_reach_the_worker(stem: Stem, place: Path) -> None:
    (place / "vars").write_text("# settings\nexport SHOP='a b'\nSTEM_WORKER_NAMESPACE=\"other\"\n")
    (place / "sub").mkdir()
    app = (
        APP
        + "\nimport os, sys\nprint(os.environ['SHOP'], os.environ['STEM_WORKER_NODE'], os.getcwd(), file=sys.stderr)"
    )
    (place / "sub" / "sub_app.py").write_text(app)
    ran = stem(
        "worker", "multi", "start", "n", "--app", "sub_app:stem", "--env-file", "vars", "--workdir", "sub",
        "--json", "--", "--worker-id", "x-%n-%I", "--log-format", "json", "--log-level", "debug", "--processes", "2",
    )  # fmt: skip
    assert ran.code == 0, ran
    assert ran.json[0]["says"] == "x-n-1-1, x-n-1-2"
    assert f"a b n {place / 'sub'}" in (place / "state" / "stem" / "n.log").read_text()
    assert {each["worker"] for each in stem("worker", "status", "--namespace", "other", "--json").json} == {
        "x-n-1-1", "x-n-1-2",
    }  # fmt: skip
    probed = stem("worker", "healthcheck", "--node", "n", "--namespace", "other", "--json").json["workers"]
    assert [each["worker"] for each in probed] == ["x-n-1-1", "x-n-1-2"]
    assert stem("worker", "multi", "stop", "n").code == 0


@pytest.mark.redis
def test_a_password_is_on_no_command_line_and_in_no_log(stem: Stem, place: Path) -> None:
    server = RedisServer(place / "redis", options=("--requirepass", "canary")).start()
    try:
        url = server.url.replace("redis://", "redis://:canary@")
        ran = stem("worker", "multi", "start", "n", "--app", "work_app:stem", "--broker", url, "--json")
        assert (ran.code, by_node(ran.json)) == (0, {"n": "ready"})
        assert "canary" not in " ".join(psutil.Process(ran.json[0]["pid"]).cmdline())
        assert [each["worker"] for each in stem("worker", "ping", "--broker", url, "--json").json] == [
            ran.json[0]["says"]
        ]
        assert stem("worker", "multi", "stop", "n").code == 0
        assert "canary" not in ran.out + ran.err + Path(ran.json[0]["logfile"]).read_text()
    finally:
        server.kill()


def test_in_the_foreground_nodes_end_with_their_command(place: Path) -> None:
    words = ["worker", "multi", "start", "n1", "n2", "--app", "work_app:stem", "--foreground", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "stem_core", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        document = json.loads(process.stdout.readline())
        assert [re.sub("@.*", "", worker["worker"]) for worker in document["workers"]] == ["n1", "n2"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert not list(place.rglob("*.pid"))


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["status"], "no node is named"),
        (["status", "a", "a"], "named twice"),
        (["status", "a b"], "node name"),
        (["status", "a", "b", "--pidfile", "/tmp/x.pid"], "put %n into it"),
        (["status", "a", "--pidfile", "/tmp/%x.pid"], "%n %h %d %I"),
        (["start", "a"], "--app"),
        (["start", "a", "--app", "m:a", "--env-file", "nope"], "cannot read nope"),
        (["start", "a", "--app", "m:a", "--workdir", "nope"], "--workdir"),
    ],
)
def test_a_wrong_command_is_64_and_one_line(stem: Stem, words: list[str], says: str) -> None:
    ran = stem("worker", "multi", *words, "--json")
    assert ran.code == 64, ran
    assert one_line(ran.err)
    assert says in ran.err


def test_a_damaged_env_file_names_its_line_and_shows_no_value(stem: Stem, place: Path) -> None:
    (place / "vars").write_text("A=1\nmy secret\n")
    ran = stem("worker", "multi", "start", "a", "--app", "m:a", "--env-file", "vars")
    assert ran.code == 64
    assert "line 2 of vars" in ran.err
    assert "secret" not in ran.err


def test_placeholders_are_filled_and_others_refused() -> None:
    assert fill("/x/%n-%I%%.log", "a", 3) == "/x/a-3%.log"
    with pytest.raises(UsageError, match="placeholder"):
        fill("%", "a", 1)


@pytest.mark.parametrize("place_of_pids", ["/proc/nowhere/%n.pid", "work_app.py/%n.pid"])
def test_a_node_whose_pid_file_cannot_be_written_does_not_live_on_unseen(
    stem: Stem, place: Path, place_of_pids: str
) -> None:
    ran = stem("worker", "multi", "start", "n1", "n2", "--app", "work_app:stem", "--pidfile", place_of_pids, "--json")
    assert (ran.code, by_node(ran.json["nodes"])) == (70, {"n1": "failed", "n2": "failed"})
    assert "see --pidfile" in ran.err
    assert not [
        each for each in psutil.process_iter(["cwd"]) if each.info["cwd"] == str(place) and each.pid != os.getpid()
    ]


def test_a_node_that_cannot_be_started_does_not_hide_what_became_of_the_others(stem: Stem, place: Path) -> None:
    bad = place / "state" / "stem" / "n2.pid"
    bad.parent.mkdir(parents=True)
    bad.write_text("rubbish")
    ran = stem("worker", "multi", "start", "n1", "n2", "--app", "work_app:stem", "--json")
    assert (ran.code, by_node(ran.json["nodes"])) == (70, {"n1": "ready", "n2": "failed"})
    assert "n2.pid is no pid file" in ran.err
    assert stem("worker", "multi", "stop", "n1", "--json").code == 0
    bad.unlink()
