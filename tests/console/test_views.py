import msgspec
import pytest

from stem_core.delivery import Pause
from stem_core.results import TaskStatus
from stem_core.snapshot import ChildSnapshot
from stem_core.states import TaskState
from stem_tui.store import ClusterModel, Identity
from stem_tui.store.inspection import inspection_of
from stem_tui.views import (
    Frozen,
    events_table,
    header_line,
    inspection_lines,
    queue_detail,
    queue_table,
    queue_tasks_table,
    task_detail,
    verdict_line,
    worker_detail,
    worker_table,
    worker_tasks_table,
)
from stem_tui.views.cells import TableState
from tests.console.builders import WALL, a_model, frame, life, running, snapshot, stats, text_of

PLAIN = TableState()


def cells(view, key):
    row = next(row for row in view.rows if row.key == key)
    return {column.key: cell.text for column, cell in zip(view.columns, row.cells, strict=True)}


def a_busy_model() -> ClusterModel:
    model = a_model(name="prod-eu", prod=True, location="redis 10.0.4.7")
    for number in range(3):
        model.apply_stats(
            [
                stats(
                    "payments",
                    ready=12418,
                    inflight=96,
                    oldest_s=341.0,
                    published=41 * number,
                    succeeded=33 * number,
                    failed=3 * number,
                ),
                stats("emails", ready=310, inflight=24, oldest_s=3.0, published=88 * number, succeeded=91 * number),
                stats("exports", ready=1204, paused=Pause(by="ann", since=WALL), oldest_s=1860.0),
                stats("default"),
            ],
            100.0 + number,
        )
    model.apply_workers(
        [
            (snapshot("pay-1@host", held=8, active=4, queues=("payments",)), 2.0),
            (snapshot("mail-1@host", state="draining", held=2, queues=("emails", "default")), 1.0),
            (snapshot("exp-1@host", queues=("exports",)), 9.0),
        ],
        102.0,
    )
    model.apply_rtt(0.004, 102.0)
    return model


def test_the_queue_table_says_all_there_is_to_know():
    view = queue_table(a_busy_model(), 102.0, PLAIN)
    assert [row.key for row in view.rows] == ["payments", "emails", "default", "exports"]
    payments = cells(view, "payments")
    assert payments["backlog"] == "12,418"
    assert (payments["state"], payments["inflight"], payments["in"], payments["out"]) == ("run", "96", "41.0", "36.0")
    assert (payments["errors"], payments["oldest"], payments["drain"]) == ("8.3", "5m41s", "never")
    assert payments["workers"] == "1"
    assert cells(view, "exports")["drain"] == "paused"
    assert cells(view, "exports")["state"] == "PAUS"
    assert cells(view, "default")["drain"] == "idle"
    assert cells(view, "emails")["drain"] == "1m43s"


@pytest.mark.parametrize("width", [100, 80])
def test_columns_that_must_stay_fit_the_screen(width):
    for view in (queue_table(a_busy_model(), 102.0, PLAIN), worker_table(a_busy_model(), 102.0, PLAIN)):
        kept = sorted(view.columns, key=lambda column: column.rank)
        while sum(column.width + 1 for column in kept) > width:
            kept.pop()
        names = {column.title for column in kept}
        assert {"QUEUE", "BACKLOG", "INFL", "OUT/s", "OLDEST", "DRAIN"} <= names or {"WORKER", "INFL", "HB"} <= names


def test_unknown_is_not_zero():
    model = a_model()
    model.apply_stats([stats("q", ready=3)], 100.0)
    figures = cells(queue_table(model, 100.0, PLAIN), "q")
    assert (figures["in"], figures["workers"], figures["drain"]) == ("?", "?", "?")


def test_the_worker_table_puts_trouble_first():
    view = worker_table(a_busy_model(), 102.0, PLAIN)
    assert [row.cells[1].text for row in view.rows] == ["LATE", "drain", "run"]
    assert cells(view, "pay-1@host")["inflight"] == "8/4"
    assert cells(view, "pay-1@host")["rss"] == "312M"
    assert cells(view, "exp-1@host")["cpu"] == "?"
    assert "1 run · 1 drain · 1 late" in text_of(view.note)


