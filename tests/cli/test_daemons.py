"""The templates in `sample_configs/` are what those who read them take them for, and name flags that exist."""

from __future__ import annotations

import configparser
import os
import plistlib
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stem_core.cli.env_file import read_env_file
from stem_core.cli.start import start
from stem_core.config import SETTINGS, StemConfig
from tests.cli.conftest import APP, ROOT, Stem, until

SAMPLES = ROOT / "sample_configs"
UNITS = ["stem-worker.service", "stem-worker@.service"]
PROGRAM = "/srv/shop/.venv/bin/stem"


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=True, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names are case-sensitive
    parser.read(SAMPLES / name)
    return parser


def supervisor() -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=(" ;",))
    parser.read(SAMPLES / "supervisor.conf")
    return parser["program:stem-worker"]


def plist() -> dict[str, object]:
    with (SAMPLES / "com.example.stem.worker.plist").open("rb") as file:
        return plistlib.load(file)


def command_lines() -> list[list[str]]:
    words = plist()["ProgramArguments"]
    assert isinstance(words, list)
    units = [shlex.split(unit(name)["Service"]["ExecStart"]) for name in UNITS]
    return [*units, words, shlex.split(supervisor()["command"])]


@pytest.mark.parametrize("words", command_lines(), ids=[*UNITS, "launchd", "supervisor"])
def test_the_command_is_one_that_exists(words: list[str]) -> None:
    assert words[:3] == [PROGRAM, "worker", "start"]
    context = start.make_context("start", [word.replace("%i", "mail") for word in words[3:]])
    assert context.params["app"] == "shop.tasks:stem"


def test_all_end_a_worker_warm_and_leave_it_the_same_time() -> None:
    for name in UNITS:
        service = unit(name)["Service"]
        assert (service["KillSignal"], service["KillMode"], service["TimeoutStopSec"]) == ("SIGTERM", "mixed", "5min")
        assert (service["Type"], service["Restart"], service["RestartPreventExitStatus"]) == (
            "notify",
            "on-failure",
            "64",
        )
        assert unit(name)["Unit"]["StartLimitIntervalSec"] == "0"  # the broker may come up later
    assert (supervisor()["stopsignal"], supervisor()["stopwaitsecs"], supervisor()["exitcodes"]) == (
        "TERM",
        "300",
        "0,64",
    )
    assert plist()["ExitTimeOut"] == 300
    assert plist()["KeepAlive"] == {"SuccessfulExit": False}


def test_the_variables_are_settings_that_parse() -> None:
    variables = read_env_file(SAMPLES / "worker.env")
    assert set(variables) <= {setting.variable for setting in SETTINGS.values()}
    assert StemConfig.from_environment(variables).worker_queues == ("default",)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze: install systemd")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_accepts_the_unit(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text((SAMPLES / name).read_text().replace(PROGRAM, sys.executable))
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (ran.returncode, [line for line in ran.stderr.splitlines() if name in line]) == (0, [])


@pytest.fixture
def supervised(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A running supervisord with the sample, in which only paths, user and address are others; gives its settings."""
    monkeypatch.setenv("STEM_BROKER_URL", sqlite_url)
    (tmp_path / "work_app.py").write_text(APP)
    program = tmp_path / "stem"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m stem_core "$@"\n')
    program.chmod(0o755)
    text = (SAMPLES / "supervisor.conf").read_text()
    for old, new in (
        (PROGRAM, str(program)), ("shop.tasks:stem", "work_app:stem"), ("user=stem\n", ""),
        ("/srv/shop", str(tmp_path)),
        ('STEM_BROKER_URL="redis://localhost:6379/0"', f'STEM_BROKER_URL="{sqlite_url}",PYTHONPATH="{ROOT}"'),
        ("/var/log/stem", str(tmp_path)),
    ):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "stem.conf").write_text(text)
    settings = tmp_path / "supervisord.conf"
    settings.write_text(
        f"[supervisord]\nlogfile={tmp_path}/supervisord.log\npidfile={tmp_path}/supervisord.pid\nnodaemon=true\n"
        f"[unix_http_server]\nfile={tmp_path}/s.sock\n[supervisorctl]\nserverurl=unix://{tmp_path}/s.sock\n"
        "[rpcinterface:supervisor]\n"
        "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        f"[include]\nfiles={tmp_path}/stem.conf\n"
    )
    command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(settings)]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    yield settings
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    for each in family:
        if each.is_running():
            each.kill()


@pytest.mark.process
def test_supervisor_runs_the_sample_starts_what_dies_again_and_stops_warm(stem: Stem, supervised: Path) -> None:
    def control(*words: str) -> str:
        command = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisorctl", "-c", str(supervised), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout

    until(lambda: len(alive(stem)) == 2, 30)
    names = sorted(alive(stem))
    assert [name.partition("@")[0] for name in names] == ["shop-1", "shop-2"]
    before = alive(stem)
    os.kill(before[names[0]], signal.SIGKILL)
    until(lambda: alive(stem).get(names[0], before[names[0]]) != before[names[0]], 30)
    until(lambda: control("status").count("RUNNING") == 2, 30)  # what ends before startsecs is taken for a failed start
    assert stem("worker", "shutdown", "--worker", names[1]).code == 0
    until(lambda: "EXITED" in control("status"), 30)
    assert "stopped" in control("stop", "stem-worker:stem-worker-1")
    assert "stopping (warm" in (supervised.parent / "worker-1.log").read_text()
    assert alive(stem) == {}


def alive(stem: Stem) -> dict[str, int]:
    return {each["worker"]: each["pid"] for each in stem("worker", "status", "--json").json if each["alive"]}
