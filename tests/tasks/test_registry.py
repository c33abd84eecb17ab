from __future__ import annotations

import pytest

from stem_core.errors import DuplicateTaskError, UnknownTaskError, UsageError
from stem_core.options import TaskOptions
from stem_core.tasks import FunctionTaskHandler, SimpleTaskRegistry, TaskContext, TaskHandler, execution_of


class EmailTask(TaskHandler[None]):
    name = "email.send"

    async def call(self, context: TaskContext, args: dict[str, object]) -> None: ...


async def inline() -> None: ...


def blocking() -> None: ...


def test_register_returns_the_registry_and_get_the_handler() -> None:
    handler = EmailTask()
    registry = SimpleTaskRegistry().register(handler)
    assert registry.get("email.send") is handler
    assert "email.send" in registry
    assert registry.names() == ["email.send"]


def test_a_second_handler_of_the_same_name_is_refused() -> None:
    registry = SimpleTaskRegistry().register(EmailTask())
    with pytest.raises(DuplicateTaskError, match=r"email\.send"):
        registry.register(EmailTask())


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    registry = SimpleTaskRegistry().register(EmailTask())
    with pytest.raises(UnknownTaskError, match=r"did you mean 'email\.send'"):
        registry.get("email.sned")


@pytest.mark.parametrize("name", ["", "two\nlines", "x" * 201, None])
def test_a_handler_without_a_usable_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="not usable"):
        SimpleTaskRegistry().register(FunctionTaskHandler(name, inline))


def test_async_runs_inline_and_def_in_a_thread_unless_asked_otherwise() -> None:
    assert execution_of(FunctionTaskHandler("a", inline)) == "inline"
    assert execution_of(FunctionTaskHandler("b", blocking)) == "thread"
    assert execution_of(FunctionTaskHandler("c", blocking, TaskOptions(execution="inline"))) == "inline"
    assert execution_of(FunctionTaskHandler("d", inline, TaskOptions(execution="process"))) == "process"


def test_async_in_a_thread_is_refused_when_it_is_registered() -> None:
    with pytest.raises(UsageError, match="async def"):
        SimpleTaskRegistry().register(FunctionTaskHandler("a", inline, TaskOptions(execution="thread")))