def test_without_a_broker_the_data_stays_and_is_visibly_old():
    model = a_busy_model()
    model.link_down("timed out", 103.0)
    queues, workers = queue_table(model, 144.0, PLAIN), worker_table(model, 144.0, PLAIN)
    assert all(row.tone == "muted" for row in (*queues.rows, *workers.rows))
    figures = cells(queues, "payments")
    assert (figures["backlog"], figures["inflight"], figures["in"]) == ("12,418", "?", "?")
    assert cells(workers, "pay-1@host")["heartbeat"] == "?"
    assert cells(workers, "pay-1@host")["state"] == "?", "it is the console that does not know"
    header = text_of(header_line(model, 144.0, 100))
    assert "✗ no broker 41s  data as of 14:13:22  actions off  (timed out)" in header
    assert "actions off" in header


def test_the_first_line_says_which_cluster_and_how_alive():
    wide, narrow = (text_of(header_line(a_busy_model(), 102.3, width)) for width in (100, 80))
    assert wide.startswith(" stem │ prod-eu ▌PROD▐ ns=stem  redis 10.0.4.7  ● live  age 0.3s  rtt 4ms")
    assert narrow.startswith(" stem │ prod-eu ▌PROD▐ ns=stem  ● 0.3s  rtt 4ms")
    assert "RW" in wide


def test_the_first_line_says_what_is_tried():
    model = ClusterModel(Identity(location="redis://x:6379"), started=100.0)
    model.link_connecting(3, 102.0, "refused", 100.0)
    assert "◌ connecting redis://x:6379  try 3  next 2.0s  (refused)" in text_of(header_line(model, 100.0, 100))


def test_the_first_line_says_frozen_and_read_only():
    model = a_model(read_only=True)
    assert "RO" in text_of(header_line(model, 100.0, 100))
    model.apply_frames([frame(*life())], 101.0)
    assert "# FROZEN 12s  3 events waiting   [z] go on" in text_of(header_line(model, 112.0, 100, Frozen(100.0, 0)))


def test_a_reconnect_is_told_with_what_was_missed():
    model = a_model()
    model.apply_frames([frame(*life())], 100.0)
    model.link_down("gone", 101.0)
    model.link_up(142.0)
    model.apply_frames([frame(*life("t2"), seq=20)], 142.5)
    assert "gap 41s, 17 events missed" in text_of(header_line(model, 143.0, 100))


def test_of_two_queues_that_fail_the_one_that_fails_more_comes_first():
    model = a_model()
    for at, done in ((100.0, 0), (102.0, 10)):
        model.apply_stats(
            [stats("a", succeeded=9 * done, failed=done), stats("z", succeeded=done, failed=9 * done)], at
        )
    assert [row.key for row in queue_table(model, 102.0, PLAIN).rows] == ["z", "a"]
    assert text_of(verdict_line(model, 102.0)).startswith(" ▲ z: 90.0% of runs fail, backlog 0")


def test_the_verdict_names_the_task_that_fails_most_and_its_error():
    model = a_busy_model()
    for number in range(3):
        model.apply_frames(
            [frame(*life(f"t{number}", fails=True, error=f"StripeTimeout: after {number}s"), seq=9)], 101
        )
        model.apply_frames([frame(*life(f"u{number}", fails=True, name="odd", error="E"), source=f"o{number}")], 101)
    model.apply_frames([frame(*life("v", fails=True, error="StripeTimeout: after 7s"), source="w7")], 101)
    model.apply_frames([frame(*life("w", fails=True, error="StripeTimeout: after 8s"), source="w8")], 101)
    model.apply_frames([frame(*life("x", fails=True, error="KeyError: 'sku'"), source="w9")], 101)
    assert "of runs fail (payments.charge: StripeTimeout: after #s [f]), backlog" in text_of(verdict_line(model, 102.0))
    assert "[f]" not in text_of(verdict_line(model, 200.0)), "that was over a minute ago"


def test_the_verdict_names_the_worst():
    verdict = text_of(verdict_line(a_busy_model(), 102.0))
    assert verdict.startswith(" ▲ payments: 8.3% of runs fail, backlog 12,418")
    assert "1 LATE" in verdict
    assert verdict_line(a_model(), 100.0) == ()


@pytest.mark.parametrize(
    ("filter_text", "kept"),
    [
        ("pay", {"payments"}),
        ("!pay", {"emails", "exports", "default"}),
        ("~pmt", {"payments"}),
        ("state:paus", {"exports"}),
        ("is:trouble", {"payments"}),
        ("e !emails", {"payments", "exports", "default"}),
    ],
)
def test_filters(filter_text, kept):
    view = queue_table(a_busy_model(), 102.0, TableState(filter=filter_text))
    assert {row.key for row in view.rows} == kept


def test_a_filter_that_leaves_nothing_asks_what_was_meant():
    view = queue_table(a_busy_model(), 102.0, TableState(filter="paymets"))
    assert view.title == "Queues 0 of 4"
    assert "did you mean payments?" in text_of(view.empty[0])


