"""A real PgBouncer in front of a Postgres, started for tests on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final, Self

import pytest

from tests.servers import free_port

_START_SECONDS: Final = 10.0


class PgBouncer:
    """A pooler.

    Args:
        postgres: The port of the server behind it.
        mode: When a connection to the server is given to somebody else: `session` or `transaction`.
    """

    def __init__(self, postgres: int, mode: str) -> None:
        self.port = free_port()
        self._postgres = postgres
        self._mode = mode
        self._folder = Path(tempfile.mkdtemp(prefix="stem-pgbouncer-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of the database `postgres` through it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def __enter__(self) -> Self:
        program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
        if program is None:
            pytest.skip("needs PgBouncer: install pgbouncer (Debian: apt-get install pgbouncer)")
        users, settings = self._folder / "users", self._folder / "settings"
        users.write_text('"postgres" ""\n')
        settings.write_text(
            f"[databases]\n* = host=127.0.0.1 port={self._postgres}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            f"auth_type = trust\nauth_file = {users}\npool_mode = {self._mode}\nlogfile = {self._folder}/log\n"
        )
        identity = ["-u", "nobody"] if os.geteuid() == 0 else []  # it refuses to run as root
        if identity:
            for place in (self._folder, users, settings):
                shutil.chown(place, "nobody")
        self._process = subprocess.Popen(
            [program, "-q", *identity, str(settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._wait_until_it_listens()
        return self

    def _wait_until_it_listens(self) -> None:
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        self.__exit__()
        raise RuntimeError(f"PgBouncer does not start: {(self._folder / 'log').read_text()[-2000:]}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(_START_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)
