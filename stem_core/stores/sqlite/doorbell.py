"""Waking other processes: an empty datagram to the socket of each that listens.

The sockets lie in a directory beside the file, where all find it who find the file, whatever their /tmp and their
container. Whoever listens binds one there for each bell it listens to, whose name begins with the bell's; whoever rings
sends to all of that bell. A ring says only that there is something to look at: a full socket has been rung already, a
dead one is removed. Where there can be no such sockets (on Windows, on some file systems, or if the directory is not
ours) nothing is rung, and who waits has to look often.
"""

from __future__ import annotations

import os
import secrets
import socket
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from stem_core.clock import SYSTEM_CLOCK

_BESIDE: Final = "-bells"
_LONGEST: Final = 100
"""Bytes that a socket's address may have anywhere; what is longer is named by way of its directory's descriptor."""
_DESCRIPTORS: Final = Path("/proc/self/fd")
_TRIAL: Final = "trial"
_FRESH: Final = 0.1
"""Seconds. A directory that changed so lately may change again without its time telling."""
_YOUNG: Final = 10.0
"""Seconds for which a socket is not taken for a dead one."""
_TRIES: Final = 5


class Doorbell:
    """One process's way to be rung for by others, and to ring for them. `ring` belongs to one thread.

    Args:
        path: The database file. It has to exist before anything is done here.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_usable = hasattr(socket, "AF_UNIX") and hasattr(os, "getuid")
        self._found: Path | None = None
        self._own: dict[str, socket.socket] = {}
        self._sender: socket.socket | None = None
        self._listing: dict[str, list[str]] = {}
        self._listed: tuple[int, int] | None = None

    @property
    def works(self) -> bool:
        """Whether others can be heard, as far as is known."""
        return self._folder is not None

    def try_out(self) -> bool:
        """Return whether others can be heard: not every file system has sockets."""
        own = self.listen(_TRIAL)
        folder = self._folder
        if own is None or folder is None:
            return False
        name = next(name for name, each in self._own.items() if each is own)
        self._own.pop(name).close()
        _remove(folder, name)
        return True

    @property
    def _folder(self) -> Path | None:
        if self._is_usable and self._found is None:
            self._found = self._path.with_name(self._path.name + _BESIDE)
            self._is_usable = _is_fit(self._found, self._path)
        return self._found if self._is_usable else None

    def listen(self, bell: str) -> socket.socket | None:
        """Return a socket that is readable once that bell was rung, None if that is not to be had."""
        folder = self._folder
        if folder is None:
            return None
        own = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        own.settimeout(0)
        name = f"{bell}-{os.getpid()}-{secrets.token_hex(4)}"
        for _ in range(_TRIES):
            try:
                _make(folder, self._path)
                with _address(folder, name) as address:
                    own.bind(address)
            except FileNotFoundError:
                continue  # the last one who left took the directory away just now
            except OSError:
                break
            self._own[name] = own
            return own
        own.close()
        self._is_usable = False
        return None

    def ring(self, bells: Collection[str]) -> None:
        """Wake all others who listen to one of these bells."""
        folder = self._folder
        if folder is None:
            return
        listing = self._listeners(folder)
        for bell in bells:
            for name in listing.get(bell, ()):
                if name not in self._own:
                    self._send(folder, name)

    def tidy(self) -> None:
        """Remove the sockets of processes that were killed."""
        folder = self._folder
        if folder is None:
            return
        with suppress(OSError):
            for listener in folder.iterdir():
                _remove_if_dead(listener)

    def _listeners(self, folder: Path) -> dict[str, list[str]]:
        try:
            found = os.stat(folder)  # noqa: PTH116 - called for each ring, and twice as fast
        except OSError:
            return {}
        state = (found.st_ino, found.st_mtime_ns)
        if state != self._listed:
            listing: dict[str, list[str]] = {}
            with suppress(OSError):
                for name in os.listdir(folder):  # noqa: PTH208 - names are all that is wanted
                    listing.setdefault(name.partition("-")[0], []).append(name)
            self._listing = listing
            self._listed = state if SYSTEM_CLOCK.time() - found.st_mtime > _FRESH else None
        return self._listing

    def _send(self, folder: Path, name: str) -> None:
        if self._sender is None:
            self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._sender.settimeout(0)
        try:
            with _address(folder, name) as address:
                self._sender.sendto(b"", address)
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(OSError):
                (folder / name).unlink()
        except OSError:
            return  # it has been rung so often that there is no room for more

    def close(self) -> None:
        """Take the sockets away. Twice is once."""
        own, self._own = self._own, {}
        folder, self._is_usable = self._found, False
        for name, each in own.items():
            each.close()
            if folder is not None:
                _remove(folder, name)
        if self._sender is not None:
            self._sender.close()
            self._sender = None


def _remove(folder: Path, name: str) -> None:
    """Remove a socket, and the directory if nobody else listens."""
    with suppress(OSError):
        (folder / name).unlink()
        folder.rmdir()


def _remove_if_dead(listener: Path) -> None:
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        if SYSTEM_CLOCK.time() - listener.lstat().st_mtime < _YOUNG:
            return  # it may be about to live
        try:
            with _address(listener.parent, listener.name) as address:
                probe.connect(address)
        except ConnectionRefusedError:
            listener.unlink()


def _make(folder: Path, path: Path) -> None:
    """Make the directory for the owner of the file.

    Raises:
        OSError: It cannot be made, or is somebody else's.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        owner = path.stat().st_uid
        if owner != os.getuid():
            os.chown(folder, owner, -1)
    if not _is_fit(folder, path):
        raise PermissionError(f"{folder} is not of this file's owner alone")


def _is_fit(folder: Path, path: Path) -> bool:
    """Return whether the directory is the file's owner's alone, or is still to be made; others could listen or ring."""
    try:
        owner = path.stat().st_uid
        found = folder.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and stat.S_IMODE(found.st_mode) == 0o700


@contextmanager
def _address(folder: Path, name: str) -> Iterator[str]:
    """Give a socket's address, which is short however long its path is.

    Raises:
        OSError: There is none, or the directory is not there.
    """
    path = str(folder / name)
    if len(os.fsencode(path)) <= _LONGEST or not _DESCRIPTORS.is_dir():
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield str(_DESCRIPTORS / str(descriptor) / name)
    finally:
        os.close(descriptor)
