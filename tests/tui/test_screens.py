"""What the screens look like, from clusters that never change. `make snapshots` accepts new looks and the picture."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import pytest
from textual.pilot import Pilot

from stem_core import InMemoryBroker
from stem_core.client import ControlClient
from stem_core.config import StemConfig
from stem_tui.app import ConsoleApp
from stem_tui.keymap import build_keymap
from stem_tui.session import Session
from stem_tui.settings import ConsoleSettings
from stem_tui.store import ClusterModel
from stem_tui.theme import load_theme
from tests.tui import models

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "overview.svg"
SIZES = [(100, 30), (80, 24)]


class StillClock:
    """Time stands still."""

    def time(self) -> float:
        return models.WALL

    def monotonic(self) -> float:
        return models.NOW

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing may wait in a still picture")


class StillSession(Session):
    """A session that shows one fixed model and reads nothing."""

    def __init__(self, model: ClusterModel, *, read_only: bool = False) -> None:
        config = StemConfig(broker_url="redis://10.0.4.7:6379")
        super().__init__(ConsoleSettings(config=config, issuer="ann@bastion", read_only=read_only), clock=StillClock())
        self.model = model
        self.commander._model = model
        if model.link.is_live:
            self.commander.control = ControlClient(InMemoryBroker())

    async def run(self) -> None:
        return


def still(model: ClusterModel, theme: str = "dark") -> ConsoleApp:
    """Return a console that shows a fixed model."""
    return ConsoleApp(StillSession(model), load_theme(theme), build_keymap(), StillClock())


def pressing(keys: list[str]) -> Callable[[Pilot[int]], Awaitable[None]]:
    """Return what presses keys and then waits until all of it is painted, also on a busy machine."""

    async def press(pilot: Pilot[int]) -> None:
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        app = pilot.app
        assert isinstance(app, ConsoleApp)
        app.paint()
        await pilot.pause()

    return press


class Compare(Protocol):
    """The fixture of pytest-textual-snapshot."""

    def __call__(
        self,
        app: ConsoleApp,
        terminal_size: tuple[int, int] = ...,
        run_before: Callable[[Pilot[int]], Awaitable[None]] | None = ...,
    ) -> bool: ...


@pytest.fixture
def compare(snap_compare: Compare) -> Compare:
    """Compare in a thread of its own: the plugin runs a loop, which would take away the one pytest-asyncio keeps."""

    def apart(*values: Any, **options: Any) -> bool:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(snap_compare, *values, **options).result()

    return apart


SCREENS: dict[str, tuple[Callable[[], ClusterModel], list[str]]] = {
    "overview": (models.lively, []),
    "prod": (lambda: models.lively(prod=True), []),
    "queue": (models.lively, ["enter"]),
    "worker": (models.lively, ["2", "enter"]),
    "pause": (models.lively, ["p"]),
    "stop": (models.lively, ["2", "K"]),
    "prod-stop": (lambda: models.lively(prod=True), ["2", "K"]),
    "local-start": (models.lively, ["L"]),
    "argument": (models.lively, ["2", "colon", *"scale", "space", "8"]),
    "help": (models.lively, ["question_mark"]),
    "palette": (models.lively, ["colon"]),
    "filtered": (models.lively, ["slash", *"mail", "enter"]),
    "nothing-matches": (models.lively, ["slash", *"pymt", "enter"]),
    "receipts": (models.lively, ["r"]),
    "marked": (models.lively, ["2", "space", "space"]),
    "marked-stop": (models.lively, ["2", "a", "K"]),
    "children": (models.lively, ["2", "G", "enter"]),
    "letters": (models.dead, ["e", "space", "space"]),
    "causes": (models.dead, ["c", "j"]),
    "letter": (models.dead, ["e", "enter"]),
    "replay": (models.dead, ["c", "R"]),
    "delete": (models.dead, ["e", "D"]),
    "prod-delete": (lambda: models.dead(prod=True), ["c", "D"]),
    "no-letters": (models.no_letters, ["e"]),
    "schedules": (models.scheduled, ["t"]),
    "schedule": (models.scheduled, ["t", "j", "enter"]),
    "schedule-off": (models.scheduled, ["t", "j", "o"]),
    "outcomes": (models.lively, ["f"]),
    "empty": (models.empty, []),
    "connecting": (models.connecting, []),
    "disconnected": (models.disconnected, []),
    "hostile": (models.hostile, []),
}


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let schedules be shown in the same timezone everywhere."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
def test_the_screen_looks_as_it_did(name: str, size: tuple[int, int], compare: Compare) -> None:
    model, keys = SCREENS[name]
    assert compare(still(model()), run_before=pressing(keys), terminal_size=size)


def test_the_light_theme_looks_as_it_did(compare: Compare) -> None:
    assert compare(still(models.lively(), "light"), run_before=pressing([]), terminal_size=(100, 30))


async def test_the_picture_of_the_readme_is_what_the_console_shows(request: pytest.FixtureRequest) -> None:
    app = still(models.lively())
    async with app.run_test(size=(100, 30)) as pilot:
        await pressing([])(pilot)
        picture = app.export_screenshot(title="stem-tui")
    # Rich names the picture's parts after a checksum of what it shows; so equal screens give equal files.
    if request.config.getoption("--snapshot-update"):
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        PICTURE.write_text(picture)
    assert PICTURE.exists(), "run make snapshots"
    assert picture == PICTURE.read_text(), "the console looks different: look at it, then run make snapshots"
