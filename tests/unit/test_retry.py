from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from stem_core.envelope import unseal
from stem_core.errors import EnvelopeInvalidError, UsageError
from stem_core.retry import DEFAULT_RETRY_POLICY, TaskRetryPolicy


def test_the_delay_doubles_up_to_its_bound() -> None:
    policy = TaskRetryPolicy(backoff=True, default_delay=2.0, backoff_max=15.0, jitter=False)
    assert [policy.delay(attempt, lambda: 0.0) for attempt in range(5)] == [2.0, 4.0, 8.0, 15.0, 15.0]


def test_without_backoff_the_delay_stays() -> None:
    policy = TaskRetryPolicy(default_delay=3.0, jitter=False)
    assert {policy.delay(attempt, lambda: 0.5) for attempt in range(9)} == {3.0}


@given(attempt=st.integers(0, 10_000), chance=st.floats(0, 1, exclude_max=True))
def test_jitter_takes_at_most_a_quarter_off_and_nothing_overflows(attempt: int, chance: float) -> None:
    plain = TaskRetryPolicy(backoff=True, default_delay=2.0, backoff_max=300.0, jitter=False).delay(attempt, lambda: 0)
    assert 0.75 * plain <= DEFAULT_RETRY_POLICY.delay(attempt, lambda: chance) <= plain


def test_base_classes_count_and_denial_wins() -> None:
    assert TaskRetryPolicy(auto_retry_for=("LookupError",)).allows(KeyError("k"))
    assert TaskRetryPolicy(auto_retry_for=("builtins.KeyError",)).allows(KeyError("k"))
    assert not TaskRetryPolicy(auto_retry_for=("ValueError",)).allows(KeyError("k"))
    both = TaskRetryPolicy(auto_retry_for=("KeyError",), dont_auto_retry_for=("LookupError",))
    assert not both.allows(KeyError("k"))


def test_a_policy_without_names_allows_anything() -> None:
    assert TaskRetryPolicy().allows(SystemExit())


class Outer:
    class GoneError(LookupError):
        """An exception whose name alone could be anybody's."""


def test_classes_may_be_given_instead_of_names_and_travel_as_names() -> None:
    policy = TaskRetryPolicy(auto_retry_for=(LookupError, "OSError"), dont_auto_retry_for=(Outer.GoneError,))
    sent = msgspec.json.decode(msgspec.json.encode(policy), type=TaskRetryPolicy)
    assert sent == policy
    assert sent.auto_retry_for == ("builtins.LookupError", "OSError")
    assert sent.allows(KeyError("k"))
    assert sent.allows(FileNotFoundError())
    assert not sent.allows(Outer.GoneError())
    assert not sent.allows(ValueError())


def test_a_class_of_the_same_name_elsewhere_is_another_one() -> None:
    gone = type("GoneError", (Exception,), {})
    assert not TaskRetryPolicy(auto_retry_for=(Outer.GoneError,)).allows(gone())


def test_one_class_or_name_needs_no_tuple() -> None:
    single: Any = KeyError
    assert TaskRetryPolicy(auto_retry_for=single) == TaskRetryPolicy(auto_retry_for=(KeyError,))
    assert TaskRetryPolicy(auto_retry_for="KeyError").allows(KeyError())  # type: ignore[arg-type]  # what is tested


def test_delays_take_seconds_or_a_timedelta_and_travel_as_seconds() -> None:
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    policy = TaskRetryPolicy(default_delay=minute, backoff=True, backoff_max=hour, jitter=False)
    sent = msgspec.json.decode(msgspec.json.encode(policy), type=TaskRetryPolicy)
    assert sent == policy
    assert [each.delay(9, lambda: 0.0) for each in (policy, sent)] == [3600.0, 3600.0]
    assert policy.delay(0, lambda: 0.0) == 60.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("default_delay", "5m"),
        ("default_delay", -1),
        ("default_delay", float("nan")),
        ("default_delay", None),
        ("backoff_max", timedelta.max),
        ("backoff_max", "long"),
        ("backoff", 2.0),
        ("jitter", 0.5),
        ("max_retries", "3"),
        ("max_retries", -1),
        ("auto_retry_for", 3),
    ],
)
def test_what_no_worker_could_go_by_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=f"^{name} "):
        TaskRetryPolicy(**{name: value})


def test_a_policy_from_outside_that_cannot_be_is_no_envelope() -> None:
    with pytest.raises(EnvelopeInvalidError, match="default_delay is -1"):
        unseal(b'{"id":"a","name":"b","retry_policy":{"default_delay":-1}}')


@pytest.mark.parametrize("given", [(int,), (3,), (KeyError("an instance"),)])
def test_what_is_no_exception_class_is_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="dont_auto_retry_for"):
        TaskRetryPolicy(dont_auto_retry_for=given)
