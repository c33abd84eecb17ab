"""From a URL to a connection that may be trusted with work."""

from __future__ import annotations

from stem_core.errors import BrokerError, BrokerUnavailableError
from stem_core.stores.redis.address import RedisAddress, parse_address
from stem_core.stores.redis.checks import check_eviction, check_facts, facts_of, persistence_warning
from stem_core.stores.redis.cluster import ClusterConnection
from stem_core.stores.redis.connection import RedisConnection
from stem_core.stores.redis.driver import server_clients
from stem_core.stores.redis.handshake import check_handshake
from stem_core.stores.redis.sentinel import check_service, sentinel_clients
from stem_core.stores.redis.single import SingleConnection
from stem_core.tls import TlsConfig


async def open_connection(url: str, tls: TlsConfig | None = None) -> RedisConnection:
    """Connect, and refuse servers that are not fit.

    Args:
        url: One server's, a cluster's, or that of a service which sentinels watch.
        tls: How to secure connections, if the URL asks for it.

    Raises:
        ConfigurationError: The URL or a server is not usable.
        BrokerUnavailableError: It cannot be reached.
    """
    address = parse_address(url)
    tls = tls or TlsConfig()
    if address.tls:
        tls.context()
    connection = _connection(address, tls)
    try:
        connection.warnings = await _inspect(connection, address, tls)
        connection.opened = True
    except BaseException:
        await connection.close()
        raise
    return connection


def _connection(address: RedisAddress, tls: TlsConfig) -> RedisConnection:
    if address.topology == "cluster":
        return ClusterConnection(address, tls)
    if address.topology == "sentinel":
        return SingleConnection(address.location, sentinel_clients(address, tls))
    return SingleConnection(address.location, server_clients(address, address.hosts[0], tls))


async def _inspect(connection: RedisConnection, address: RedisAddress, tls: TlsConfig) -> tuple[str, ...]:
    try:
        answers = await connection.everywhere("INFO")
    except BrokerUnavailableError:
        if address.tls:
            await check_handshake(address.hosts, tls, address.location)
        if address.topology == "sentinel":
            await check_service(address, tls)
        raise
    warnings = []
    if address.tls and tls.allow_insecure:
        warnings.append(f"{address.location} is not verified: whoever is on the way can read and change everything")
    servers = [facts_of(answer) for answer in answers]
    for facts, save in zip(servers, await _save_rules(connection, len(servers)), strict=True):
        check_facts(address.location, facts, clustered=address.topology == "cluster")
        if not address.allow_eviction:
            check_eviction(address.location, facts)
        warning = persistence_warning(address.location, facts, save)
        if warning is not None and warning not in warnings:
            warnings.append(warning)
    return tuple(warnings)


async def _save_rules(connection: RedisConnection, servers: int) -> list[object]:
    try:
        answers = await connection.everywhere("CONFIG", "GET", "save")
    except BrokerUnavailableError:
        raise
    except BrokerError:
        return [None] * servers  # a managed server keeps its configuration to itself
    return answers if len(answers) == servers else [None] * servers
