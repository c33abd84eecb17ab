"""Dead letters are found, grouped, read, replayed and deleted from the keyboard; never more of them than were shown."""

from __future__ import annotations

from stem_core.states import TaskState
from stem_tui.screens.confirm import ConfirmDialog
from stem_tui.screens.letter_page import LetterPage
from stem_tui.screens.letters_page import LettersPage
from stem_tui.store import LetterBook
from tests.tui.models import NOW, dead
from tests.tui.stage import Live, live, screen_text, still, until


def page_of(app: object) -> LettersPage:
    page = app.book.page  # type: ignore[attr-defined]  # a console
    assert isinstance(page, LettersPage)
    return page


async def listed(console: Live, number: int) -> None:
    """Open the dead letters and wait until so many are there."""
    await console.press("e")
    await console.sees(f"Dead letters {number}")


async def test_e_lists_all_dead_letters_newest_first_with_their_arguments_but_not_their_secrets() -> None:
    async with live() as console:
        await console.die(3)
        await listed(console, 3)
        rows = page_of(console.app).table_of_letters.view.rows
        assert [row.cells[4].text for row in rows] == [f"LookupError: no order {n}" for n in (3, 2, 1)]
        assert rows[0].cells[6].text == "order: 3, token: ***"


async def test_enter_opens_a_letter_with_arguments_error_and_traceback() -> None:
    async with live() as console:
        await console.die(1)
        await listed(console, 1)
        await console.press("enter")
        assert isinstance(console.app.book.page, LetterPage)
        await console.sees("Traceback (most recent call last)")
        text = screen_text(console.app)
        assert "handed out once" in text
        assert '"order": 1' in text
        assert "tok-77" not in text
        await console.press("escape", "escape")
        assert console.app.session.model.letters.watched is None


async def test_r_then_y_replays_the_selected_letter_and_the_receipt_counts() -> None:
    async with live() as console:
        await console.die(2)
        await listed(console, 2)
        await console.press("R")
        await console.sees("Replay boom?")
        await console.press("y")
        await console.sees("1 of 1 replayed")
        await console.sees("Dead letters 2")  # it died again, as another letter


async def test_marked_letters_are_deleted_once_their_number_was_typed() -> None:
    async with live() as console:
        await console.die(3)
        await listed(console, 3)
        await console.press("space", "space", "D")
        await console.sees("Delete 2 dead letters for good?")
        await console.press("y")
        dialog = console.app.screen
        assert isinstance(dialog, ConfirmDialog), "y alone does nothing"
        await console.press("tab", "2", "enter", "right", "y")
        await console.sees("2 of 2 deleted")
        await console.sees("Dead letters 1")
        (left,), _ = await console.broker.dead("naps", 10)
        assert left.error == "LookupError: no order 1"


async def test_what_dies_after_the_dialog_opened_is_left_alone_and_what_somebody_took_is_told() -> None:
    async with live() as console:
        first, second, _ = await console.die(3)
        await listed(console, 3)
        await console.press("a", "D")
        await console.sees("Delete 3 dead letters for good?")
        await console.broker.purge("naps", [first])
        await console.broker.replay("naps", [second])
        assert (await console.stem.wait_for(second, timeout=20)).state is TaskState.FAILED
        later = await console.stem.enqueue("boom", args={"order": 9})
        await console.stem.wait_for(later, timeout=20)
        await console.press("tab", "3", "enter", "right", "y")
        await console.sees("1 of 3 deleted, 2 skipped: 1 gone meanwhile, 1 dead again since")
        letters, _ = await console.broker.dead("naps", 10)
        assert {letter.id for letter in letters} == {second, later}


async def test_a_cause_is_replayed_as_a_whole() -> None:
    async with live() as console:
        await console.die(3)
        await console.press("c")
        await console.sees("Causes 1 of 3 dead letters")
        await console.sees("LookupError: no order #")
        await console.press("p", "y")
        await console.sees("effect seen")
        await console.press("R")
        await console.sees("Replay 3 dead letters?")
        await console.sees("naps backlog 0 → 3, which is paused")
        await console.press("y")
        await console.sees("3 of 3 replayed")
        (stats,) = await console.broker.stats(["naps"])
        assert (stats.ready, stats.dead) == (3, 0)


