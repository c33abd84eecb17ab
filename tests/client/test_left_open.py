"""A program that ends without having closed its event loop ends in peace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LEFT_OPEN = """
import asyncio, sys
from stem_core import Stem

stem = Stem.from_environment()

@stem.task("add")
def add(x: int) -> int:
    return x

async def main():
    sys.set_asyncgen_hooks(firstiter=None, finalizer=None)  # as with nest_asyncio, which notebooks use
    assert await stem.status(await add.enqueue(1))

loop = asyncio.new_event_loop()
loop.run_until_complete(main())
"""


@pytest.mark.process
def test_a_loop_that_was_left_open_costs_no_traceback(store_url: str, namespace: str) -> None:
    variables = {**os.environ, "STEM_BROKER_URL": store_url, "STEM_WORKER_NAMESPACE": namespace}
    done = subprocess.run(
        [sys.executable, "-c", LEFT_OPEN],
        cwd=Path(__file__).parents[2], env=variables, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
