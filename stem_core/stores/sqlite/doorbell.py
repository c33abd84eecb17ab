"""Waking other processes: an empty datagram to the socket of each that listens.

The sockets lie in a short directory of the file's owner, since their paths may not be long. Whoever listens binds one
there for each bell it listens to, whose name begins with the bell's; whoever rings sends to all of that bell. A ring
says only that there is something to look at: a full socket has been rung already, a dead one is removed. Where there
are no such sockets (on Windows, or if the directory is not ours) nothing is rung, and who waits has to look often.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Final

from stem_core.clock import SYSTEM_CLOCK

_ROOT: Final = "/tmp"  # noqa: S108 - the one short place that all processes agree on, whatever their TMPDIR is
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
        """Whether others can be heard at all."""
        return self._folder is not None

    @property
    def _folder(self) -> Path | None:
        if self._is_usable and self._found is None:
            self._found = _folder(self._path)
            self._is_usable = self._found is not None
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
                folder.mkdir(mode=0o700, exist_ok=True)
                own.bind(str(folder / name))
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
                    self._send(folder / name)

    def tidy(self) -> None:
        """Remove the sockets of processes that were killed, whichever file they were for."""
        own = self._folder
        if own is None:
            return
        with suppress(OSError):
            for folder in own.parent.iterdir():
                for listener in folder.iterdir():
                    _remove_if_dead(listener)
                with suppress(OSError):
                    folder.rmdir()  # only if it is empty

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

    def _send(self, listener: Path) -> None:
        if self._sender is None:
            self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._sender.settimeout(0)
        try:
            self._sender.sendto(b"", str(listener))
        except (ConnectionRefusedError, FileNotFoundError):
            with suppress(OSError):
                listener.unlink()
        except OSError:
            return  # it has been rung so often that there is no room for more

    def close(self) -> None:
        """Take the sockets away. Twice is once."""
        own, self._own = self._own, {}
        folder, self._is_usable = self._found, False
        for name, each in own.items():
            each.close()
            if folder is not None:
                with suppress(OSError):
                    (folder / name).unlink()
        if folder is not None:
            with suppress(OSError):
                folder.rmdir()  # only if nobody else listens
        if self._sender is not None:
            self._sender.close()
            self._sender = None


def _remove_if_dead(listener: Path) -> None:
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        if SYSTEM_CLOCK.time() - listener.lstat().st_mtime < _YOUNG:
            return  # it may be about to live
        try:
            probe.connect(str(listener))
        except ConnectionRefusedError:
            listener.unlink()


def _folder(path: Path) -> Path | None:
    """Return the directory of a file's sockets, None if someone else has made it, and could listen or ring."""
    try:
        owner = path.stat().st_uid
        parent = Path(_ROOT) / f"stem-{owner}"
        with suppress(FileExistsError):
            parent.mkdir(mode=0o700)
            if owner != os.getuid():
                os.chown(parent, owner, -1)
        found = parent.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
        return None
    return parent / hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
