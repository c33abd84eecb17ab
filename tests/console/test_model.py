import pytest

from stem_core.delivery import Pause
from stem_core.events import TaskReceived, WorkerShutdown
from stem_core.results import TaskError, TaskStatus
from stem_core.states import TaskState
from stem_tui.store import LinkState, WorkerState, drain_forecast
from tests.console.builders import WALL, a_model, frame, life, snapshot, stats


def feed(model, readings):
    for now, figures in readings:
        model.apply_stats([stats(**figures)], now)
    return model.queues["payments"]


def test_rates_are_differences_of_counters():
    model = a_model()
    queue = feed(model, [(100.0 + n, {"ready": 5, "published": 40 * n, "succeeded": 30 * n}) for n in range(4)])
    assert queue.rates.inward == pytest.approx(40.0)
    assert queue.rates.outward == pytest.approx(30.0)


def test_one_reading_gives_no_rate():
    queue = feed(a_model(), [(100.0, {"published": 1000})])
    assert queue.rates.inward is None


def test_a_counter_that_fell_starts_the_history_anew():
    queue = feed(a_model(), [(100.0, {"published": 1000}), (101.0, {"published": 3})])
    assert queue.rates.inward is None


def test_retried_runs_count_as_errors():
    queue = feed(a_model(), [(100.0, {}), (101.0, {"succeeded": 90, "failed": 4, "retried": 6})])
    assert queue.rates.errors == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("figures", "kind"),
    [
        ({"ready": 100, "published": 10, "succeeded": 30}, "time"),
        ({"ready": 100, "published": 30, "succeeded": 10}, "never"),
        ({"ready": 100, "published": 1000, "succeeded": 1001}, "flat"),
        ({"ready": 100}, "never"),
        ({"ready": 0}, "idle"),
        ({"ready": 100, "paused": Pause(by="ann")}, "paused"),
    ],
)
def test_the_drain_forecast_says_how_a_queue_goes_on(figures, kind):
    queue = feed(a_model(), [(100.0, {"ready": figures["ready"]}), (101.0, figures)])
    assert drain_forecast(queue).kind == kind


def test_the_drain_forecast_is_backlog_over_what_leaves_it():
    queue = feed(a_model(), [(100.0, {"ready": 120}), (101.0, {"ready": 100, "published": 10, "succeeded": 30})])
    assert drain_forecast(queue).seconds == pytest.approx(5.0)


def test_an_outage_leaves_a_gap_in_the_graph_and_no_rate():
    model = a_model()
    feed(model, [(100.0, {"ready": 1}), (101.0, {"ready": 2, "published": 1})])
    model.link_down("timed out", 102.0)
    assert model.queues["payments"].rates.inward is None
    queue = feed(model, [(141.0, {"ready": 9})])
    assert list(queue.history) == [2, None, None, None, 9]


def test_missed_events_are_counted_from_the_numbering():
    model = a_model()
    model.apply_frames([frame(*life(), seq=0)], 100.0)
    model.apply_frames([frame(*life("t2"), seq=10)], 100.1)
    assert model.events.missed == 7


def test_a_restarted_source_misses_nothing():
    model = a_model()
    model.apply_frames([frame(*life(), seq=50), frame(*life("t2"), seq=0, boot="b2")], 100.0)
    assert model.events.missed == 0


def test_a_frame_read_twice_counts_once():
    model = a_model()
    model.apply_frames([frame(*life()), frame(*life())], 100.0)
    assert model.events.total == 3
    assert len(model.tasks.get("t1").marks) == 3


def test_what_a_source_dropped_counts_as_missed():
    model = a_model()
    model.apply_frames([frame(*life(), dropped=2), frame(*life("t2"), seq=3, dropped=7)], 100.0)
    assert model.events.missed == 5


def test_a_task_has_a_timeline():
    model = a_model()
    model.apply_frames([frame(*life(fails=True))], 100.0)
    task = model.tasks.get("t1")
    assert task.state is TaskState.FAILED
    assert [mark.word for mark in task.marks] == ["received", "started", "failed"]
    assert task.runtime == 0.5


def test_failed_tasks_are_kept_longer():
    model = a_model()
    model.apply_frames([frame(*life("bad", fails=True))], 100.0)
    for number in range(6000):
        event = TaskReceived(WALL, f"t{number}", "n", "q", 0)
        model.apply_frames([frame(event, seq=3 + number)], 100.0)
    assert model.tasks.get("bad") is not None
    assert len(model.tasks) == 5001


