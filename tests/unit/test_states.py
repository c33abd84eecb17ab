from __future__ import annotations

import pytest

from stem_core.states import TERMINAL, TRANSITIONS, TaskState, may_follow


def test_every_state_has_its_row() -> None:
    assert set(TRANSITIONS) == set(TaskState)


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_only_a_replay_leaves_a_terminal_state(state: TaskState) -> None:
    assert [new for new in TaskState if may_follow(state, new)] == [TaskState.QUEUED]
    assert state.is_terminal


def test_a_task_cannot_succeed_without_running() -> None:
    assert not may_follow(TaskState.QUEUED, TaskState.SUCCEEDED)
    assert not may_follow(TaskState.RETRIED, TaskState.SUCCEEDED)
    assert may_follow(TaskState.RUNNING, TaskState.SUCCEEDED)
