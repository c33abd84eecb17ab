"""What `stem worker diagnose` checks. Each check says what was found and, if that is not well, what to do."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from importlib import metadata
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from stem_core import __version__
from stem_core.client.app import load_app
from stem_core.client.cluster import ClusterClient
from stem_core.clock import SYSTEM_CLOCK
from stem_core.config import DEFAULT, SETTINGS, StemConfig
from stem_core.errors import StemError
from stem_core.text import plural, visible

Status: TypeAlias = Literal["ok", "warn", "fail"]

_SLOW: Final = 0.1
_CLOCKS_APART: Final = 2.0
_OLD_BACKLOG: Final = 600.0
_TAIL: Final = 256 * 1024
_ERROR_LINE: Final = re.compile(
    rb"\b(ERROR|CRITICAL|Traceback \(most recent call last\))|\"level\": \"(error|critical)\""
)


class Check(msgspec.Struct, frozen=True):
    """What one check found.

    Args:
        name: What was checked.
        status: `ok`, `warn` or `fail`.
        says: What was found.
        hint: What to do about it.
    """

    name: str
    status: Status
    says: str
    hint: str = ""


def machine() -> Iterator[Check]:
    """Check Python and the packages that Stem stands on."""
    version = platform.python_version()
    enough = sys.version_info >= (3, 11)
    yield Check(
        "python", "ok" if enough else "fail", f"{version} at {sys.executable}", "" if enough else "use 3.11 or later"
    )
    wanted = [
        re.split(r"[<>=!~; \[]", line)[0] for line in metadata.requires("stem-tui") or () if "extra ==" not in line
    ]
    found, missing = [], []
    for name in sorted(wanted):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Check("packages", "fail", f"{', '.join(missing)} not installed", "install stem-tui anew")
    else:
        yield Check("packages", "ok", f"stem-tui {__version__}, {', '.join(found)}")


def settings(config: StemConfig) -> Iterator[Check]:
    """Check the settings that are in effect, and their files."""
    given = [f"{name} from {config.sources[name]}" for name in SETTINGS if config.sources.get(name, DEFAULT) != DEFAULT]
    yield Check("settings", "ok", ", ".join(given) or "all as they are by default")
    if config.routing_config is not None:
        from stem_core.routing import load_routing  # noqa: PLC0415 - most have no such file

        yield attempt("routing", lambda: plural(len(load_routing(str(config.routing_config)).rules), "rule"))


def app(place: str) -> Check:
    """Check that an app can be imported, and has tasks."""

    def load() -> str:
        with redirect_stdout(sys.stderr):  # which takes what the app prints while it is imported
            names = load_app(place).registry.names()
        if not names:
            raise StemError(f"{place} has no tasks", "import the modules that define them, or name one of those")
        return f"{place} has {plural(len(names), 'task')}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}"

    return attempt("app", load)


def attempt(name: str, look: Callable[[], str]) -> Check:
    """Return what a look says, or the error that it raises."""
    try:
        return Check(name, "ok", look())
    except StemError as error:
        return Check(name, "fail", error.message, error.hint or "")


async def cluster_checks(cluster: ClusterClient) -> list[Check]:
    """Check stores, clocks, workers and queues of a cluster."""
    took = await cluster.ping()
    checks = [_store("broker", cluster.location, took)]
    began = SYSTEM_CLOCK.monotonic()
    await cluster.backend.get(["stem-diagnose"])
    checks.append(_store("backend", cluster.backend.location, SYSTEM_CLOCK.monotonic() - began))
    before = SYSTEM_CLOCK.time()
    there = await cluster.broker.time()
    apart = abs(there - (before + SYSTEM_CLOCK.time()) / 2)
    hint = "let NTP set the clocks; Stem goes by the broker's, logs by this machine's" if apart > _CLOCKS_APART else ""
    checks.append(Check("clock", "warn" if hint else "ok", f"{apart:.3f} s from the broker's", hint))
    checks += [Check("store", "warn", warning, "see the store's page in the docs") for warning in cluster.warnings]
    if not cluster.warnings:
        checks.append(Check("store", "ok", "it has nothing to warn of"))
    return [*checks, await _workers(cluster), *await _queues(cluster)]


def _store(name: str, location: str, took: float) -> Check:
    hint = "bring worker and store nearer to each other" if took > _SLOW else ""
    return Check(name, "warn" if hint else "ok", f"{location} answers in {took * 1000:.1f} ms", hint)


async def _workers(cluster: ClusterClient) -> Check:
    seen = await cluster.workers()
    alive = [each.snapshot.worker for each in seen if each.alive]
    silent = [each.snapshot.worker for each in seen if not each.alive]
    if silent:
        return Check(
            "workers", "warn", f"silent: {', '.join(silent)}", "look into their logs; their jobs run again elsewhere"
        )
    if not alive:
        return Check(
            "workers", "warn", f"none in namespace {cluster.namespace!r}", "start one, or set STEM_WORKER_NAMESPACE"
        )
    return Check("workers", "ok", f"{len(alive)} alive: {', '.join(alive[:5])}{' …' if len(alive) > 5 else ''}")


async def _queues(cluster: ClusterClient) -> list[Check]:
    served = {queue for each in await cluster.workers() if each.alive for queue in each.snapshot.queues}
    checks = []
    for queue in await cluster.queues():
        if queue.paused is not None:
            says = f"{queue.name} is paused by {queue.paused.by}"
            checks.append(Check("queue", "warn", says, f"stem worker resume --queue {queue.name}"))
        elif queue.ready and queue.name not in served:
            says = f"{queue.name} has {plural(queue.ready, 'job')} and no worker"
            checks.append(Check("queue", "warn", says, f"stem worker start --app … --queue {queue.name}"))
        elif (queue.oldest_s or 0.0) > _OLD_BACKLOG and queue.ready:
            says = f"{queue.name}: {plural(queue.ready, 'job')}, the oldest has waited {queue.oldest_s:.0f} s"
            checks.append(
                Check("queue", "warn", says, "more workers, or see what they are busy with: stem observe workers")
            )
    return checks or [Check("queues", "ok", "none is stuck")]


def directories(pidfile: Path, logfile: Path) -> Iterator[Check]:
    """Check that pid file and log can be written."""
    for name, path in (("pid file", pidfile), ("log", logfile)):
        place = path if path.exists() else next(each for each in path.parents if each.exists())
        if os.access(place, os.W_OK):
            yield Check(name, "ok", f"{path} can be written")
        else:
            yield Check(name, "fail", f"{path} cannot be written: {place} is not ours", "see --pidfile and --logfile")


def process(path: Path) -> Check:
    """Check that a pid file means a process that runs."""
    from stem_core.cli.multi import pidfile  # noqa: PLC0415 - psutil, which only this check needs

    try:
        recorded = pidfile.read(path)
    except StemError as error:
        return Check("process", "fail", error.message, error.hint or "")
    if recorded is None:
        return Check("process", "ok", "no pid file: no node of that name runs")
    if pidfile.living(path, recorded) is None:
        return Check(
            "process", "warn", f"{path} is stale: process {recorded.pid} is gone", "the next start replaces it"
        )
    return Check("process", "ok", f"process {recorded.pid} runs")


def log_errors(path: Path) -> Check:
    """Check what errors stand at the end of a log."""
    try:
        with path.open("rb") as log:
            log.seek(max(log.seek(0, os.SEEK_END) - _TAIL, 0))
            lines = log.read().splitlines()
    except FileNotFoundError:
        return Check("log errors", "ok", "no log yet")
    except OSError as error:
        return Check("log errors", "fail", f"cannot read {path}: {error.strerror}", "see --logfile")
    errors = [line for line in lines if _ERROR_LINE.search(line)]
    if not errors:
        return Check("log errors", "ok", f"none in the last {plural(len(lines), 'line')}")
    last = visible(errors[-1].decode("utf-8", "replace"), 160)
    says = f"{len(errors):,} in the last {plural(len(lines), 'line')}, most recently: {last}"
    return Check("log errors", "warn", says, f"see {path}")
