"""Replaying and deleting dead letters: one, those that were marked, or all of a cause."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from stem_core.client import ClusterClient
from stem_core.text import plural, visible
from stem_tui.actions.letter_work import Tally, Work, carry_out
from stem_tui.actions.model import Field, Plan, Refusal, Target, Values
from stem_tui.actions.shared import echo_of, fact, shell_with_ids, tallied
from stem_tui.commander import Operation
from stem_tui.store import LetterEntry, Receipt
from stem_tui.views.cells import Line
from stem_tui.views.figures import count, seconds, when

if TYPE_CHECKING:
    from stem_tui.session import Session

BREAKABLE: Final = frozenset({"replay", "delete"})
"""Titles of receipts of what can be broken off."""
RATES: Final = {"10/s": 10.0, "50/s": 50.0, "200/s": 200.0, "at once": None}
_BACKLOGS: Final = 3
"""Queues of which it is told what becomes of their backlog."""
_FEW: Final = 20
"""Letters that are replayed at once unless it is said otherwise."""


def replay(session: Session, target: Target) -> Plan | Refusal:
    """Plan to make dead letters ready again, from their first attempt."""
    chosen = _chosen(session, target)
    if isinstance(chosen, Refusal):
        return chosen
    number = len(chosen)
    rates = tuple(RATES)
    rate = Field("rate", "rate", "at once" if number <= _FEW else "50/s", rates, required=True)
    guard = Field("guard", "on failures", "stop", ("stop", "go on"), required=True)
    fields = (rate, guard) if number > _FEW else (rate,) if number > 1 else ()

    def command(values: Values) -> str:
        chosen_rate = RATES.get(values.get("rate", "at once"))
        limit = ["--rate", f"{chosen_rate:g}"] if chosen_rate is not None and number > 1 else []
        return _command(session, "replay", chosen, limit)

    async def run(values: Values) -> Receipt:
        rate, guarded = RATES[values.get("rate", "at once")], values.get("guard") == "stop"
        return await _operate(session, chosen, _Way(replay=True, rate=rate, guarded=guarded))

    return Plan(
        title=f"Replay {_called(chosen)}?",
        lines=_about(session, chosen, target, _replay_effect(session, chosen)),
        fields=fields,
        confirm_label="Replay" if number == 1 else f"Replay {number:,}",
        subject=_subject(chosen),
        echo=echo_of(number),
        command=command({"rate": rate.value}),
        command_for=command,
        run=lambda values: run({"rate": "at once", **values}),
    )


def delete(session: Session, target: Target) -> Plan | Refusal:
    """Plan to delete dead letters for good."""
    chosen = _chosen(session, target)
    if isinstance(chosen, Refusal):
        return chosen
    number = len(chosen)

    async def run(_values: Values) -> Receipt:
        return await _operate(session, chosen, _Way(replay=False))

    effect = "their arguments are lost and they can never be replayed; that cannot be taken back"
    if number == 1:
        effect = "its arguments are lost and it can never be replayed; that cannot be taken back"
    return Plan(
        title=f"Delete {_called(chosen)} for good?",
        lines=_about(session, chosen, target, [fact("effect", effect, "warning")]),
        confirm_label="Delete" if number == 1 else f"Delete {number:,}",
        subject=_subject(chosen),
        echo=_subject(chosen),
        command=_command(session, "purge", chosen, []),
        run=run,
    )


def break_off(session: Session, target: Target) -> Plan | Refusal:  # noqa: ARG001 - all planners take a target
    """Plan to stop what is being done to letters; needs no dialog, for it only keeps the rest as it is."""
    going = going_work(session)
    if not going:
        return Refusal("no replay is going on")

    async def run(_values: Values) -> Receipt:
        session.break_off.set()
        return going[-1]

    return Plan(title="Break off", lines=(), confirm_label="Break off", command="", run=run)


def _chosen(session: Session, target: Target) -> list[LetterEntry] | Refusal:
    """Return the letters that are meant, as they are known now: the list is frozen here."""
    if target.kind != "letter" or not target.key:
        return Refusal("no dead letter is selected")
    if going_work(session):
        return Refusal("a replay or deletion is going on; [b] breaks it off")
    found = [entry for entry in map(session.model.letters.find, target.keys) if entry is not None]
    if not found:
        return Refusal("it is no dead letter any more: it was replayed or deleted")
    return found


def going_work(session: Session) -> list[Receipt]:
    """Return receipts of replays and deletions that go on."""
    return [receipt for receipt in session.model.receipts if receipt.title in BREAKABLE and receipt.going]


def _called(chosen: Sequence[LetterEntry]) -> str:
    return chosen[0].task if len(chosen) == 1 else plural(len(chosen), "dead letter")


def _subject(chosen: Sequence[LetterEntry]) -> str:
    return visible(chosen[0].key.id, 64)[-8:] if len(chosen) == 1 else str(len(chosen))


def _about(session: Session, chosen: Sequence[LetterEntry], target: Target, effect: Sequence[Line]) -> tuple[Line, ...]:
    """Return what is meant and what happens to it; first what must be read on the smallest screen, too."""
    model = session.model
    wall, book = model.wall(session.now()), model.letters.book
    if len(chosen) == 1:
        entry = chosen[0]
        age = seconds(wall - entry.key.died_at)
        return (
            fact("letter", f"{entry.task}  {visible(entry.key.id, 64)}"),
            *effect,
            fact("died", f"{age} ago in {entry.queue}, as try {entry.attempt + 1}: {entry.reason}"),
            fact("error", entry.error, "error"),
        )
    read_at = wall if book is None else model.wall(book.read_at)
    times = [entry.key.died_at for entry in chosen]
    missing = len(set(target.keys)) - len(chosen)
    gone = f"; {missing:,} more are no dead letters any more" if missing else ""
    return (
        fact("frozen", f"{len(chosen):,} as of {when(read_at, wall)}Z; what dies later is left alone{gone}"),
        *effect,
        fact("tasks", tallied(entry.task for entry in chosen)),
        fact("queues", tallied(entry.queue for entry in chosen)),
        fact("causes", tallied(entry.cause.title for entry in chosen)),
        fact("died", f"from {when(min(times), wall)}Z to {when(max(times), wall)}Z"),
    )


def _replay_effect(session: Session, chosen: Sequence[LetterEntry]) -> list[Line]:
    """Say what a replay does to the queues, and of what it will hardly help."""
    queues: dict[str, int] = {}
    for entry in chosen:
        queues[entry.key.queue] = queues.get(entry.key.queue, 0) + 1
    runs = "runs" if len(chosen) == 1 else "each runs"
    lines = [fact("effect", f"{runs} again from the first attempt")]
    for name, number in list(queues.items())[:_BACKLOGS]:
        known = session.model.queues.get(name)
        if known is None:
            continue
        backlog = f"{known.label} backlog {count(known.backlog)} → {count(known.backlog + number)}"
        idle = ", and no worker serves it" if known.workers == 0 else ", which is paused" if known.stats.paused else ""
        lines.append(fact("", f"{backlog}{idle}", "warning" if idle else ""))
    broken = sum(1 for entry in chosen if not entry.readable)
    poison = sum(1 for entry in chosen if entry.reason == "poison")
    if broken:
        lines.append(
            fact("warning", f"{plural(broken, 'letter')} without an envelope: a replay will die again", "warning")
        )
    if poison:
        who = "it killed its workers" if len(chosen) == 1 else f"{poison:,} of them killed their workers"
        lines.append(fact("warning", f"{who}, and may again", "warning"))
    return lines


def _command(session: Session, verb: str, chosen: Sequence[LetterEntry], more: Sequence[str]) -> str:
    return shell_with_ids(session, ("dlq", verb), [entry.key.id for entry in chosen], more)


class _Way(NamedTuple):
    """How letters are worked off: replayed or deleted, how many a second, and whether failures stop that."""

    replay: bool
    rate: float | None = None
    guarded: bool = False


async def _operate(session: Session, chosen: Sequence[LetterEntry], way: _Way) -> Receipt:
    word = "replayed" if way.replay else "deleted"
    frozen = [entry.key for entry in chosen]
    session.break_off.clear()

    async def work(cluster: ClusterClient, receipt: Receipt) -> str:
        def on_step(tally: Tally) -> None:
            session.commander.progress(receipt, f"{tally.seen:,} of {tally.total:,} {word}")

        what = Work(**way._asdict(), on_step=on_step, stopped=session.break_off.is_set, clock=session.clock)
        tally = await carry_out(cluster.dead_letters, frozen, what)
        receipt.partial = tally.done < tally.total
        return tally.told(word)

    shown = chosen[0].key.id[-12:] if len(chosen) == 1 else plural(len(chosen), "letter")
    return await session.commander.operate(
        Operation(title="replay" if way.replay else "delete", target=chosen[0].key.id, shown=shown, work=work)
    )
