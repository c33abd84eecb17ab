"""Functions as tasks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from stem_core import InMemoryBroker, Stem, TaskContext
from stem_core.envelope import unseal
from stem_core.errors import DuplicateTaskError, InvalidArgumentsError, UsageError


@pytest.fixture
def stem() -> Stem:
    return Stem(broker=InMemoryBroker())


async def args_of(stem: Stem, task_id: str) -> dict[str, object]:
    broker, _ = await stem.connect()
    place = (await broker.locate([task_id]))[0]
    assert place is not None
    return unseal(place.body).args


async def test_arguments_travel_by_name_however_they_were_given(stem: Stem) -> None:
    @stem.task("a")
    async def task(context: TaskContext, x: int, y: str = "y", *, z: int = 0) -> None: ...

    assert await args_of(stem, await task.enqueue(1, "b")) == {"x": 1, "y": "b"}
    assert await args_of(stem, await task.enqueue(1, z=3)) == {"x": 1, "z": 3}
    assert await args_of(stem, await task.enqueue(x=1)) == {"x": 1}
    assert task.job(2).args == {"x": 2}


async def test_arguments_that_do_not_fit_are_refused(stem: Stem) -> None:
    @stem.task("a")
    def task(x: int) -> None: ...

    with pytest.raises(InvalidArgumentsError, match="by position"):
        await task.enqueue(1, 2)  # type: ignore[call-arg]
    with pytest.raises(InvalidArgumentsError, match="twice"):
        await task.enqueue(1, x=2)  # type: ignore[misc]
    with pytest.raises(InvalidArgumentsError, match="lacks 'x'"):
        await task.enqueue()  # type: ignore[call-arg]


async def test_options_are_added_to_a_copy(stem: Stem) -> None:
    @stem.task("a")
    def task() -> None: ...

    later = task.with_options(countdown=60).with_options(queue="q")
    broker, _ = await stem.connect()
    places = await broker.locate([await later.enqueue(), await task.enqueue()])
    assert [(place.where, place.queue) for place in places if place] == [("delayed", "q"), ("ready", "default")]
    with pytest.raises(UsageError, match="link"):
        task.with_options(lnk=1)  # type: ignore[call-arg]


def test_a_task_is_still_a_function(stem: Stem) -> None:
    @stem.task()
    def double(x: int) -> int:
        """Twice as much."""
        return 2 * x

    assert double(4) == 8
    assert double.__doc__ == "Twice as much."
    assert double.name == f"{__name__}.test_a_task_is_still_a_function.<locals>.double"
    assert double.name in stem.registry


def test_names_are_unique_and_parentheses_are_asked_for(stem: Stem) -> None:
    stem.task("a")(lambda: None)
    with pytest.raises(DuplicateTaskError, match="'a'"):
        stem.task("a")(lambda: None)
    with pytest.raises(UsageError, match="parentheses"):
        stem.task(lambda: None)  # type: ignore[arg-type]


def test_enqueue_sync_works_without_and_beside_a_loop(stem: Stem) -> None:
    @stem.task("a")
    def task(x: int) -> None: ...

    assert len({task.enqueue_sync(1), stem.enqueue_sync("a", {"x": 2})}) == 2


async def test_enqueue_sync_works_while_a_loop_runs(stem: Stem) -> None:
    @stem.task("a")
    def task(x: int) -> None: ...

    assert await args_of(stem, task.enqueue_sync(7)) == {"x": 7}


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "name"),
    [(("mine.py",), "mine.send"), (("-m", "mine"), "mine.send"), (("-m", "inner.mine"), "inner.mine.send")],
)
def test_a_program_that_is_run_names_its_tasks_as_workers_that_import_it_do(
    tmp_path: Path, words: tuple[str, ...], name: str
) -> None:
    lines = ("from stem_core import InMemoryBroker, Stem", "@Stem(broker=InMemoryBroker()).task()", "def send(): ...")
    program = "\n".join((*lines, "print(send.name)", ""))
    (tmp_path / "inner").mkdir()
    for place in (tmp_path, tmp_path / "inner"):
        (place / "mine.py").write_text(program)
    done = subprocess.run(
        [sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == f"{name}\n"


def test_what_cannot_be_a_task_is_refused_when_it_is_made_one(stem: Stem) -> None:
    async def pages() -> AsyncIterator[int]:
        yield 1

    for wrong, says in ((partial(print), "no name"), (3, "no name"), (pages, "generator")):
        with pytest.raises(UsageError, match=says):
            stem.task()(wrong)  # type: ignore[arg-type, unused-ignore]  # what is tested
