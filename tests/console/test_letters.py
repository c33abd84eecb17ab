"""Dead letters in the model: what they share, what is kept of them, and how a frozen list of them is worked off."""

import pytest

from stem_core import FunctionTaskHandler, InMemoryBroker, SimpleTaskRegistry, Stem, TaskOptions, Worker
from stem_core.client import ClusterClient
from stem_core.client.dead_letters import Letter
from stem_core.clock import SYSTEM_CLOCK
from stem_core.delivery import DeadLetter
from stem_core.envelope import Envelope, seal
from stem_core.states import TaskState
from stem_core.stores import connect_broker
from stem_core.stores.port import Broker
from stem_tui.actions.letter_work import Tally, Work, carry_out, steps
from stem_tui.feed.letters import LetterReader, status_of_letter
from stem_tui.store import LetterKey, letter_key
from stem_tui.store.causes import alike, cause_of
from stem_tui.store.letters import entry_of, key_of
from tests.console.builders import a_model

ID = "019a9f3c-0001-7b55-8f1d-00000000abcd"


@pytest.mark.parametrize(
    ("error", "shared"),
    [
        ("StripeTimeout: read timed out after 40s", "StripeTimeout: read timed out after #s"),
        ("payments.http.StripeTimeout: order 88,121", "StripeTimeout: order #"),
        ("KeyError: 'sku'", "KeyError: 'sku'"),
        (f"LookupError: no task {ID}", "LookupError: no task <id>"),
        ("HTTPError: 502 from https://a.example/x?y=1", "HTTPError: # from <url>"),
        ("AddressUnknown: no such user ann+1@example.com", "AddressUnknown: no such user <address>"),
        ("ValueError: deadbeef01 is bad", "ValueError: <id> is bad"),
        ("ValueError: a decade of faces", "ValueError: a decade of faces"),
        ("E: \x1b[31m", "E: \\x#b[#m"),
    ],
)
def test_an_error_is_alike_whatever_numbers_and_names_it_has(error, shared):
    assert alike(error) == shared


def test_a_cause_is_reason_error_and_task():
    one = cause_of("E: 1", "max-retries-exhausted", "a")
    assert one is cause_of("E: 2", "max-retries-exhausted", "a")
    used_up = "max-retries-exhausted"
    differing = [("F: 1", used_up, "a"), ("E: 1", "poison", "a"), ("E: 1", used_up, "b")]
    assert len({one.mark, *(cause_of(*each).mark for each in differing)}) == 4
    assert cause_of("", "expired", "a").title == "expired"


def a_letter(task_id: str = ID, *, queue: str = "q", died_at: float = 1.5, body: bytes | None = None) -> Letter:
    args = {"order": 1, "password": "hunter2", "pan": "4111"}
    envelope = Envelope(id=task_id, name="a\x1b", queue=queue, args=args, secrets=("pan",))
    sealed = bytes(seal(envelope).body) if body is None else body
    dead = DeadLetter(
        id=task_id, queue=queue, body=sealed, reason="poison", error="E: x", attempt=2, deliveries=3, died_at=died_at
    )
    return Letter(dead, envelope if body is None else None)


def test_what_is_kept_of_a_letter_is_harmless_and_without_secrets():
    entry = entry_of(a_letter())
    assert (entry.task, entry.args, entry.attempt, entry.deliveries) == (
        "a\\x1b",
        "order: 1, password: ***, pan: ***",
        2,
        3,
    )
    assert letter_key(entry.key.text) == LetterKey("q", ID, 1.5)


def test_bytes_that_are_no_envelope_are_a_letter_too():
    entry = entry_of(a_letter(body=b"\xff"))
    assert not entry.readable
    assert entry.task == "(no envelope)"


def test_a_letter_that_died_again_is_another_one():
    assert key_of(a_letter(died_at=1.5)) != key_of(a_letter(died_at=2.5))


