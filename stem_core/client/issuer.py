"""Who gives a command."""

from __future__ import annotations

import getpass
import os
import socket

from stem_core.text import visible


def default_issuer() -> str:
    """Return `user@host` of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user id need not have a name
        user = f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return visible(f"{user}@{socket.gethostname()}", 128)
