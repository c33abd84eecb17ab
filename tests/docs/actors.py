"""What pages speak of without saying how it came to be: a task, workers named mail-1 and so on, packages with tasks."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from tests.docs.pages import ROOT
from tests.docs.shell import Shell

PACKAGES: Final = ("yourpackage", "shop")
TASK_ID: Final = "01a20bb583d676af890eb487db90c792"

_WORKER: Final = re.compile(r"--worker (mail-\d)\b")
_ENDING: Final = re.compile(r"\bstem worker (drain|shutdown)\b")
_ENQUEUE: Final = f"""
import asyncio
from examples.email import stem

async def main():
    async with stem:
        await stem.enqueue("email.send", {{"to": "a@b.c"}}, task_id="{TASK_ID}", countdown=3600)

asyncio.run(main())
"""


def furnish(home: Path) -> None:
    """Put the project's examples, and packages as readers have them, into a directory."""
    for name in ("examples", "sample_configs"):
        (home / name).symlink_to(ROOT / name)
    for name in PACKAGES:
        (home / name).mkdir()
        (home / name / "tasks.py").write_text((ROOT / "examples" / "decorator.py").read_text())
    (home / "enqueue_the_task.py").write_text(_ENQUEUE)


def type_with_actors(shell: Shell, line: str) -> str:
    """Type a command after whatever it names is there; a worker that it ends has ended when this returns."""
    named = _WORKER.findall(line)
    for worker in named:
        if not shell.serves(f"--worker-id {worker}"):
            shell.type(f"stem worker start --app examples.email:stem --worker-id {worker}")
    if TASK_ID in line:
        shell.type(f"{sys.executable} enqueue_the_task.py")
    said = shell.type(line)
    if _ENDING.search(line):
        for worker in named:
            shell.await_end(f"--worker-id {worker}")
    return said
