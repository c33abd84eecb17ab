"""Printing what workers answered, and judging whether that is success."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stem_core.cli.documents import reply_document
from stem_core.cli.output import write_error, write_json, write_note, write_table
from stem_core.client.answers import CommandResult

_FAILURE = 70


def report(
    result: CommandResult,
    namespace: str,
    *,
    as_json: bool,
    document: Callable[[CommandResult], dict[str, object]] | None = None,
) -> int:
    """Print the answers to a command, and return the exit code.

    It fails if a worker refused or failed, or if one that was named kept silent. That a worker nobody named keeps
    silent is only noted: it may just have died.

    Args:
        result: What became of the command.
        namespace: Where it was sent.
        as_json: Print JSON.
        document: What to print beside the replies; without it the document is the list of replies.
    """
    replies = [reply_document(answer) for answer in result.replies]
    extra = {} if document is None else document(result)
    problem = _problem(result, namespace)
    if problem is not None:
        write_error(*problem, as_json=as_json, extra={**extra, "replies": replies})
    elif as_json:
        write_json({**extra, "replies": replies} if document else replies)
    if not as_json:
        _write_people(result, namespace, extra)
    if problem is None and result.missing:
        write_note(f"stem: no answer yet from {', '.join(result.missing)}")
    return 0 if problem is None else _FAILURE


def _problem(result: CommandResult, namespace: str) -> tuple[str, str | None] | None:
    awaited = result.awaited
    silent = [name for name in result.missing if name in awaited]
    if silent:
        alive = f"alive in namespace {namespace!r}: {', '.join(result.live) or 'no worker'}"
        return f"no answer from worker {', '.join(silent)}", alive
    refused = [answer.reply for answer in result.replies if answer.reply.status != "ok"]
    if refused:
        said = "; ".join(f"{reply.worker} {reply.status}: {reply.error or 'no reason given'}" for reply in refused)
        return f"not carried out by all: {said}", None
    return None


def _write_people(result: CommandResult, namespace: str, extra: dict[str, object]) -> None:
    for kind, outcomes in extra.items():
        if isinstance(outcomes, dict):
            write_table([kind.upper().removesuffix("S"), "NOW"], _states(kind, outcomes), "")
    rows = [
        (answer.reply.worker, answer.reply.status, f"{answer.latency * 1000:.1f}ms", _summary(answer.reply.payload))
        for answer in result.replies
    ]
    if rows or not result.missing:
        write_table(["WORKER", "STATUS", "LATENCY", "SAYS"], rows, f"no live workers in namespace {namespace!r}")


def _states(kind: str, outcomes: dict[str, Any]) -> list[tuple[str, str]]:
    if kind != "queues":
        return list(outcomes.items())
    return [(name, "paused" if pause is not None else "running") for name, pause in outcomes.items()]


def _summary(payload: dict[str, Any]) -> str:
    snapshot = payload.get("snapshot")
    if not isinstance(snapshot, dict):
        return " ".join(f"{key}={_short(value)}" for key, value in payload.items())
    running = [task for task in _listed(snapshot, "running") if isinstance(task, dict)]
    tasks = ", ".join(f"{task.get('task')} {task.get('id')}" for task in running)
    state, active, slots = (snapshot.get(key) for key in ("state", "active", "concurrency"))
    children = f" children={len(_listed(snapshot, 'children'))}" if _listed(snapshot, "children") else ""
    return f"{state or 'running'} {active or 0}/{slots or 1} held={snapshot.get('held', 0)}{children} {tasks}".rstrip()


def _listed(snapshot: dict[str, Any], key: str) -> list[Any]:
    found = snapshot.get(key)  # from another version, or from somebody who is no worker
    return found if isinstance(found, list) else []


def _short(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    if isinstance(value, dict):
        return ",".join(f"{key}:{item}" for key, item in value.items()) or "none"
    return str(value)
