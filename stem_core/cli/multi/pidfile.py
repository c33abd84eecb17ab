"""Pid files that are not fooled by a process id which was given to somebody else."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from stem_core.errors import StemError

_SAME_START: Final = 2.0
"""Seconds by which the start times of one process may differ from one look to the next."""
VARIABLE: Final = "STEM_WORKER_PIDFILE"
"""In which a node finds the path of its pid file."""


class Recorded(NamedTuple):
    """What a pid file says: the process id, and when that process started in epoch seconds."""

    pid: int
    started_at: float


def write(path: Path, process: psutil.Process) -> bool:
    """Record a process: id in the first line, start in the second. Readers see the whole file or none.

    Returns:
        False if there was a file; then nothing was written.

    Raises:
        StemError: The file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.write_text(f"{process.pid}\n{process.create_time():.3f}\n")
            os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    except FileExistsError:
        return False
    except OSError as error:
        raise StemError(f"cannot write {path}: {error.strerror}", "see --pidfile") from error
    return True


def read(path: Path) -> Recorded | None:
    """Return what a pid file says, or None if there is none.

    Raises:
        StemError: It cannot be read, or is no pid file.
    """
    try:
        lines = path.read_text().split()
        return Recorded(int(lines[0]), float(lines[1]) if len(lines) > 1 else 0.0)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StemError(f"cannot read {path}: {error.strerror}", "see --pidfile") from error
    except (ValueError, IndexError) as error:
        raise StemError(
            f"{path} is no pid file", "its first line is the process id; remove it if it is damaged"
        ) from error


def living(path: Path, recorded: Recorded | None) -> psutil.Process | None:
    """Return the process that a pid file means, if it runs: the same id *and* the same start.

    A file without a start, as others write them, is believed, but is not enough to end a process. Start times of a
    machine move when its clock is set; so a process that carries the file's path in its environment, as nodes do, is
    the one that is meant as well.

    Args:
        path: The pid file.
        recorded: What it says.
    """
    if recorded is None:
        return None
    try:
        process = psutil.Process(recorded.pid)
        same = not recorded.started_at or abs(process.create_time() - recorded.started_at) <= _SAME_START
        meant = same or _carries(process, path)
        return process if meant and is_alive(process) else None
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None


def is_certain(path: Path, recorded: Recorded, process: psutil.Process) -> bool:
    """Return whether a process is the one that a pid file means beyond doubt, so that it may be ended."""
    with suppress(psutil.Error, OSError):
        return bool(recorded.started_at) or _carries(process, path)
    return False


def _carries(process: psutil.Process, path: Path) -> bool:
    return process.environ().get(VARIABLE) == str(path)


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that has ended and was not collected does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def remove(path: Path, recorded: Recorded) -> None:
    """Remove a pid file, if it still says the same."""
    with suppress(StemError, OSError):
        if read(path) == recorded:
            path.unlink()
