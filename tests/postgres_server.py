"""Real Postgres servers for tests: started, killed and restarted on loopback, each in a folder of its own.

The programs are those of the pgserver wheel, or Debian's; `STEM_TEST_POSTGRES_BIN` names another folder of them.
Postgres refuses to run as root, so that root runs it as `nobody`, in a folder outside of pytest's own, which only root
may enter.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
import pytest

from tests.servers import free_port, listens

_START_SECONDS: Final = 30.0
_TRIES: Final = 5
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "autovacuum_naptime": "10s",
}


def server_programs() -> Path:
    """Return the folder of `initdb` and `postgres`, or skip the test: the wheel is not there for every Python."""
    named = os.environ.get("STEM_TEST_POSTGRES_BIN")
    if named:
        return Path(named)
    spec = find_spec("pgserver")
    wheel = [Path(place) / "pginstall" / "bin" for place in (spec and spec.submodule_search_locations) or ()]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for folder in (*wheel, *debian):
        if (folder / "postgres").exists():
            return folder
    pytest.skip("needs a Postgres server: install postgresql, or set STEM_TEST_POSTGRES_BIN")


class PostgresServer:
    """One server, with a database `postgres` and a superuser `postgres` who needs no password.

    Args:
        settings: Further settings as in `postgresql.conf`.
        access: Lines of `pg_hba.conf` that come before the one that lets everyone in.
    """

    def __init__(self, *, settings: dict[str, str] | None = None, access: Sequence[str] = ()) -> None:
        self.port = 0
        self._settings = _SETTINGS | (settings or {})
        self._access = tuple(access)
        self._directory: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the database `postgres`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def data(self) -> Path:
        """The folder of its data."""
        assert self._directory is not None
        return self._directory / "data"

    def start(self) -> PostgresServer:
        """Start it and wait until it answers; port and data stay the same over restarts."""
        if self._directory is None:
            self._create()
        for _ in range(_TRIES):
            port = self.port or free_port()
            self._launch(port)
            if self._answers(port):
                self.port = port
                return self
            self.kill()
            time.sleep(0.1)  # the children of the one that was killed may not have noticed yet
        raise RuntimeError(f"the server does not start: {(self.data / 'log').read_text()[-2000:]}")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it and start it again on the same data and port."""
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Make it silent, connections left open, until `thaw`."""
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        for process in self._processes():
            process.resume()

    def remove(self) -> None:
        """End it and delete its data."""
        self.kill()
        if self._directory is not None:
            shutil.rmtree(self._directory)
            self._directory = None

    def _processes(self) -> list[psutil.Process]:
        assert self._process is not None
        main = psutil.Process(self._process.pid)
        return [main, *main.children(recursive=True)]

    def _create(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="stem-postgres-"))
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self._directory, nobody.pw_uid, nobody.pw_gid)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        access = self.data / "pg_hba.conf"
        access.write_text("\n".join([*self._access, access.read_text()]))

    def _run(self, program: str, *words: str) -> None:
        command = self._command(program, *words)
        done = subprocess.run(command, check=False, capture_output=True, text=True, **self._identity())
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr[-2000:]}")

    @staticmethod
    def _command(program: str, *words: str) -> list[str]:
        return [str(server_programs() / program), *words]

    def _identity(self) -> dict[str, Any]:
        identity: dict[str, Any] = {"cwd": self._directory}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            identity |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        return identity

    def _launch(self, port: int) -> None:
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        command = self._command("postgres", "-D", str(self.data), "-p", str(port), *options)
        with (self.data / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, **self._identity())

    def _answers(self, port: int) -> bool:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            try:
                psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres", connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return listens(self._process, port)
        return False

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.send_signal(number)
        process.wait(_START_SECONDS)
        psutil.wait_procs(children, timeout=_START_SECONDS)
