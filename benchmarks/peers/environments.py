"""An environment for each peer, in the user's cache.

Some of their requirements exclude each other, and none is the project's. Stem has one too, without what its tests need:
what is installed beside a library may cost it memory and time.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from benchmarks.peers.roster import Peer
from benchmarks.processes import ROOT

_CACHE: Final = user_cache_path("stem-tui") / "peers"


class NotInstalledError(Exception):
    """A peer could not be installed."""


def interpreter(peer: Peer) -> Path:
    """Return the Python that has the peer, installed now if it is not there in these versions.

    Raises:
        NotInstalledError: It cannot be installed here.
    """
    folder = _CACHE / peer.name
    python, installed = folder / "bin" / "python", folder / "installed"
    requirements = peer.requirements or ("--editable", str(ROOT))
    wanted = "\n".join([sys.version, *requirements, "" if peer.requirements else (ROOT / "pyproject.toml").read_text()])
    if installed.is_file() and installed.read_text() == wanted:
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
    installed.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        *_, why = ["no word", *done.stderr.strip().splitlines()]
        raise NotInstalledError(f"`{shlex.join(command)}` failed: {why}")
