"""Bringing the entries of a namespace to what a program or a file says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from typing import Final, NamedTuple

import msgspec

from stem_core.errors import StemError
from stem_core.schedule.book import ScheduleBook, Scheduled, StoredEntry, named
from stem_core.schedule.entry import ScheduleEntry

FROM_CODE: Final = "code"
FROM_FILE: Final = "file"

_TRIES: Final = 5
_TIMING: Final = ("cron", "every", "timezone", "start_at", "end_at")


class Change(NamedTuple):
    """What applying does to one entry.

    Args:
        name: Which.
        kind: `added`, `changed`, `removed` or `same`.
        fields: What changes, by field: before and after.
    """

    name: str
    kind: str
    fields: dict[str, tuple[object, object]]


def compare(present: Sequence[Scheduled], wanted: Iterable[ScheduleEntry], *, prune: bool) -> list[Change]:
    """Return what applying would do.

    Args:
        present: What there is.
        wanted: What there is to be.
        prune: Remove entries that came from a file and are not wanted.
    """
    wanted = list(wanted)
    changes = [_change(named(present, entry.name), entry) for entry in wanted]
    if prune:
        keep = {entry.name for entry in wanted}
        gone = [item for item in present if item.name not in keep and item.stored.origin == FROM_FILE]
        changes += [Change(item.name, "removed", {}) for item in gone]
    return changes


def _change(item: Scheduled | None, entry: ScheduleEntry) -> Change:
    if item is None:
        return Change(entry.name, "added", {})
    differing = {
        name: (getattr(item.stored.entry, name), getattr(entry, name))
        for name in (field.name for field in fields(ScheduleEntry))
        if getattr(item.stored.entry, name) != getattr(entry, name)
    }
    return Change(entry.name, "changed" if differing else "same", differing)


async def apply_entries(
    book: ScheduleBook, wanted: Iterable[ScheduleEntry], origin: str, now: int, *, prune: bool = False
) -> list[Change]:
    """Bring the stored entries to what is wanted.

    What operators switched on or off stays so, unless an entry's own `enabled` changes. New ticks begin now: those of
    before are no missed ones.

    Args:
        book: Where entries are kept.
        wanted: What there is to be.
        origin: Where that is defined, `code` or `file`.
        now: In ms, by the broker's clock.
        prune: Remove entries that came from a file and are not wanted.

    Returns:
        What was done.

    Raises:
        StemError: Others keep changing the same entry.
    """
    by_name = {entry.name: entry for entry in wanted}
    done: dict[str, Change] = {}
    for _ in range(_TRIES):
        present, unreadable = await book.load()
        broken = {each.name: each.version for each in unreadable}
        changes = [each for each in compare(present, by_name.values(), prune=prune) if each.name not in done]
        for change in changes:
            item = named(present, change.name)
            if change.kind == "removed" and item is not None:
                carried_out = await book.delete(change.name, item.version)
            elif change.kind == "same":
                carried_out = True
            else:
                stored = _merged(item, by_name[change.name], change.fields, origin, now)
                carried_out = await _written(book, item, stored, broken.get(change.name))
            if carried_out:
                done[change.name] = change
        if all(change.name in done for change in changes):
            return list(done.values())
    raise StemError("the schedules are being changed by somebody else all the time", "try again")


async def _written(book: ScheduleBook, item: Scheduled | None, stored: StoredEntry, broken: int | None) -> bool:
    if item is None and broken is not None:
        return await book.restore(stored, broken)
    return await book.write(stored, 0 if item is None else item.version)


def _merged(
    item: Scheduled | None, entry: ScheduleEntry, changed: Collection[str], origin: str, now: int
) -> StoredEntry:
    if item is None:
        return StoredEntry(entry, origin, now)
    switch = None if "enabled" in changed else item.stored.switch
    merged = StoredEntry(entry, origin, item.stored.since, switch)
    anew = any(name in changed for name in _TIMING) or (merged.enabled and not item.stored.enabled)
    return msgspec.structs.replace(merged, since=now) if anew else merged


async def switch(book: ScheduleBook, name: str, *, on: bool, now: int) -> Scheduled:
    """Switch an entry on or off; ticks that pass while it is off are not made up for.

    Raises:
        StemError: There is no such entry, or others keep changing it.
    """
    for _ in range(_TRIES):
        item = await find(book, name)
        if item.stored.enabled is on:
            return item
        since = now if on else item.stored.since
        if await book.write(msgspec.structs.replace(item.stored, switch=on, since=since), item.version):
            return await find(book, name)
    raise StemError(f"schedule {name!r} is being changed by somebody else all the time", "try again")


async def find(book: ScheduleBook, name: str) -> Scheduled:
    """Return an entry.

    Raises:
        StemError: There is none of that name, or it cannot be read.
    """
    items, unreadable = await book.load()
    item = named(items, name)
    if item is not None:
        return item
    broken = next((each for each in unreadable if each.name == name), None)
    if broken is not None:
        raise StemError(f"schedule {name!r} cannot be read: {broken.problem}", "apply it anew, or delete it")
    names = ", ".join(each.name for each in items[:10])
    raise StemError(f"there is no schedule {name!r}", f"there are {names}" if names else "there are none yet")
