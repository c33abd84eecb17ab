"""A disk that is soon full."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_file_system(folder: Path, size: int, owner: int = 0) -> Iterator[Path]:
    """Mount a file system for a while, or skip the test where that is not allowed.

    Args:
        folder: Where; made if missing.
        size: In MiB.
        owner: Number of the user whom it belongs to.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("needs root on Linux, to mount a small tmpfs")
    folder.mkdir(exist_ok=True)
    options = f"size={size}m,uid={owner},mode=700"
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=False).returncode:
        pytest.skip("needs the right to mount a small tmpfs, which this container does not give")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
