"""A command line that others can read holds no password."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from stem_core.argv import without_credentials
from stem_tui.cli import parser
from tests.servers import RedisServer

FLAGS = {"--broker": "STEM_BROKER_URL", "--backend": "STEM_RESULT_BACKEND_URL"}
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "kept", "variables"),
    [
        (["stem", "x", "--broker", "redis://u:canary@h"], ["stem", "x"], {"STEM_BROKER_URL": "redis://u:canary@h"}),
        (["x", "--broker=redis://:canary@h", "y"], ["x", "y"], {"STEM_BROKER_URL": "redis://:canary@h"}),
        (
            ["x", "--backend", "redis://h?password=canary", "--broker", "redis://h"],
            ["x", "--broker", "redis://h"],
            {"STEM_RESULT_BACKEND_URL": "redis://h?password=canary"},
        ),
        (["x", "--broker", "redis://h:6379/1"], ["x", "--broker", "redis://h:6379/1"], {}),
        (["x", "--broker=redis://h", "--broker"], ["x", "--broker=redis://h", "--broker"], {}),
    ],
)
def test_addresses_with_credentials_are_taken_off(words: list[str], kept: list[str], variables: dict[str, str]) -> None:
    assert without_credentials(words, FLAGS) == (kept, variables)


@pytest.mark.parametrize("words", [["--brok", "redis://:canary@h"], ["--back=redis://:canary@h"]])
def test_the_console_takes_no_flag_that_would_not_be_taken_off(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="64"):
        parser().parse_args(words)


@pytest.mark.process
@pytest.mark.redis
def test_ps_shows_no_password_of_a_running_worker(redis_server: RedisServer, namespace: str) -> None:
    url = redis_server.url.replace("redis://", "redis://default:canary@")
    command = [sys.executable, "-m", "stem_core", "observe", "events", "--follow", "--namespace", namespace]
    process = subprocess.Popen(
        [*command, "--broker", url], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        shown = Path(f"/proc/{process.pid}/cmdline")
        end = time.monotonic() + 20
        while "canary" in shown.read_text() or "observe" not in shown.read_text():
            assert time.monotonic() < end, shown.read_text()
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
    finally:
        process.kill()
        error = process.communicate()[1]
    assert "canary" not in error
