"""What belongs to a node: its name, and where its pid file and its log lie."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stem_core.envelope import check_name
from stem_core.errors import UsageError

WORKER_ID: Final = "%n@%h"
_PLACEHOLDER: Final = re.compile(r"%(.?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Node:
    """A worker that is known by a name on this machine.

    Args:
        name: What its operator calls it.
        index: Its place among those that were named with it, from 1.
        pidfile: Where its process id is kept.
        logfile: Where all that it says goes.
    """

    name: str
    index: int
    pidfile: Path
    logfile: Path

    def fill(self, text: str) -> str:
        """Replace the placeholders in a text."""
        return fill(text, self.name, self.index)


def state_file(suffix: str) -> str:
    """Return where a node's file lies if nothing is said: `%n` with this suffix, in the user's directory for state."""
    from platformdirs import user_state_path  # noqa: PLC0415 - costs start-up time, and only few commands need it

    return str(user_state_path("stem", appauthor=False)).replace("%", "%%") + f"/%n{suffix}"


def nodes_of(names: Sequence[str], pidfile: str | None, logfile: str | None) -> list[Node]:
    """Return the nodes of these names.

    Args:
        names: At least one, all different.
        pidfile: Path with placeholders, or None for the user's directory for state.
        logfile: As above.

    Raises:
        UsageError: No node is named, one is named twice, or two share a file.
    """
    if not names:
        raise UsageError("no node is named", "name some, such as: stem worker multi status n1 n2, or STEM_WORKER_NODES")
    if len(set(names)) != len(names):
        raise UsageError("a node is named twice", "give each node a name of its own")
    pids, logs = pidfile or state_file(".pid"), logfile or state_file(".log")
    nodes = []
    for index, name in enumerate(names, 1):
        check_name("node", name)
        paths = (Path(fill(text, name, index)).expanduser().absolute() for text in (pids, logs))
        nodes.append(Node(name, index, *paths))
    for flag, files in (
        ("--pidfile", {node.pidfile for node in nodes}),
        ("--logfile", {node.logfile for node in nodes}),
    ):
        if len(files) != len(nodes):
            raise UsageError(
                f"{flag} is the same for several nodes", "put %n into it, which stands for the node's name"
            )
    return nodes


def fill(text: str, name: str, index: int) -> str:
    """Replace `%n` by the node's name, `%h` by the host, `%d` by its domain, `%I` by the index, `%%` by `%`.

    Raises:
        UsageError: There is another placeholder.
    """
    host = socket.gethostname()
    values = {"n": name, "h": host, "d": host.partition(".")[2] or "local", "I": str(index), "%": "%"}

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise UsageError(f"{text!r} has the placeholder {match[0]!r}", "use %n %h %d %I, or %% for a percent sign")
        return values[match[1]]

    return _PLACEHOLDER.sub(value, text)