def test_sorting_begins_with_the_greatest_and_unknown_stays_last():
    model = a_busy_model()
    by_backlog = queue_table(model, 102.0, TableState(sort="backlog"))
    assert [row.key for row in by_backlog.rows] == ["payments", "exports", "emails", "default"]
    upward = queue_table(model, 102.0, TableState(sort="oldest", reverse=True))
    assert [row.key for row in upward.rows] == ["emails", "payments", "exports", "default"]
    assert "sort BACKLOG↓" in text_of(by_backlog.note)


def test_empty_states_say_what_is_known():
    model = a_model()
    assert "not known yet" in text_of(queue_table(model, 100.0, PLAIN).empty[0])
    model.apply_stats([], 100.0)
    model.apply_workers([], 100.0)
    assert "broker answers, no queues" in text_of(queue_table(model, 100.0, PLAIN).empty[0])
    assert 'no heartbeat in namespace "stem" in 25s' in text_of(worker_table(model, 125.0, PLAIN).empty[0])


def test_the_tail_is_newest_first():
    model = a_model()
    model.apply_frames([frame(*life("0123456789abcdef", fails=True))], 100.0)
    first = text_of(events_table(model, 100.0, 10, PLAIN).rows[0].cells)
    assert "✗ failed" in first
    assert "payments.charge" in first
    assert "89abcdef" in first
    assert "StripeTimeout (max-retries-exhausted) after 500ms" in first
    assert len(events_table(model, 100.0, 10, TableState("is:trouble")).rows) == 1


def test_text_from_the_wire_is_harmless_everywhere():
    evil = "\x1b]0;pwned\x07[red]x[/red]\u202eevil\r\n"
    model = a_model()
    model.watch("t1")
    model.apply_stats([stats(evil, ready=1, paused=Pause(by=evil, reason=evil))], 100.0)
    held = running("t\x1b1", note=evil, started_at=WALL, progress=0.5)
    model.apply_workers([(snapshot(evil, host=evil, queues=(evil,), running=(held,)), 1.0)], 100.0)
    model.apply_frames([frame(*life("t1", fails=True, name=evil, error=evil), source=evil)], 100.0)
    model.link_down(evil, 101.0)
    lines = [header_line(model, 101.0, 100), *queue_detail(model, evil, 101.0, 100)]
    lines += [*worker_detail(model, evil, 101.0, 100), *task_detail(model, "t1", 101.0, 100)]
    events = events_table(model, 101.0, 10, PLAIN)
    for view in (queue_table(model, 101.0, PLAIN), worker_table(model, 101.0, PLAIN), events):
        lines += [row.cells for row in view.rows]
    lines += [row.cells for row in worker_tasks_table(model, evil, 101.0, PLAIN).rows]
    texts = [cell.text for line in lines for cell in line]
    assert all(text.isprintable() for text in texts)
    assert any("\\x1b]0;pwned" in text for text in texts)


def test_the_pages_of_a_queue_and_a_worker():
    model = a_busy_model()
    queue = "\n".join(map(text_of, queue_detail(model, "exports", 102.0, 100)))
    assert "PAUSED since" in queue
    assert "by ann" in queue
    worker = "\n".join(map(text_of, worker_detail(model, "pay-1@host", 102.0, 100)))
    assert "slots 4/4 ████████" in worker
    assert "known" in text_of(worker_detail(model, "nobody", 102.0, 100)[0])


def test_what_the_broker_warns_of_is_marked_on_the_first_line_and_said_on_the_second():
    model = a_model()
    model.link_up(100.0)
    assert "WARNING" not in text_of(header_line(model, 100.0, 120))
    model.warned(["rediss://h is not verified"])
    assert "▲ WARNING" in text_of(header_line(model, 100.0, 120))
    assert "▲ " in text_of(header_line(model, 100.0, 80))
    assert "rediss://h is not verified" in text_of(verdict_line(model, 100.0))
    busy = a_busy_model()
    busy.warned(["rediss://h is not verified"])
    said = text_of(verdict_line(busy, 102.0))
    assert said.index("payments") < said.index("not verified")


def waiting_task(task_id: str, **fields) -> TaskStatus:
    usual = {"name": "payments.charge", "queue": "payments", "state": TaskState.QUEUED}
    return TaskStatus(id=task_id, **{**usual, **fields})


