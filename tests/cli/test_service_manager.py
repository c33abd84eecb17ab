"""systemd is told when a worker is ready, how it is, that it lives and that it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from stem_core.cli.service_manager import ServiceManager
from tests.cli.conftest import APP, ROOT, Stem, until

BLOCKING = """
import os
import time

@stem.task("block")
async def block(seconds: float) -> None:
    time.sleep(seconds)

@stem.task("variables", execution="process")
def variables() -> list[str]:
    return [name for name in os.environ if name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")]
"""


class Systemd:
    """The socket of one, and the workers that it has started."""

    def __init__(self, directory: Path) -> None:
        self.address = str(directory / "notify")
        self._directory = directory
        (directory / "told_app.py").write_text(APP + BLOCKING)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(self.address)
        self.socket.settimeout(20)
        self.started: list[subprocess.Popen[bytes]] = []

    def start(self, *words: str, watchdog: float = 0.3) -> subprocess.Popen[bytes]:
        """Start `stem worker start` as systemd does."""
        variables = {"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": str(round(watchdog * 1e6))}
        process = subprocess.Popen(
            [sys.executable, "-m", "stem_core", "worker", "start", "--app", "told_app:stem", *words],
            cwd=self._directory,
            env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL,
        )
        self.started.append(process)
        return process

    def told(self) -> dict[str, str]:
        """Return the next that it is told, and by whom."""
        data, ancillary, _, _ = self.socket.recvmsg(4096, socket.CMSG_SPACE(12))
        pid = int.from_bytes(ancillary[0][2][:4], sys.byteorder)
        return {"pid": str(pid), **dict(line.split("=", 1) for line in data.decode().splitlines())}

    def told_until(self, key: str) -> dict[str, str]:
        """Return the next that has this key."""
        while key not in (told := self.told()):
            continue
        return told

    def end(self) -> None:
        """End what it has started."""
        self.socket.close()
        for process in self.started:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@pytest.fixture
def systemd(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Systemd]:
    """One that starts workers on a store of their own."""
    monkeypatch.setenv("STEM_BROKER_URL", sqlite_url)
    systemd = Systemd(tmp_path)
    yield systemd
    systemd.end()


@pytest.mark.process
def test_a_worker_tells_that_it_is_ready_how_it_is_and_that_it_ends(systemd: Systemd) -> None:
    worker = systemd.start("--concurrency", "3")
    first = systemd.told()
    assert (first["READY"], first["pid"]) == ("1", str(worker.pid))
    assert first["STATUS"] == "running, 0 of 3 slots busy, 0 succeeded, 0 failed"
    assert systemd.told()["WATCHDOG"] == "1"
    worker.send_signal(signal.SIGTERM)
    assert systemd.told_until("STOPPING")["pid"] == str(worker.pid)
    assert worker.wait(20) == 0


@pytest.mark.process
def test_a_worker_that_drains_lives_and_says_so(systemd: Systemd, stem: Stem) -> None:
    worker = systemd.start("--concurrency", "1")
    systemd.told_until("READY")
    assert stem("enqueue", "slow", "--args", "{}").code == 0
    while "1 of 1 slots busy" not in systemd.told_until("WATCHDOG")["STATUS"]:
        continue
    worker.send_signal(signal.SIGTERM)
    while not systemd.told_until("WATCHDOG")["STATUS"].startswith("draining, 1 of 1"):
        continue
    worker.send_signal(signal.SIGQUIT)
    systemd.told_until("STOPPING")


@pytest.mark.process
def test_a_worker_whose_event_loop_stands_still_leaves_the_watchdog_hungry(systemd: Systemd, stem: Stem) -> None:
    systemd.start("--concurrency", "1", watchdog=0.3)
    systemd.told_until("READY")
    assert stem("enqueue", "block", "--args", '{"seconds": 4}').code == 0
    fed = [time.monotonic()] * 2
    while fed[-1] - fed[-2] <= 2:
        assert fed[-1] - fed[0] < 20
        systemd.told_until("WATCHDOG")
        fed.append(time.monotonic())


@pytest.mark.process
def test_of_several_processes_only_the_one_that_was_started_speaks(systemd: Systemd) -> None:
    supervisor = systemd.start("--processes", "2")
    first = systemd.told()
    assert (first["READY"], first["STATUS"]) == ("1", "2 of 2 worker processes run")
    supervisor.send_signal(signal.SIGTERM)
    heard = [first]
    while "STOPPING" not in heard[-1]:
        heard.append(systemd.told())
    assert {told["pid"] for told in heard} == {str(supervisor.pid)}
    assert sum("READY" in told for told in heard) == 1


@pytest.mark.process
def test_child_processes_do_not_get_its_address(systemd: Systemd, stem: Stem) -> None:
    systemd.start("--concurrency", "1")
    systemd.told_until("READY")
    task = stem("enqueue", "variables", "--json").json["ids"][0]
    until(lambda: stem("task", "show", task, "--json").json["state"] == "succeeded")
    assert stem("task", "show", task, "--json").json["result"] == []


async def test_without_systemd_nothing_is_told_and_nothing_is_missed() -> None:
    async with ServiceManager.from_environment({}).told(lambda: pytest.fail("nobody asked")):
        pass


async def test_a_watchdog_that_is_for_another_process_is_left_to_it() -> None:
    variables = {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}
    assert ServiceManager.from_environment(variables)._interval == ServiceManager()._interval
    assert variables == {}


async def test_a_socket_that_is_gone_costs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with ServiceManager(str(tmp_path / "gone")).told(lambda: "well"):
        pass
    assert "systemd cannot be told" in caplog.text
