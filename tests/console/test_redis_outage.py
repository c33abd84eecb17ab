import asyncio
import time

import pytest

from stem_core.config import StemConfig
from stem_tui.session import Session
from stem_tui.settings import ConsoleSettings
from stem_tui.store import LinkState
from tests.servers import RedisServer

pytestmark = pytest.mark.redis


async def until(condition, within: float = 20.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come"
        await asyncio.sleep(0.01)


async def test_the_console_outlives_its_broker_and_is_back_within_two_seconds(tmp_path):
    server = RedisServer(tmp_path / "redis", aof=True).start()
    config = StemConfig(broker_url=server.url)
    session = Session(ConsoleSettings(config=config), None)
    try:
        session.start()
        await until(lambda: session.model.link.data_at is not None)
        assert "127.0.0.1" in session.model.identity.location
        server.kill()
        await until(lambda: session.model.link.state is LinkState.DOWN)
        assert session.model.link.reason
        await asyncio.to_thread(server.start)
        began = time.monotonic()
        await until(lambda: session.model.link.is_live)
        assert time.monotonic() - began < 2.0 + 2.0  # and what a busy machine adds
    finally:
        await session.close()
        server.kill()
