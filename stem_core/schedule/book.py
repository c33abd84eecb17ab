"""The entries of a namespace and how far each is, as documents in the store.

An entry and its progress are two documents, so that an operator who changes the one never contends with schedulers that
write the other. Where messages are signed, so are both: a scheduler signs what it sends, and must not do so for whoever
can write to the store.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

import msgspec

from stem_core.decoding import decode
from stem_core.errors import StemError
from stem_core.schedule.entry import ScheduleEntry
from stem_core.signing import PayloadSigner, schedule_scope
from stem_core.stores.port import Broker, Document

T = TypeVar("T")

ENTRIES: Final = "schedule"
PROGRESS: Final = "schedule-progress"


class StoredEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry as it lies in the store.

    Args:
        entry: What was defined.
        origin: Where: `code` or `file`.
        since: In ms; ticks up to here are none of its affair. Set when its ticks change or it is switched on.
        switch: What an operator switched it to; None: as the entry says.
    """

    entry: ScheduleEntry
    origin: str
    since: int
    switch: bool | None = None

    @property
    def enabled(self) -> bool:
        """Whether it ticks."""
        return self.entry.enabled if self.switch is None else self.switch


class Claim(msgspec.Struct, frozen=True):
    """Ticks that a scheduler is sending at the moment.

    Args:
        by: The scheduler, with its boot.
        at: Since when, in ms.
        ticks: Which, in ms.
        upto: The tick up to which the entry is done when they are sent.
    """

    by: str
    at: int
    ticks: list[int]
    upto: int


class Progress(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far an entry is.

    Args:
        done: The last tick that is done, in ms.
        claim: What is being sent.
        runs: Jobs sent so far.
        failures: Ticks that could not be sent so far.
        last_run: When the last job was sent, in ms.
        last_id: Its task id.
        drift: By how many seconds it was late.
        error: Why the last tick could not be sent; "" if it was.
    """

    done: int = 0
    claim: Claim | None = None
    runs: int = 0
    failures: int = 0
    last_run: int | None = None
    last_id: str = ""
    drift: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An entry and its progress, with the versions that a write must know."""

    name: str
    stored: StoredEntry
    version: int
    progress: Progress
    progress_version: int

    @property
    def done(self) -> int:
        """The tick up to which nothing is left to do, in ms."""
        return max(self.stored.since, self.progress.done)

    @property
    def latest(self) -> int:
        """The latest moment that is noted of it, in ms; it was the present one then."""
        return self.done if self.progress.claim is None else max(self.done, self.progress.claim.at)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A document that is no entry of this version."""

    name: str
    version: int
    problem: str


_encoder: Final = msgspec.json.Encoder()
_entry_decoder: Final = msgspec.json.Decoder(StoredEntry)
_progress_decoder: Final = msgspec.json.Decoder(Progress)


class _Reader(Generic[T]):
    """Verifies and decodes documents of a kind, each once as long as its bytes stay the same."""

    def __init__(self, kind: str, decoder: msgspec.json.Decoder[T], verify: Callable[[str, str, bytes], None]) -> None:
        self._kind = kind
        self._decoder = decoder
        self._verify = verify
        self._known: dict[str, tuple[bytes, T]] = {}

    def read(self, document: Document) -> T:
        name, body = document.key, document.body
        known = self._known.get(name)
        if known is None or known[0] != body:
            self._verify(self._kind, name, body)
            known = self._known[name] = (body, decode(self._decoder, body))
        return known[1]

    def keep(self, names: Collection[str]) -> None:
        """Forget all others."""
        self._known = {name: known for name, known in self._known.items() if name in names}


class ScheduleBook:
    """Reads and writes the entries of a namespace.

    Args:
        store: Where they lie.
        signer: Signs what is written, and verifies what is read; None if nothing is signed here.
    """

    def __init__(self, store: Broker, signer: PayloadSigner | None = None) -> None:
        self._store = store
        self._signer = signer
        self._entries = _Reader(ENTRIES, _entry_decoder, self._verify)
        self._progress = _Reader(PROGRESS, _progress_decoder, self._verify)

    async def load(self) -> tuple[list[Scheduled], list[Unreadable]]:
        """Return all entries by name, and what cannot be read as one."""
        documents = await self._store.documents(ENTRIES)
        progress = {each.key: each for each in await self._store.documents(PROGRESS)}
        found: list[Scheduled] = []
        unreadable: list[Unreadable] = []
        for document in documents:
            name, made = document.key, progress.get(document.key)
            try:
                stored = self._entries.read(document)
                how_far = Progress() if made is None else self._progress.read(made)
            except (msgspec.MsgspecError, StemError) as error:
                unreadable.append(Unreadable(name, document.version, str(error)))
                continue
            found.append(Scheduled(name, stored, document.version, how_far, 0 if made is None else made.version))
        for reader in (self._entries, self._progress):
            reader.keep({each.key for each in documents})
        return found, unreadable

    def _verify(self, part: str, name: str, body: bytes) -> None:
        if self._signer is not None:
            self._signer.verify(body, schedule_scope(self._store.namespace, part, name))

    def _signed(self, part: str, name: str, body: bytes) -> bytes:
        if self._signer is None:
            return body
        return self._signer.sign(body, schedule_scope(self._store.namespace, part, name))

    async def write(self, stored: StoredEntry, version: int) -> bool:
        """Write an entry; False if it is of another version meanwhile (0: there is none)."""
        name = stored.entry.name
        body = self._signed(ENTRIES, name, _encoder.encode(stored))
        return await self._store.write_document(ENTRIES, name, body, version) is not None

    async def restore(self, stored: StoredEntry, version: int) -> bool:
        """Write an entry in the place of one that could not be read, whose progress is not trusted either."""
        if not await self.write(stored, version):
            return False
        await self._store.write_document(PROGRESS, stored.entry.name, None)
        return True

    async def delete(self, name: str, version: int | None = None) -> bool:
        """Delete an entry and its progress; False if it is of another version meanwhile."""
        if await self._store.write_document(ENTRIES, name, None, version) is None:
            return False
        await self._store.write_document(PROGRESS, name, None)
        return True

    async def advance(self, item: Scheduled, progress: Progress) -> Scheduled | None:
        """Write how far an entry is; None if another scheduler did so meanwhile."""
        body = self._signed(PROGRESS, item.name, _encoder.encode(progress))
        version = await self._store.write_document(PROGRESS, item.name, body, item.progress_version)
        return None if version is None else replace(item, progress=progress, progress_version=version)

    async def turn_back(self, item: Scheduled, now: int) -> bool:
        """Have nothing behind an entry but what lies before now (in ms); False if somebody else changed it."""
        stored = msgspec.structs.replace(item.stored, since=min(item.stored.since, now))
        if stored != item.stored and not await self.write(stored, item.version):
            return False
        progress = msgspec.structs.replace(item.progress, done=min(item.progress.done, now), claim=None)
        return await self.advance(item, progress) is not None


def named(items: Sequence[Scheduled], name: str) -> Scheduled | None:
    """Return the entry of that name."""
    return next((item for item in items if item.name == name), None)
