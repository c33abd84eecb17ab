from __future__ import annotations

from hypothesis import given, strategies as st

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