def test_a_queues_tasks_are_those_held_those_that_wait_and_those_seen():
    model = a_model()
    model.apply_stats([stats(ready=7)], 100.0)
    model.apply_workers([(snapshot(running=(running("t-run", started_at=WALL - 4), running("t-held"))), 0.1)], 100.0)
    model.apply_frames([frame(*life("t-ended", fails=True))], 100.0)
    model.watch_queue("payments")
    later = waiting_task("t-later", due_at=WALL + 9.0, attempt=1, state=TaskState.RETRIED)
    model.apply_waiting("payments", [waiting_task("t-second", enqueued_at=WALL - 3), waiting_task("t-a"), later], 100.0)
    view = queue_tasks_table(model, "payments", 100.0, PLAIN)
    assert [(row.key, cells(view, row.key)["state"]) for row in view.rows] == [
        ("t-run", "running"),
        ("t-held", "held"),
        ("t-second", "waiting"),
        ("t-a", "waiting"),
        ("t-later", "delayed"),
        ("t-ended", "failed"),
    ]
    assert cells(view, "t-second")["age"] == "3s"
    assert cells(view, "t-a")["age"] == "?"
    assert cells(view, "t-later")["progress"] == "in 9s"
    assert "first 3 of 7 waiting" in text_of(view.note)
    assert [row.key for row in queue_tasks_table(model, "payments", 100.0, TableState("is:waiting")).rows] == [
        "t-second",
        "t-a",
    ]


def test_what_waits_in_another_queue_is_not_shown_here():
    model = a_model()
    model.watch_queue("emails")
    model.apply_waiting("emails", [waiting_task("t1")], 100.0)
    model.apply_waiting("payments", [waiting_task("t2")], 100.0)
    assert [task.id for task in model.waiting.tasks] == ["t1"]
    view = queue_tasks_table(model, "payments", 100.0, PLAIN)
    assert not view.rows
    assert "not known yet" in text_of(view.empty[0])


def test_a_queue_without_tasks_says_since_when_it_was_watched():
    model = a_model()
    model.watch_queue("payments")
    model.apply_waiting("payments", [], 127.0)
    view = queue_tasks_table(model, "payments", 127.0, PLAIN)
    assert "nothing waits or runs here, and no task was seen in 27s" in text_of(view.empty[0])


def test_what_ended_since_the_last_heartbeat_is_not_shown_as_running():
    model = a_model()
    model.apply_workers([(snapshot(running=(running("t1", started_at=WALL + 0.5),)), 0.1)], 100.0)
    model.apply_frames([frame(*life("t1"))], 101.0)
    (row,) = queue_tasks_table(model, "payments", 101.0, PLAIN).rows
    assert "succeeded" in [cell.text for cell in row.cells]
    assert not worker_tasks_table(model, "w1", 101.0, PLAIN).rows


def test_a_workers_children_are_shown_with_what_each_runs():
    model = a_model()
    children = (ChildSnapshot(pid=71, busy=True, task="t1", tasks=12, rss=88 << 20), ChildSnapshot(pid=72, tasks=3))
    model.apply_workers([(snapshot("w1", running=(running("t1", started_at=WALL),), children=children), 0.1)], 100.0)
    lines = [text_of(line) for line in worker_detail(model, "w1", 100.0, 100)]
    assert "child processes 2" in lines[4]
    assert all(part in lines[5] for part in ("pid 71", "rss    88M", "12 tasks done", "t1 payments.charge"))
    assert lines[6].rstrip().endswith("idle")


def test_an_inspection_tells_limits_bounds_and_why_slots_changed_last():
    model = a_model()
    payload = {
        "snapshot": msgspec.to_builtins(snapshot("w1", max_concurrency=8)),
        "rates": {"mail\x1b": "10/s"},
        "scaling": {"min": 2, "max": 8, "last": {"at": WALL - 90.5, "before": 2, "after": 4, "reason": "9 wait\x1b"}},
    }
    model.inspection = inspection_of("w1", payload, 0.01, 100.0)
    text = "\n".join(text_of(line) for line in inspection_lines(model, "w1", 100.0, 100))
    assert "mail\\x1b" in text
    assert "10/s" in text
    assert "between 2 and 8 slots, 4 now" in text
    assert "last 2 → 4 slots, 1m30s ago: 9 wait\\x1b" in text


def test_an_inspection_of_an_older_worker_leaves_out_what_it_does_not_tell():
    model = a_model()
    model.inspection = inspection_of("w1", {"snapshot": msgspec.to_builtins(snapshot("w1"))}, 0.01, 100.0)
    text = "\n".join(text_of(line) for line in inspection_lines(model, "w1", 100.0, 100))
    assert "rate limits" not in text
    assert "autoscale" not in text