def test_steps_are_oldest_first_in_each_queue_and_a_second_long():
    frozen = [LetterKey(queue, f"{queue}{n}", float(-n)) for queue in "ba" for n in range(5)]
    assert [[key.id for key in step] for step in steps(frozen, 2.0)] == [
        ["a4", "a3"], ["a2", "a1"], ["a0"], ["b4", "b3"], ["b2", "b1"], ["b0"],
    ]  # fmt: skip
    assert [len(step) for step in steps(frozen, None)] == [5, 5]


def test_a_tally_says_what_was_skipped_and_why():
    assert Tally(3, done=3).told("replayed") == "3 of 3 replayed"
    told = Tally(1033, done=412, gone=2, again=1).told("replayed")
    assert told == (
        "412 of 1,033 replayed, 3 skipped: 2 gone meanwhile, 1 dead again since, broken off, 618 left as they were"
    )


class Graveyard:
    """A cluster whose jobs all die."""

    def __init__(self, broker: Broker) -> None:
        async def boom(order: int) -> None:
            raise LookupError(f"no order {order}")

        self.broker = broker
        registry = SimpleTaskRegistry().register(FunctionTaskHandler("boom", boom, TaskOptions(queue="q")))
        self.stem = Stem(broker=self.broker, registry=registry)
        self.worker = Worker(broker=self.broker, registry=registry, queue="q", consumer_name="w1")
        self.cluster = ClusterClient(self.broker, issuer="ann@bastion")

    async def bury(self, number: int) -> list[str]:
        await self.worker.start()
        ids = [await self.stem.enqueue("boom", args={"order": place}) for place in range(number)]
        for task_id in ids:
            assert (await self.stem.wait_for(task_id, timeout=5)).state is TaskState.FAILED
        await self.worker.shutdown()
        return ids

    async def keys(self) -> list[LetterKey]:
        letters, _ = await self.broker.dead("q", 1000)
        return [LetterKey("q", letter.id, letter.died_at) for letter in letters]


def replaying(**settings) -> Work:
    quiet = {"rate": None, "on_step": lambda _tally: None, "stopped": lambda: False}
    return Work(replay=True, clock=SYSTEM_CLOCK, **{**quiet, **settings})


@pytest.fixture
async def graveyard():
    ground = Graveyard(InMemoryBroker())
    yield ground
    await ground.stem.close()
    await ground.broker.close()


async def test_a_replay_that_is_broken_off_leaves_the_rest_as_it_was(graveyard):
    await graveyard.bury(5)
    seen = []
    work = Work(
        replay=True,
        clock=SYSTEM_CLOCK,
        rate=100.0,
        on_step=lambda tally: seen.append(tally.seen),
        stopped=lambda: bool(seen),
    )
    frozen = await graveyard.keys()
    tally = await carry_out(graveyard.cluster.dead_letters, [*frozen, LetterKey("r", "x", 1.0)], work)
    assert (tally.done, tally.total, seen) == (5, 6, [5])
    assert "broken off, 1 left" in tally.told("replayed")
    (stats,) = await graveyard.broker.stats(["q"])
    assert (stats.ready, stats.dead) == (5, 0)


async def test_on_every_store_a_letter_is_known_again_by_its_death(store_url, namespace):
    ground = Graveyard(await connect_broker(store_url, namespace=namespace))
    first, *_ = await ground.bury(5)
    frozen = [letter_key(key.text) for key in await ground.keys()]
    await ground.broker.purge("q", [first])
    tally = await carry_out(ground.cluster.dead_letters, frozen, replaying())
    assert (tally.done, tally.gone, tally.again) == (4, 1, 0)
    await ground.stem.close()
    await ground.broker.close()


async def test_a_replay_at_a_rate_is_not_faster_than_that(graveyard):
    await graveyard.bury(30)
    work = replaying(rate=20.0)
    began = SYSTEM_CLOCK.monotonic()
    assert (await carry_out(graveyard.cluster.dead_letters, await graveyard.keys(), work)).done == 30
    assert SYSTEM_CLOCK.monotonic() - began >= 28 / 20.0


