"""Things that the tests of the console are made of."""

from stem_core.delivery import QueueStats
from stem_core.events import Frame, TaskFailed, TaskPrerun, TaskReceived, TaskSucceeded
from stem_core.snapshot import RunningTask, WorkerSnapshot
from stem_tui.store import ClusterModel, Identity

WALL = 1_790_000_000.0


def a_model(now: float = 100.0, **identity) -> ClusterModel:
    model = ClusterModel(Identity(**identity), started=now, wall_offset=WALL - now)
    model.link_up(now)
    return model


def stats(name: str = "payments", **figures) -> QueueStats:
    return QueueStats(name=name, **figures)


def snapshot(worker: str = "w1", *, at: float = WALL, **figures) -> WorkerSnapshot:
    settings = {"boot": "b1", "concurrency": 4, "queues": ("payments",), "rss": 312 << 20, "cpu": 91.0}
    return WorkerSnapshot(worker=worker, at=at, **{**settings, **figures})


def running(task_id: str = "t1", **figures) -> RunningTask:
    return RunningTask(id=task_id, task="payments.charge", queue="payments", **figures)


def frame(*events, source: str = "w1", boot: str = "b1", seq: int = 0, dropped: int = 0) -> Frame:
    return Frame(source, boot, seq, WALL, dropped, list(events))


def life(task_id: str = "t1", *, fails: bool = False, name: str = "payments.charge", error: str = "StripeTimeout"):
    common = (task_id, name, "payments", 0)
    if fails:
        end = TaskFailed(WALL + 1.0, *common, 0.5, error, "max-retries-exhausted")
    else:
        end = TaskSucceeded(WALL + 1.0, *common, 0.5)
    return TaskReceived(WALL, *common), TaskPrerun(WALL + 0.5, *common), end


def text_of(line) -> str:
    return "".join(cell.text for cell in line)
