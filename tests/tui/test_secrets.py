"""No secret reaches the screen: not from arguments, results, errors or tracebacks."""

from __future__ import annotations

import pytest

from stem_core import FunctionTaskHandler, TaskOptions
from tests.tui.stage import live, screen_text

CANARY = "canary-7f3a"


def pay(card: str, password: str, to: str) -> dict[str, str]:
    if to == "nobody":
        raise ValueError(f"{card} and {password!r} were refused, see redis://u:{CANARY}@h")
    return {"to": to, "access_token": password, "card": card}


@pytest.mark.parametrize(("to", "state"), [("ann", "SUCCEEDED"), ("nobody", "FAILED")])
async def test_the_page_of_a_task_shows_no_secret(to: str, state: str) -> None:
    async with live() as console:
        options = TaskOptions(queue="naps", secrets=("card",))
        console.stem.registry.register(FunctionTaskHandler("pay", pay, options))
        args = {"card": f"4111-{CANARY}", "password": CANARY, "to": to}
        task_id = await console.stem.enqueue("pay", args)
        status = await console.stem.wait_for(task_id, 10)
        assert status.args == args  # programs get their data whole
        assert status.error is None or CANARY not in status.error.message + status.error.traceback
        await console.press("enter")
        await console.sees(task_id[-8:])
        await console.press("enter")
        await console.sees(state)
        await console.sees('"password": "***"')
        assert '"to": "' + to in screen_text(console.app)
        assert CANARY not in screen_text(console.app)
        events = [str(event) for event in console.app.session.model.events.entries]
        assert CANARY not in " ".join(events)
