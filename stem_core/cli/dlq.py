"""`stem dlq …`: dead letters, jobs that will not run again by themselves."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click
import msgspec

from stem_core.cli.exit_codes import FAILURE
from stem_core.cli.lazy import LazyGroup
from stem_core.cli.names import LETTER, PATTERN, QUEUES, REASON, split_names
from stem_core.cli.options import Invocation, cluster_options, reveal_option
from stem_core.cli.output import local_time, short_moment, write_error, write_json, write_line, write_note, write_table
from stem_core.cli.progress import progress
from stem_core.cli.streams import ask
from stem_core.cli.values import PERIOD, TEXT
from stem_core.client.cluster import ClusterClient
from stem_core.client.dead_letters import Letter, LetterFilter
from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import StemError, UsageError
from stem_core.redaction import redacted_args
from stem_core.text import plural

F = TypeVar("F", bound=Callable[..., Any])

_PAGE: Final = 50


@click.group(cls=LazyGroup, commands_at={"causes": "stem_core.cli.causes:causes"})
def dlq() -> None:
    """Look at dead letters, replay them, or delete them."""


def choosing(command: F) -> F:
    """Add the flags that say which letters are meant; the command gets a `LetterFilter` as `wanted`."""

    @click.option("--since", type=PERIOD, metavar="1h", help="Only what died within this time.")
    @click.option("--error", type=TEXT, metavar="TEXT", help="Only with this text in the error.")
    @click.option(
        "--reason",
        type=REASON,
        metavar="REASON",
        help="Only dead for this reason, such as poison or max-retries-exhausted.",
    )
    @click.option("--task", type=PATTERN, metavar="NAME", help="Only of this task; * and ? are wildcards.")
    @click.option(
        "--queue", "names", type=QUEUES, multiple=True, metavar="Q", help="Only in this queue; may be repeated."
    )
    @functools.wraps(command)
    def wrapped(
        *args: Any, names: tuple[str, ...], task: str | None, reason: str | None, error: str | None,
        since: float | None, **kwargs: Any,
    ) -> Any:  # fmt: skip
        earliest = None if since is None else SYSTEM_CLOCK.time() - since
        wanted = LetterFilter(queues=split_names(names) or None, task=task, reason=reason, error=error, since=earliest)
        return command(*args, wanted=wanted, **kwargs)

    return wrapped  # type: ignore[return-value]  # click reads the parameters from the function's attributes


@dlq.command("list", epilog="Example: stem dlq list --queue mail --since 1h")
@choosing
@click.option("--limit", type=click.IntRange(min=1), default=_PAGE, metavar="N", help="At most so many (50).")
@click.option("--cursor", default="", metavar="C", help="Continue after an earlier page.")
@cluster_options
def list_(invocation: Invocation, wanted: LetterFilter, limit: int, cursor: str) -> None:
    """Show dead letters, newest first."""
    letters, following = invocation.run(functools.partial(_page, wanted=wanted, limit=limit, cursor=cursor))
    if invocation.as_json:
        write_json({"letters": [letter_document(letter) for letter in letters], "cursor": following or None})
        return
    letter_rows(letters)
    if following:
        write_note(f"there are more: --cursor '{following}'")


async def _page(cluster: ClusterClient, *, wanted: LetterFilter, limit: int, cursor: str) -> tuple[list[Letter], str]:
    return await cluster.dead_letters.page(wanted, limit, cursor)


@dlq.command(epilog="Example: stem dlq show 01a20bb583d676af890eb487db90c792")
@click.argument("task_id", type=LETTER, metavar="ID")
@reveal_option
@cluster_options
def show(invocation: Invocation, task_id: str, *, reveal: bool) -> None:
    """Show a dead letter in full. Secrets among its arguments are hidden."""

    async def find(cluster: ClusterClient) -> Letter | None:
        return await cluster.dead_letters.find(task_id)

    letter = invocation.run(find)
    if letter is None:
        raise StemError(f"there is no dead letter of task {task_id!r}", "see stem dlq list, or stem task show")
    document = letter_document(letter, reveal=reveal)
    if invocation.as_json:
        write_json(document)
        return
    for name, value in document.items():
        write_line(
            f"{name + ':':<12}{json.dumps(value, ensure_ascii=False) if name == 'args' else _shown(name, value)}"
        )


def _bulk(command: F) -> F:
    @click.option("--yes", "-y", is_flag=True, help="Do not ask.")
    @click.option("--dry-run", is_flag=True, help="Only say what would be done.")
    @click.option("--limit", type=click.IntRange(min=1), metavar="N", help="At most so many, the newest.")
    @click.option("--all", "all_", is_flag=True, help="All dead letters of all queues.")
    @click.argument("ids", type=LETTER, metavar="[ID]...", nargs=-1)
    @choosing
    @cluster_options
    @functools.wraps(command)
    def wrapped(
        invocation: Invocation, *, wanted: LetterFilter, ids: tuple[str, ...], all_: bool, **kwargs: Any
    ) -> Any:
        wanted = msgspec.structs.replace(wanted, ids=tuple(dict.fromkeys(ids)) or None)
        if wanted == LetterFilter() and not all_:
            raise UsageError("no dead letters are named", "give ids or a filter, or say --all")
        if wanted != LetterFilter() and all_:
            raise UsageError("--all and ids or filters exclude each other", "leave one of them out")
        return command(invocation, wanted=wanted, **kwargs)

    return wrapped  # type: ignore[return-value]  # click reads the parameters from the function's attributes


@dlq.command(epilog="Example: stem dlq replay --task 'mail.*' --rate 50 --yes")
@click.option("--rate", type=click.FloatRange(min=0, min_open=True), metavar="N", help="At most so many a second.")
@_bulk
def replay(invocation: Invocation, wanted: LetterFilter, rate: float | None, **flags: Any) -> int:
    """Make dead letters ready again, from their first attempt."""

    async def act(cluster: ClusterClient, limit: int | None) -> int:
        with progress("replaying", quiet=invocation.as_json) as on_done:
            return await cluster.dead_letters.replay(wanted, rate=rate, limit=limit, on_done=on_done)

    return _carry_out(invocation, "replayed", wanted, act, **flags)


@dlq.command(epilog="Example: stem dlq purge --queue mail --reason poison --dry-run")
@_bulk
def purge(invocation: Invocation, wanted: LetterFilter, **flags: Any) -> int:
    """Delete dead letters for good."""

    async def act(cluster: ClusterClient, limit: int | None) -> int:
        with progress("purging", quiet=invocation.as_json) as on_done:
            return await cluster.dead_letters.purge(wanted, limit=limit, on_done=on_done)

    return _carry_out(invocation, "purged", wanted, act, **flags)


def _carry_out(invocation: Invocation, done: str, wanted: LetterFilter, act: Callable[..., Any], **flags: Any) -> int:
    limit, dry_run, yes = flags["limit"], flags["dry_run"], flags["yes"]
    if dry_run or not (yes or invocation.as_json):
        places: list[tuple[str, str]] = invocation.run(lambda cluster: cluster.dead_letters.places(wanted, limit))
        letters = plural(len(places), "dead letter")
        where = f" of {', '.join(sorted({queue for queue, _ in places}))}" if places else ""
        if dry_run:
            if invocation.as_json:
                write_json({done: 0, "would_be": len(places), "ids": [task_id for _, task_id in places]})
            else:
                write_line(f"{letters}{where} would be {done}")
            return 0
        if places:
            ask(f"{letters}{where} will be {done}. Go on?")
    return _done(invocation, done, invocation.run(functools.partial(act, limit=limit)), wanted, limit)


def _done(invocation: Invocation, done: str, number: int, wanted: LetterFilter, limit: int | None) -> int:
    named = len(wanted.ids or ())
    if number < min(named, limit or named):
        message = f"only {number:,} of {named:,} were {done}" if number else f"nothing was {done}"
        hint = "the others are no dead letters" if number else "what was named is no dead letter"
        write_error(message, f"{hint}, see stem dlq list", as_json=invocation.as_json, extra={done: number})
        return FAILURE
    if invocation.as_json:
        write_json({done: number})
    else:
        write_line(f"{plural(number, 'dead letter')} {done}")
    return 0


def letter_document(letter: Letter, *, reveal: bool = False) -> dict[str, Any]:
    """Return a dead letter as JSON data; with `reveal`, with the secrets among its arguments."""
    dead, envelope = letter.dead, letter.envelope
    args = None if envelope is None else envelope.args
    if envelope is not None and not reveal:
        args = redacted_args(envelope.args, envelope.secrets)
    return {
        "id": dead.id,
        "queue": dead.queue,
        "name": letter.task,
        "reason": dead.reason,
        "error": dead.error,
        "attempt": dead.attempt,
        "deliveries": dead.deliveries,
        "died_at": dead.died_at,
        "args": msgspec.to_builtins(args),
    }


def letter_rows(letters: list[Letter]) -> None:
    """Print dead letters for a person."""
    rows = [
        (
            letter.dead.queue, letter.dead.id, letter.task, letter.dead.attempt, short_moment(letter.dead.died_at),
            letter.dead.reason, letter.dead.error,
        )
        for letter in letters
    ]  # fmt: skip
    write_table(["QUEUE", "ID", "TASK", "ATTEMPT", "DIED", "REASON", "ERROR"], rows, "no dead letters")


def _shown(name: str, value: object) -> str:
    if name.endswith("_at") and isinstance(value, float):
        return local_time(value)
    return str(value)