@pytest.mark.parametrize(
    ("age", "state"),
    [(1.0, WorkerState.RUN), (4.9, WorkerState.RUN), (5.1, WorkerState.LATE), (31.0, WorkerState.GONE)],
)
def test_silence_makes_a_worker_late_then_gone(age, state):
    model = a_model()
    model.apply_workers([(snapshot(), age)], 100.0)
    assert model.workers["w1"].state(100.0) is state


def test_a_worker_ages_between_readings():
    model = a_model()
    model.apply_workers([(snapshot(), 1.0)], 100.0)
    assert model.workers["w1"].age(107.0) == 8.0


def test_a_worker_that_says_farewell_is_gone_from_the_table():
    model = a_model()
    model.apply_workers([(snapshot(), 0.5)], 100.0)
    model.apply_frames([frame(WorkerShutdown(WALL, "w1", "warm"))], 100.5)
    model.apply_workers([(snapshot(), 1.0)], 101.0)
    assert not model.workers
    assert model.crew.departed == 1


def test_a_worker_that_vanishes_in_silence_is_gone_and_stays_in_view():
    model = a_model()
    model.apply_workers([(snapshot(), 20.0)], 100.0)
    model.apply_workers([], 101.0)
    assert model.workers["w1"].state(101.0) is WorkerState.GONE
    model.apply_workers([], 800.0)
    assert not model.workers


def test_done_per_minute_comes_from_the_workers_own_clock():
    model = a_model()
    model.apply_workers([(snapshot(succeeded=0), 0.0)], 100.0)
    model.apply_workers([(snapshot(at=WALL + 30, succeeded=90, failed=10), 0.0)], 130.0)
    assert model.workers["w1"].done_per_minute == pytest.approx(200.0)
    assert model.workers["w1"].failed_per_minute == pytest.approx(20.0)


def test_a_new_boot_forgets_old_counters():
    model = a_model()
    model.apply_workers([(snapshot(succeeded=900), 0.0)], 100.0)
    model.apply_workers([(snapshot(at=WALL + 30, boot="b2", succeeded=1), 0.0)], 130.0)
    assert model.workers["w1"].done_per_minute is None


def test_the_link_says_how_long_it_was_away():
    model = a_model()
    model.link_down("timed out", 110.0)
    model.link_connecting(3, 112.0, "refused", 111.0)
    assert model.link.state is LinkState.DOWN
    model.link_up(151.0)
    assert (model.link.gap, model.link.back_at, model.link.is_live) == (41.0, 151.0, True)


def test_the_watched_task_is_kept_in_full():
    model = a_model()
    model.watch("t1")
    error = TaskError(type="ValueError", message="bad\x1b[2J", traceback="Traceback\n  line\n")
    model.apply_task("t1", TaskStatus(id="t1", name="n", queue="q", state=TaskState.FAILED, error=error), 101.0)
    assert model.detail.error == "ValueError: bad\\x1b[2J"
    assert model.detail.traceback.lines == ("Traceback", "  line")


def test_huge_results_are_cut():
    model = a_model()
    model.watch("t1")
    huge = TaskStatus(id="t1", name="n", queue="q", state=TaskState.SUCCEEDED, result="x" * 3_000_000)
    model.apply_task("t1", huge, 101.0)
    assert model.detail.result.cut
    assert model.detail.result.size > 3_000_000
    assert sum(map(len, model.detail.result.lines)) < 100_000


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("shop.payments.http.StripeTimeout: read a.b: timed out", "StripeTimeout: read a.b: timed out"),
        ("shop.tests.<locals>.Odd", "Odd"),
        ("ValueError: shop.x.Y: no", "ValueError: shop.x.Y: no"),
        ("no such. thing: x", "no such. thing: x"),
    ],
)
def test_an_error_in_the_tail_is_named_by_its_class_alone(error, shown):
    model = a_model()
    model.apply_frames([frame(*life(fails=True, error=error))], 101.0)
    assert model.events.entries[-1].detail.startswith(f"{shown} (max-retries-exhausted) after")
    assert model.tasks.get("t1").detail == f"{shown} (max-retries-exhausted)"
