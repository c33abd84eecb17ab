from __future__ import annotations

import functools
from typing import Any

import pytest

from stem_core.errors import InvalidArgumentsError, UsageError
from stem_core.tasks import Binding, TaskContext


def greet(name: str, *, times: int = 1) -> None: ...


def test_arguments_that_fit_pass() -> None:
    Binding("greet", greet).check({"name": "ann"})
    Binding("greet", greet).check({"name": "ann", "times": 2})


@pytest.mark.parametrize(
    ("args", "names"),
    [({}, ["lacks 'name'"]), ({"name": "a", "tims": 2}, ["does not know 'tims'", "did you mean 'times'"])],
)
def test_a_complaint_names_what_is_missing_unknown_and_near(args: dict[str, object], names: list[str]) -> None:
    with pytest.raises(InvalidArgumentsError) as caught:
        Binding("greet", greet).check(args)
    for name in names:
        assert name in str(caught.value)


def test_a_function_with_open_keywords_takes_anything() -> None:
    def open_ended(**anything: object) -> None: ...

    Binding("open", open_ended).check({"whatever": 1})


def test_the_context_is_recognised_by_name_or_annotation() -> None:
    def by_name(context: Any, size: int) -> None: ...
    def by_annotation(ctx: TaskContext, size: int) -> None: ...
    def neither(size: int) -> None: ...

    assert Binding("a", by_name).takes_context
    assert Binding("b", by_annotation).takes_context
    assert not Binding("c", neither).takes_context
    Binding("b", by_annotation).check({"size": 1})


def test_a_parameter_that_cannot_be_named_is_refused_at_registration() -> None:
    def positional(size: int, /) -> None: ...

    with pytest.raises(UsageError, match="'size'"):
        Binding("p", positional)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(UsageError, match="task 'three' is no function"):
        Binding("three", 3)  # type: ignore[arg-type]  # what is tested


def test_a_partial_binds_what_is_left() -> None:
    Binding("greet", functools.partial(greet, times=3)).check({"name": "ann"})
