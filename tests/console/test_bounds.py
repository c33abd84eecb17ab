import pytest
from hypothesis import given, settings, strategies as st

from stem_core.events import (
    TaskFailed,
    TaskPrerun,
    TaskRetry,
    TaskRevoked,
    TaskSucceeded,
    WorkerShutdown,
    WorkerStopping,
)
from stem_core.text import visible
from stem_tui.store import ClusterModel
from stem_tui.store.events import MAX_EVENTS
from stem_tui.views import events_table, header_line, queue_table, task_detail, verdict_line, worker_table
from stem_tui.views.cells import Row, TableState
from stem_tui.views.rows import LazyRows, keys_of
from stem_tui.views.task_rows import queue_tasks_table
from tests.console.builders import WALL, a_model, frame, snapshot, stats

ids = st.text(max_size=6)
numbers = st.floats(allow_nan=True, allow_infinity=True)
tasks = st.tuples(ids, ids, ids, st.integers(-5, 10**9))
events = st.one_of(
    st.builds(lambda at, task: TaskPrerun(at, *task), numbers, tasks),
    st.builds(lambda at, task, took: TaskSucceeded(at, *task, took), numbers, tasks, st.floats(-5, 1e9)),
    st.builds(lambda at, task, text: TaskFailed(at, *task, 0.1, text, text), numbers, tasks, st.text()),
    st.builds(lambda at, task, text: TaskRetry(at, *task, 0.1, text, 3.0), numbers, tasks, st.text()),
    st.builds(lambda at, task, text: TaskRevoked(at, *task, text, text, True), numbers, tasks, st.text()),
    st.builds(WorkerShutdown, numbers, ids, st.text()),
    st.builds(WorkerStopping, numbers, ids, st.text(), st.text()),
)
steps = st.one_of(
    st.builds(
        lambda some, seq, boot, source: (
            lambda model, now: model.apply_frames([frame(*some, seq=seq, boot=boot, source=source)], now)
        ),
        st.lists(events, max_size=5),
        st.integers(-3, 10**6),
        ids,
        ids,
    ),
    st.builds(
        lambda name, ready, done: lambda model, now: model.apply_stats([stats(name, ready=ready, succeeded=done)], now),
        ids,
        st.integers(0, 10**9),
        st.integers(0, 10**9),
    ),
    st.builds(
        lambda worker, age, at: lambda model, now: model.apply_workers([(snapshot(worker, at=at), age)], now),
        ids,
        st.floats(0, 1e6),
        st.floats(0, 2e9),
    ),
    st.just(lambda model, now: model.link_down("gone", now)),
    st.just(ClusterModel.link_up),
    st.builds(lambda task: lambda model, _now: model.watch(task), ids),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(steps, st.floats(0, 1000)), max_size=25), st.text(max_size=8))
def test_whatever_comes_in_whatever_order_nothing_raises(script, filter_text):
    model, now = a_model(), 100.0
    for step, later in script:
        now += later
        step(model, now)
        model.check_receipts(now)
    state = TableState(filter=filter_text)
    shown = [header_line(model, now, 100), verdict_line(model, now)]
    shown += task_detail(model, model.watched or "", now, 80)
    for view in (
        queue_table(model, now, state),
        worker_table(model, now, state),
        events_table(model, now, 50, state),
        queue_tasks_table(model, "", now, state),
    ):
        shown += [row.cells for row in view.rows]
    texts = [cell.text for line in shown for cell in line]
    assert all(visible(text) == text for text in texts)


def test_the_event_ring_is_bounded():
    model = a_model()
    event = TaskPrerun(WALL, "t", "n", "q", 0)
    for number in range(300):
        model.apply_frames([frame(*[event] * 20, seq=20 * number)], 100.0)
    assert len(model.events.entries) == MAX_EVENTS
    assert model.events.total == 6000
    assert len(model.tasks.get("t").marks) == 40


def test_of_very_many_rows_only_those_that_are_looked_at_are_made():
    made = []

    def make(number):
        made.append(number)
        return Row(str(number), ())

    rows = LazyRows(range(50_000), str, make)
    assert [row.key for row in rows[10:13]] == ["10", "11", "12"]
    assert rows[-1].key == "49999"
    assert rows[11] is rows[11]
    assert keys_of(rows)[:2] == ["0", "1"]
    assert len(rows) == 50_000
    assert made == [10, 11, 12, 49_999]
    with pytest.raises(IndexError):
        rows[50_000]
