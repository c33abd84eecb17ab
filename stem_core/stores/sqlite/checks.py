"""What a file must be before Stem trusts it with work.

Nothing here opens the file: closing it again would drop the locks that SQLite has on it for this process.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from stem_core.errors import ConfigurationError
from stem_core.stores.sqlite.address import Address
from stem_core.stores.sqlite.connection import create_file
from stem_core.text import visible

_NETWORK: Final = frozenset({
    "nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "afpfs", "ncpfs", "ncp", "coda", "ceph",
    "glusterfs", "lustre", "gpfs", "beegfs", "pvfs2", "orangefs", "ocfs2", "gfs2", "9p", "drvfs", "webdav", "davfs",
    "sshfs", "rclone", "s3fs", "gcsfuse",
})  # fmt: skip
"""Where locks or shared memory do not work between machines, so that two writers would destroy the file."""


class Mount(NamedTuple):
    """A mounted file system."""

    point: str
    kind: str


def check_place(address: Address, mounts: Callable[[], Iterable[Mount]] | None = None) -> None:
    """Refuse a path that cannot be, or should not be, a store's; make what is missing, for this user alone to read.

    Args:
        address: Where the store is to lie.
        mounts: What is mounted; the machine's own mounts if None.

    Raises:
        ConfigurationError: It is not fit.
    """
    path, shown = address.path, visible(str(address.path))
    if address.is_default:
        with suppress(OSError):  # what is wrong with it is said below
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.parent.is_dir():
        raise ConfigurationError(f"{shown} lies in no directory", f"make {visible(str(path.parent))}, or name another")
    kind = file_system(path, (_mounts if mounts is None else mounts)())
    if kind.removeprefix("fuse.") in _NETWORK:
        raise ConfigurationError(
            f"{shown} is on a network file system ({visible(kind)}), where SQLite's locks do not hold",
            "use a local disk, or a server: redis://host:port or postgresql://host/database",
        )
    try:
        _check_file(path, shown)
    except OSError as error:
        raise ConfigurationError(f"{shown} cannot be used: {error.strerror}", "name a file of your own") from None


def _check_file(path: Path, shown: str) -> None:
    create_file(str(path))
    if not stat.S_ISREG(path.stat().st_mode):
        raise ConfigurationError(f"{shown} is no file", "name a file in that directory, like stem.db")
    if not os.access(path, os.R_OK | os.W_OK):
        raise ConfigurationError(f"{shown} cannot be read and written", "give this user the right to, or name another")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"{visible(str(path.parent))} cannot be written", "SQLite keeps two more files beside a store's own"
        )


def file_system(path: Path, mounts: Iterable[Mount]) -> str:
    """Return the kind of file system that a path lies on, "" if that is not known."""
    found = Mount("", "")
    for mount in mounts:
        point = mount.point.rstrip("/\\") or "/"
        # The last one of equal length lies on top of the others.
        if len(point) >= len(found.point) and (point == "/" or path.is_relative_to(point)):
            found = Mount(point, mount.kind.lower())
    return found.kind


def _mounts() -> list[Mount]:
    import psutil  # noqa: PLC0415 - not loaded by those who only import this package

    try:
        return [Mount(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]
    except (OSError, psutil.Error):
        return []  # where that is not told, every file system is believed to be local
