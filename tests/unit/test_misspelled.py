"""A variable that nearly has the name of a setting is told of; others are nobody's business."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from stem_core import misspelled
from stem_core.config import SETTINGS, StemConfig
from stem_core.misspelled import likely_slips
from stem_core.signing import PayloadSigner
from stem_core.signing.keys import KEY_LISTS

NAMES = [setting.variable for setting in SETTINGS.values()]


@pytest.mark.parametrize(
    ("slip", "meant"),
    [
        ("STEM_BROKER_ULR", "STEM_BROKER_URL"),
        ("STEM_BROKR_URL", "STEM_BROKER_URL"),
        ("STEM_WORKER_QUEUE", "STEM_WORKER_QUEUES"),
        ("STEM_RESULTS_BACKEND_URL", "STEM_RESULT_BACKEND_URL"),
        ("STEM_SIGNING_KEY", "STEM_SIGNING_KEYS"),
    ],
)
def test_a_slip_is_found_with_what_was_meant(slip: str, meant: str) -> None:
    assert likely_slips([slip, "HOME"], NAMES) == {slip: meant}


def test_settings_and_names_of_other_programs_are_no_slips() -> None:
    others = ["STEM_WORKER_NODES", "STEM_WORKER_INDEX", "STEM_TEST_SCHEDULE_SECONDS", "STEM_CELL_BROKER", "PATH"]
    assert likely_slips([*NAMES, *others], NAMES) == {}


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"STEM_SIGNING_KEYS": " "}, 1),
        ({"STEM_SIGNING_KEYS": "", "STEM_SIGNING_PUBLIC_KEYS": ""}, 2),
        ({"STEM_SIGNING_KEYS": "", "STEM_SIGNING_PUBLIC_KEYS": "k1:x"}, 0),
        ({}, 0),
    ],
)
def test_keys_that_are_set_to_nothing_are_told_of_once(
    environ: dict[str, str], told: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(misspelled, "_told", set())
    for _ in range(2):
        misspelled.tell_of_blank_keys(environ, KEY_LISTS)
    assert len(caplog.messages) == told
    assert all(said.endswith("is set to nothing: messages are neither signed nor verified") for said in caplog.messages)


@pytest.mark.parametrize("read", [PayloadSigner.from_environment, StemConfig.from_environment])
def test_whoever_reads_the_environment_tells_of_keys_that_are_set_to_nothing(
    read: Callable[[dict[str, str]], object], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(misspelled, "_told", set())
    read({"STEM_SIGNING_KEYS": ""})
    assert caplog.messages == ["STEM_SIGNING_KEYS is set to nothing: messages are neither signed nor verified"]


def test_the_command_line_says_so_on_stderr_and_keeps_its_json_clean() -> None:
    words = [sys.executable, "-m", "stem_core", "config", "--json"]
    environ = {**os.environ, "STEM_BROKER_ULR": "redis://nowhere"}
    done = subprocess.run(words, env=environ, capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == "STEM_BROKER_ULR is no setting and has no effect: is STEM_BROKER_URL meant?\n"
    assert done.stdout.startswith("{")