async def test_a_guarded_replay_stops_itself_when_what_it_replayed_dies_again(graveyard):
    await graveyard.bury(30)
    frozen = await graveyard.keys()
    revenant = Worker(broker=graveyard.broker, registry=graveyard.stem.registry, queue="q", consumer_name="w2")
    await revenant.start()
    work = Work(
        replay=True, clock=SYSTEM_CLOCK, rate=12.0, on_step=lambda _tally: None, stopped=lambda: False, guarded=True
    )
    tally = await carry_out(graveyard.cluster.dead_letters, frozen, work)
    await revenant.shutdown()
    assert 12 <= tally.done < 30
    assert tally.failing > 2
    assert "stopped itself since" in tally.told("replayed")


async def test_a_guarded_replay_that_helps_goes_on_to_the_end(graveyard):
    await graveyard.bury(30)
    work = Work(
        replay=True, clock=SYSTEM_CLOCK, rate=None, on_step=lambda _tally: None, stopped=lambda: False, guarded=True
    )
    tally = await carry_out(graveyard.cluster.dead_letters, await graveyard.keys(), work)
    assert (tally.done, tally.failing) == (30, 0)


async def test_a_replay_is_oldest_first(graveyard):
    ids = await graveyard.bury(3)
    work = replaying(rate=None)
    await carry_out(graveyard.cluster.dead_letters, await graveyard.keys(), work)
    waiting = [place.id for place in await graveyard.broker.waiting("q", 10)]
    assert waiting == ids


async def test_letters_are_read_only_while_somebody_looks_and_again_once_their_number_changed(graveyard):
    model = a_model(SYSTEM_CLOCK.monotonic())
    reader = LetterReader(model, SYSTEM_CLOCK)
    await graveyard.bury(2)
    cluster = graveyard.cluster

    async def look() -> None:
        model.apply_stats(await cluster.queues(["q"]), SYSTEM_CLOCK.monotonic())
        await reader.look(cluster)

    await look()
    assert model.letters.book is None
    model.letters.watch(("q",))
    await look()
    book = model.letters.book
    assert [entry.args for entry in book.entries] == ["order: 1", "order: 0"]
    await look()
    assert model.letters.book is book, "nothing changed, so nothing is read"
    await graveyard.broker.purge("q", [book.entries[0].key.id])
    await look()
    assert [entry.args for entry in model.letters.book.entries] == ["order: 0"]
    model.letters.watch(("other",))
    assert model.letters.book is None


async def test_of_many_letters_the_newest_are_read_and_the_rest_is_counted(graveyard, monkeypatch):
    model = a_model(SYSTEM_CLOCK.monotonic())
    await graveyard.bury(5)
    model.apply_stats(await graveyard.cluster.queues(["q"]), SYSTEM_CLOCK.monotonic())
    model.letters.watch(())
    monkeypatch.setattr(model.letters, "limit", 2)
    reader = LetterReader(model, SYSTEM_CLOCK)
    await reader.look(graveyard.cluster)
    assert ([entry.args for entry in model.letters.book.entries], model.letters.book.unread) == (
        ["order: 4", "order: 3"], 3,
    )  # fmt: skip
    model.letters.read_on()
    await reader.look(graveyard.cluster)
    assert (len(model.letters.book.entries), model.letters.book.unread) == (5, 0)


async def test_a_letter_tells_of_its_task_when_no_record_is_kept_any_more(graveyard):
    await graveyard.bury(1)
    (key,) = await graveyard.keys()
    status = await status_of_letter(graveyard.cluster, key.text)
    assert (status.name, status.args, status.error.type, status.error.message) == (
        "boom", {"order": 0}, "LookupError", "no order 0",
    )  # fmt: skip
    assert await status_of_letter(graveyard.cluster, LetterKey("q", "nobody", 1.0).text) is None
