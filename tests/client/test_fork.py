"""Prefork servers, and everything else that forks after a first enqueue: parent and children do not know each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import SERVED
from tests.redis_topologies import TlsServer

ROOT = Path(__file__).parents[2]

COMMON = """
import os, sys, threading, time
from stem_core import Stem

stem = Stem.from_environment()

@stem.task("add")
def add(x: int) -> int:
    return x

def ended(pid):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    return "hangs"
"""

PRELOADED = f"""{COMMON}
sent = [add.enqueue_sync(0)]
read, write = os.pipe()
children = []
for number in range(3):
    pid = os.fork()
    if pid == 0:
        first = add.enqueue_sync(number).encode()
        grandchild = os.fork()
        if grandchild == 0:
            os.write(write, first + add.enqueue_sync(number).encode())
            os._exit(0)
        assert ended(grandchild) == 0
        sys.exit(0)  # in order, so that all that came along is destroyed
    children.append(pid)
assert [ended(pid) for pid in children] == [0, 0, 0]
sent += [add.enqueue_sync(9) for _ in range(3)]
text = os.read(read, 4096).decode()
sent += [text[start : start + 32] for start in range(0, len(text), 32)]
assert len(set(sent)) == 10, sent
"""

CROWD = f"""{COMMON}
add.enqueue_sync(0)  # who forks while a module is imported gets a child that waits for that import, whatever it is
over = threading.Event()

def enqueue():
    while not over.is_set():
        add.enqueue_sync(1)

threads = [threading.Thread(target=enqueue) for _ in range(3)]
for thread in threads:
    thread.start()
codes = set()
for _ in range(30):
    pid = os.fork()
    if pid == 0:
        add.enqueue_sync(2)
        os._exit(0)
    codes.add(ended(pid))
over.set()
for thread in threads:
    thread.join()
assert codes == {{0}}, codes
"""


def run(program: str, **variables: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", program],  # it is what is tried
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture(params=SERVED)
def store(request: pytest.FixtureRequest, namespace: str) -> dict[str, str]:
    """The environment of a program that uses a store, each in turn."""
    return {"STEM_BROKER_URL": request.getfixturevalue(request.param), "STEM_WORKER_NAMESPACE": namespace}


@pytest.mark.process
def test_children_that_end_leave_the_connections_of_their_parent_alone(store: dict[str, str]) -> None:
    run(PRELOADED, **store)


@pytest.mark.process
def test_children_say_no_goodbye_on_an_encrypted_connection_of_their_parent(
    tls_server: TlsServer, namespace: str
) -> None:
    run(
        PRELOADED,
        STEM_BROKER_URL=tls_server.url,
        STEM_WORKER_NAMESPACE=namespace,
        STEM_TLS_CA_CERT=str(tls_server.ca_cert),
    )


@pytest.mark.process
def test_children_enqueue_whatever_other_threads_did_when_they_were_forked(store: dict[str, str]) -> None:
    run(CROWD, **store)
