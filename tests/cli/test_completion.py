"""Completion, the list of an app's tasks, and a help that is whole."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from stem_core.cli.main import root
from tests.cli.conftest import ROOT, Stem, one_line

PROGRAM = [sys.executable, "-m", "stem_core"]


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


LEAVES = list(leaves(root))
PATHS = [" ".join(path) for path, _ in LEAVES]


def test_the_tree_is_the_one_that_is_promised() -> None:
    wanted = """
        worker start, worker multi start, worker multi stop, worker multi restart, worker multi status,
        worker healthcheck, worker diagnose, worker status, worker ping, worker stats, worker inspect, worker revoke,
        worker pause, worker resume, worker scale, worker drain, worker undrain, worker shutdown, enqueue, task show,
        task list, tasks ls, observe queues, observe workers, observe events, observe dlq, observe schedules, dlq list,
        dlq show, dlq replay, dlq purge, schedule apply, schedule list, schedule show, schedule next, schedule delete,
        schedule enable, schedule disable, schedule run, routing dump, routing check, routing explain, health, config,
        completion
    """
    assert {" ".join(path.split()) for path in wanted.split(",")} <= set(PATHS)


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=PATHS)
def test_each_command_takes_json_and_shows_an_example_in_its_help(
    stem: Stem, path: tuple[str, ...], command: click.Command
) -> None:
    ran = stem(*path, "--help")
    assert ran.code == 0
    text = " ".join(ran.out.split())
    assert f"stem {' '.join(path)}" in text.partition("Example: ")[2], "its help has no example"
    assert "--json" in text
    assert command.help


@pytest.mark.parametrize("group", ["", *sorted({" ".join(path[:-1]) for path, _ in LEAVES} - {""})])
def test_a_narrow_terminal_still_shows_each_command_in_a_whole_sentence(
    stem: Stem, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, _, commands = stem(*group.split(), "--help").out.partition("Commands:\n")
    assert [line for line in commands.splitlines() if not line.endswith(".") or line.endswith("...")] == []
    assert commands


def complete(shell: str, *words: str, before: str = "") -> str:
    variables = {
        "_STEM_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(("stem", *words)),
        "COMP_CWORD": words[-1] if shell == "fish" else str(len(words)),
    }
    code = f"import sys; sys.argv = ['stem']; {before}from stem_core.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **variables}, cwd=ROOT,
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_what_can_follow(shell: str) -> None:
    assert "worker" in complete(shell, "wor")
    assert {"start", "multi", "ping"} <= set(complete(shell, "worker", "").replace(",", "\n").split())
    assert "--concurrency" in complete(shell, "worker", "start", "--conc")
    assert "nothing" not in complete(shell, "nothing")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_asks_stem_for_completions(stem: Stem, shell: str) -> None:
    ran = stem("completion", shell)
    assert ran.code == 0
    assert f"_STEM_COMPLETE={shell}_complete" in ran.out
    assert stem("completion", shell, "--json").json["script"] in ran.out
    assert one_line(stem("completion", "tcsh").err)


TASKS = '''
from datetime import timedelta
from stem_core import Stem, TaskContext, TaskHandler, TaskOptions
stem = Stem.from_environment()

@stem.task("report.generate", queue="reports", max_retries=3, hard_time_limit=timedelta(minutes=2), execution="process")
def generate(report_id: str) -> str:
    """Make a report \\x1b[31mnow.

    More of it.
    """
    return report_id

class Mail(TaskHandler[None]):
    """Send a mail."""
    name = "mail.send"
    options = TaskOptions(secrets=("password",))
    async def call(self, context: TaskContext, args: dict[str, object]) -> None: ...

stem.registry.register(Mail())
'''


def test_the_tasks_of_an_app_are_listed(stem: Stem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "listed_app.py").write_text(TASKS)
    monkeypatch.chdir(tmp_path)
    mail, report = stem("tasks", "ls", "--app", "listed_app:stem", "--json").json
    assert (mail["name"], mail["description"], mail["runs"]) == ("mail.send", "Send a mail.", "inline")
    assert mail["options"] == {"secrets": ["password"]}
    assert (report["queue"], report["runs"]) == ("reports", "process")
    assert report["options"] == {"max_retries": 3, "hard_time_limit": 120.0, "execution": "process"}
    shown = stem("tasks", "ls", "--app", "listed_app:stem").out
    assert "Make a report \\x1b[31mnow." in shown
    assert "hard_time_limit=2m" in shown
    assert stem("tasks", "ls", "--app", "listed_app:nope").code == 64
