"""A shell in which the commands of a page are typed one after the other, as a reader would."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

_SERVING: Final = re.compile(r"\bstem (worker start|schedule run)\b")
_FOLLOWING: Final = re.compile(r"\bstem\b.* --follow\b")
_EXIT: Final = re.compile(r"# exits (\d+)")
_PATIENCE: Final = 30.0
_INTERRUPTED: Final = 130


class Terminal(NamedTuple):
    """Another terminal, in which something runs on."""

    line: str
    process: subprocess.Popen[bytes]
    out: Path
    err: Path

    def await_output(self) -> None:
        """Return once it has said something."""
        end = time.monotonic() + _PATIENCE
        while not self.out.stat().st_size:
            assert self.process.poll() is None, f"$ {self.line}\n{self.err.read_text()}"
            assert time.monotonic() < end, f"$ {self.line}\nsays nothing"
            time.sleep(0.02)

    def end(self, number: signal.Signals) -> int:
        """End it with a signal, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(_PATIENCE)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


class Shell:
    """Runs commands in one directory and one environment, which they may change.

    A worker or scheduler gets a terminal of its own: it is started, waited for until it serves, and ended in order at
    last.

    Args:
        directory: Where the reader is.
        variables: What is set in the beginning.
    """

    def __init__(self, directory: Path, variables: dict[str, str]) -> None:
        self._directory = directory
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self._variables = {**os.environ, **variables, "PATH": path}
        self._terminals: list[Terminal] = []

    def type(self, line: str) -> str:
        """Run one command and return what it prints; it must exit as the line says, with 0 if it says nothing."""
        if _SERVING.search(line):
            terminal = self._open(line, _SERVING.sub(r"exec stem \1 --json", line))
            terminal.await_output()
            assert not terminal.out.read_text().startswith('{"error"'), f"$ {line}\n{terminal.out.read_text()}"
        elif _FOLLOWING.search(line):
            terminal = self._open(line, re.sub(r"\bstem\b", "exec stem", line, count=1))
            terminal.await_output()
            assert terminal.end(signal.SIGINT) in (0, _INTERRUPTED), terminal.err.read_text()
            self._terminals.remove(terminal)
        else:
            return self._run(line)
        return terminal.out.read_text()

    def serves(self, words: str) -> bool:
        """Return whether a terminal still runs a command with these words."""
        return any(words in each.line and each.process.poll() is None for each in self._terminals)

    def await_end(self, words: str) -> None:
        """Return once no terminal runs a command with these words any more."""
        for terminal in self._terminals:
            if words in terminal.line:
                terminal.process.wait(_PATIENCE)

    def end(self) -> None:
        """End what still serves."""
        for terminal in self._terminals:
            assert terminal.end(signal.SIGTERM) == 0, f"$ {terminal.line}\n{terminal.err.read_text()}"

    def kill(self) -> None:
        """End at once what still runs."""
        for terminal in self._terminals:
            terminal.kill()

    def _run(self, line: str) -> str:
        after = self._directory / ".after"
        # What a command sets, the next one finds.
        script = f"set -a\n{line}\ncode=$?\nenv -0 > {after}\nexit $code"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._directory, env=self._variables, capture_output=True, text=True, timeout=_PATIENCE, check=False,
        )  # fmt: skip
        wanted = _EXIT.search(line)
        assert done.returncode == (int(wanted[1]) if wanted else 0), f"$ {line}\n{done.stdout}{done.stderr}"
        kept = dict(entry.split("=", 1) for entry in after.read_text().split("\0") if "=" in entry)
        self._variables = {name: value for name, value in kept.items() if name not in ("code", "_", "SHLVL")}
        return done.stdout

    def _open(self, line: str, command: str) -> Terminal:
        place = self._directory / f".terminal{time.monotonic_ns()}"
        out, err = place.with_suffix(".out"), place.with_suffix(".err")
        with out.open("wb") as out_file, err.open("wb") as err_file:
            process = subprocess.Popen(
                ["bash", "-c", command], cwd=self._directory, env=self._variables, stdout=out_file, stderr=err_file
            )
        terminal = Terminal(line, process, out, err)
        self._terminals.append(terminal)
        return terminal
