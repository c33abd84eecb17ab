"""Why a server with TLS closes the connection.

A server that wants to see a certificate says so only after the client's side of the handshake is done. A client that
writes at once may then meet a closed connection and no reason; one that only reads is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from stem_core.errors import ConfigurationError
from stem_core.stores.redis.address import Host
from stem_core.stores.redis.driver import CONNECT_TIMEOUT
from stem_core.stores.redis.failures import translate
from stem_core.tls import TlsConfig

_LISTEN = 0.5
"""Seconds to listen for a reason; a server that is content says nothing."""


async def check_handshake(hosts: Iterable[Host], tls: TlsConfig, location: str) -> None:
    """Refuse servers that refuse this client, or that it must refuse; says nothing of those it cannot reach.

    Args:
        hosts: Where to connect to.
        tls: How.
        location: The address, without credentials.

    Raises:
        ConfigurationError: A handshake failed for good.
    """
    for host in hosts:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                reader, writer = await asyncio.open_connection(host.host, host.port, ssl=tls.context())
            try:
                async with asyncio.timeout(_LISTEN):
                    await reader.read(1)
            finally:
                writer.transport.abort()
        except (OSError, EOFError) as error:
            told = translate(error, location)
            if isinstance(told, ConfigurationError):
                raise told from error
