from stem_core.events import TaskRetry
from stem_tui.store.outcomes import MAX_TASKS, SPAN
from stem_tui.views import outcomes_table
from stem_tui.views.cells import TableState
from stem_tui.views.figures import NOTHING
from tests.console.builders import WALL, a_model, frame, life, text_of

PLAIN = TableState()


def told(model, source, *events, at=101.0):
    model.apply_frames([frame(*events, source=source)], at)


def table(model, now=102.0, state=PLAIN):
    view = outcomes_table(model, now, state)
    keys = [column.key for column in view.columns]
    return [{key: cell.text for key, cell in zip(keys, row.cells, strict=True)} for row in view.rows]


def test_the_task_that_fails_most_comes_first_with_its_most_frequent_error():
    model = a_model()
    for number in range(5):
        told(model, f"a{number}", *life(f"a{number}", name="fine"))
    for number in range(2):
        told(model, f"b{number}", *life(f"b{number}", fails=True, error=f"Timeout: after {number}s"))
    told(model, "c", *life("c", fails=True, error="KeyError: 'sku'"))
    told(model, "d", *life("d"))
    failing, fine = table(model)
    assert [failing[key] for key in ("task", "runs", "failed", "errors")] == ["payments.charge", "4", "3", "75.0"]
    assert failing["why"] == "Timeout: after #s"
    assert failing["mean"] == "500ms"
    assert [fine[key] for key in ("task", "failed", "errors", "why")] == ["fine", "0", "0.0", NOTHING]
    assert [row["task"] for row in table(model, state=TableState(filter="is:trouble"))] == ["payments.charge"]
    assert [row["task"] for row in table(model, state=TableState(sort="runs"))] == ["fine", "payments.charge"]


def test_a_run_that_is_repeated_counts_as_an_error_but_not_as_a_failed_task():
    model = a_model()
    told(model, "w", TaskRetry(WALL, "t", "payments.charge", "payments", 0, 0.1, "Timeout", 5.0))
    (row,) = table(model)
    assert [row[key] for key in ("failed", "retried", "errors", "why")] == ["0", "1", "100.0", "Timeout"]


def test_what_ended_more_than_ten_minutes_ago_does_not_count():
    model = a_model()
    told(model, "w", *life(fails=True))
    assert len(table(model, 101.0 + SPAN - 31.0)) == 1
    assert table(model, 101.0 + SPAN + 31.0) == []
    assert "no run has ended" in text_of(outcomes_table(model, 800.0, PLAIN).empty[0])


def test_the_example_is_the_task_that_failed_last_not_one_that_ended_well_since():
    model = a_model()
    told(model, "w", *life("bad", fails=True), *life("good"))
    (task,) = model.outcomes.all()
    assert task.example == "bad"


def test_names_that_never_come_again_are_forgotten_first():
    model = a_model()
    told(model, "keep", *life("k", name="kept"))
    for number in range(2 * MAX_TASKS):
        told(model, f"w{number}", *life(f"t{number}", name=f"n{number}"))
        if number % 100 == 0:
            told(model, f"k{number}", *life(f"k{number}", name="kept"))
    assert len(model.outcomes) == MAX_TASKS
    assert "kept" in [task.name for task in model.outcomes.all()]


def test_hostile_names_and_errors_are_harmless():
    model = a_model()
    told(model, "w", *life("t", name="\x1b[2J[bold]", fails=True, error="\x1b]0;owned\x07 \u202egnp.exe"))
    (row,) = table(model)
    assert not any("\x1b" in text or "\u202e" in text for text in row.values())
