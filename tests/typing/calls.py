"""What mypy says of tasks; `# E: codes` marks the lines that it must refuse, all others must pass."""

from __future__ import annotations

from typing import assert_type

import stem_core.client
from stem_core import Stem, TaskContext
from stem_core.client import Job

stem = Stem.from_url("memory://")


@stem.task("report.generate", queue="reports")
async def generate(report_id: str, pages: int = 1) -> str:
    return report_id * pages


@stem.task("mail.send")
def send(context: TaskContext, to: str, *, urgent: bool = False) -> int:
    return len(to) * (2 if urgent else 1) + context.attempt


@stem.task("nothing")
def nothing() -> None: ...


async def good() -> None:
    assert_type(await generate.enqueue("monthly"), str)
    await generate.enqueue(report_id="monthly", pages=2)
    await generate.with_options(countdown=5, priority=9).enqueue("monthly", pages=2)
    await send.enqueue("a@b.c", urgent=True)
    await nothing.enqueue()
    assert_type(send.enqueue_sync(to="a@b.c"), str)
    assert_type(generate.job("monthly"), Job)
    assert_type(await generate("monthly"), str)
    await stem.enqueue_many([generate.job("a"), send.job("b")])
    await stem.enqueue("report.generate", {"report_id": "monthly"}, queue="other")


def good_direct_call(context: TaskContext) -> None:
    assert_type(send(context, "a@b.c"), int)


async def good_children(context: TaskContext) -> None:
    assert_type(await context.enqueue_many([generate.job("a"), send.job("b")]), list[str])
    assert_type(await context.enqueue_chain([generate.job("a")]), list[str])
    group = await context.enqueue_group([generate.job("a")], callback=Job("nothing"), on_error=nothing.job(), ttl=60)
    assert_type(group.callback, str | None)


def good_blocking_children(context: TaskContext) -> None:
    assert_type(context.enqueue_sync("nothing", countdown=5), str)
    assert_type(context.enqueue_many_sync([generate.job("a")]), list[str])
    assert_type(stem.wait_for_group_sync(context.enqueue_group_sync([nothing.job()]).id), list[object])


async def wrong_children(context: TaskContext) -> None:
    await context.enqueue_many([("report.generate", {"report_id": "a"})])  # E: list-item
    await context.enqueue_group([nothing.job()], callback=nothing)  # E: arg-type
    context.enqueue_chain([nothing.job()])  # E: unused-coroutine


async def wrong_arguments() -> None:
    await generate.enqueue()  # E: call-arg
    await generate.enqueue(42)  # E: arg-type
    await generate.enqueue(report_id=42)  # E: arg-type
    await generate.enqueue("monthly", pages="2")  # E: arg-type
    await generate.enqueue(report="monthly")  # E: call-arg
    await generate.enqueue("monthly", 2, 3)  # E: call-arg
    await nothing.enqueue("anything")  # E: call-arg
    generate.job(report_id=None)  # E: arg-type
    generate.enqueue_sync(pages=1)  # E: call-arg


async def wrong_with_a_context(context: TaskContext) -> None:
    await send.enqueue(context, "a@b.c")  # E: arg-type, call-arg
    await send.enqueue("a@b.c", True)  # E: call-arg
    send("a@b.c")  # E: arg-type, call-arg


async def wrong_options() -> None:
    await generate.with_options(priorty=9).enqueue("monthly")  # E: call-arg
    generate.with_options(priority="high")  # E: arg-type
    await stem.enqueue("report.generate", {"report_id": "x"}, countdwn=5)  # E: call-arg
    stem.task("other", max_retrys=3)  # E: call-arg


async def forgotten() -> None:
    generate.enqueue("monthly")  # E: unused-coroutine


def bad_names() -> None:
    assert stem_core.Wrker  # E: attr-defined
    assert stem_core.client.Jobb  # E: attr-defined
