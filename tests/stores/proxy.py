"""A link that fails as links do: after the request went out, before the reply came back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Self


class Proxy:
    """Forwards to a server on loopback; drops a connection when told to.

    Args:
        port: Where the server listens.
    """

    def __init__(self, port: int) -> None:
        self.cut_reply_to: Callable[[bytes], bool] = lambda _: False
        self.cuts = 0
        self._target = port
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target)
            try:
                await self._forward(reader, writer, server_reader, server_writer)
            finally:
                server_writer.close()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._links.discard(task)

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_reader: asyncio.StreamReader,
        server_writer: asyncio.StreamWriter,
    ) -> None:
        cutting = False

        async def answers() -> None:
            while (data := await server_reader.read(65536)) and not cutting:
                writer.write(data)
            writer.close()

        answering = asyncio.ensure_future(answers())
        try:
            while data := await reader.read(1 << 20):
                if self.cut_reply_to(data):
                    cutting = True
                    self.cuts += 1
                server_writer.write(data)
                if cutting:
                    await answering
                    return
        finally:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