async def test_leaving_asks_while_a_replay_goes_on_and_b_breaks_it_off() -> None:
    async with live() as console:
        await console.die(22)
        await listed(console, 22)
        await console.press("p", "y")
        await console.sees("effect seen")
        await console.press("a", "R")
        await console.sees("Type 22 to go ahead")
        dialog = console.app.screen
        assert isinstance(dialog, ConfirmDialog)
        dialog.answer({"rate": "10/s", "guard": "stop"})
        await console.sees("10 of 22 replayed")
        await console.press("ctrl+q")
        await console.sees("It is at work: replay 22 letters")
        await console.press("n", "R")
        await console.sees("is going on; [b] breaks it off")
        await console.press("b")
        await console.sees("broken off")
        assert console.app.is_running
        (stats,) = await console.broker.stats(["naps"])
        assert stats.ready + stats.dead == 22
        assert stats.ready < 22


async def test_a_read_only_console_shows_letters_and_refuses_to_replay_them() -> None:
    async with live(read_only=True) as console:
        await console.die(1)
        await listed(console, 1)
        await console.press("R")
        assert not isinstance(console.app.screen, ConfirmDialog)
        await console.sees("read only")


async def test_enter_on_a_cause_lists_its_letters_and_escape_comes_back_to_it() -> None:
    app = still(dead())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("c", "j", "enter")
        page = page_of(app)
        assert not page.grouped
        assert "Dead letters 212 of 1,012" in screen_text(app)
        assert {row.cells[2].text for row in page.table_of_letters.view.rows} == {"exports.csv"}
        await pilot.press("escape")
        assert page.grouped
        assert page.table_of_letters.index == 1
        await pilot.press("escape")
        assert not app.book.depth


async def test_e_lists_what_c_groups_and_both_open_the_page_so() -> None:
    app = still(dead())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("c")
        assert page_of(app).grouped
        await pilot.press("e")
        assert not page_of(app).grouped
        await pilot.press("enter", "c")
        assert page_of(app).grouped, "from a letter, too"
        assert app.book.depth == 1


async def test_dead_letters_of_a_queue_are_those_of_its_page_or_of_its_name() -> None:
    app = still(dead())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("enter", "e")
        assert page_of(app).subject.key == "payments"
        assert app.session.model.letters.watched == ("payments",)
        await pilot.press("escape", "escape", "colon", *"dlq", "space", *"expo", "enter")
        await pilot.pause()
        assert page_of(app).subject.key == "exports"
        await pilot.press("colon", *"dlq", "space", *"zzz", "enter")
        await pilot.pause()
        assert "there is no queue 'zzz'" in screen_text(app)


async def test_a_filter_narrows_causes_and_what_is_marked_by_them() -> None:
    app = still(dead())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("c", "slash", *"queue:emails", "enter", "space")
        page = page_of(app)
        assert "Causes 2 of 10 dead letters" in screen_text(app)
        assert len(page.state(page.table_of_letters).marked) == 9
        await pilot.press("R")
        assert "9 of them killed their workers" in screen_text(app)


async def test_marking_all_says_how_many_were_not_read_and_again_reads_them() -> None:
    app = still(dead())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("e", "a")
        assert "marked 1,012 of those that were read; a again reads the other 333" in screen_text(app)
        await pilot.press("a")
        assert "reading the other 333" in screen_text(app)
        assert app.session.model.letters.limit > 10_000


async def test_marks_of_letters_that_are_gone_are_forgotten() -> None:
    app = still(dead())
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("e", "space", "space")
        book = app.session.model.letters.book
        assert book is not None
        app.session.model.letters.take(LetterBook((), book.entries[1:], 1344, NOW))
        app.paint()
        await pilot.pause()
        assert " 1 marked" in screen_text(app)


async def test_a_task_that_died_is_replayed_from_where_its_traceback_is_read() -> None:
    async with live() as console:
        await console.die(1)
        await until(lambda: len(console.app.session.model.outcomes) == 1)
        await console.press("f", "enter")
        await console.sees("Traceback (most recent call last)")
        await console.sees(" R replay")
        await console.press("R")
        await console.sees("Replay boom?")
        await console.press("y")
        await console.sees("1 of 1 replayed")


async def test_a_task_that_did_not_die_is_no_dead_letter() -> None:
    async with live() as console:
        await console.die(1)
        done = await console.stem.enqueue("nap", args={"seconds": 0})
        await console.stem.wait_for(done, timeout=10)
        await until(lambda: console.app.session.model.tasks.has_ended(done))
        await console.press("colon", *f"task {done}", "enter")
        await console.sees("SUCCEEDED")
        await console.press("R")
        await console.sees("select a dead letter first; e lists them")
