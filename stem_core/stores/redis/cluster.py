"""A Redis Cluster: every queue on the server that holds its slot, the namespace's own keys on another one.

Calls go over clients for single servers, by a table of slots that is read again when it proves wrong. The driver's own
cluster client is used only where one call follows another, for renewals: it sends ASKING and the command that it is
meant for over different connections, and it gives up all connections when one server fails.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from redis.exceptions import AskError, ClusterDownError, MovedError, ResponseError, TryAgainError

from stem_core.clock import SYSTEM_CLOCK
from stem_core.errors import BrokerUnavailableError, ConfigurationError, StemError
from stem_core.stores.redis.address import Host, RedisAddress
from stem_core.stores.redis.connection import Argument, Call, RedisConnection
from stem_core.stores.redis.driver import blocking_options, server_clients
from stem_core.stores.redis.failures import DRIVER_ERRORS, breaks_connection
from stem_core.stores.redis.link import Link
from stem_core.stores.redis.silence import SilentServers
from stem_core.stores.redis.single import run_blocking
from stem_core.stores.redis.slots import SlotTable, slot_of, slot_of_command
from stem_core.tls import TlsConfig

if TYPE_CHECKING:
    import redis

Words = Sequence[Argument]

_REDIRECTIONS: Final = 8
_TRY_AGAIN: Final = 0.05
"""Seconds to wait while a slot is being moved, and a command's keys are not all on one side."""


class ClusterConnection(RedisConnection):
    """Sends each command to the server that holds its key.

    Args:
        address: Servers to ask first.
        tls: How to secure connections, if the address asks for it.
    """

    def __init__(self, address: RedisAddress, tls: TlsConfig) -> None:
        super().__init__(address.location)
        self._address = address
        self._tls = tls
        self._links: dict[Host, Link] = {}
        self._slots = SlotTable()
        self._stale = True
        self._failing: set[Host] = set()
        self._silent = SilentServers(lambda host: self._link(host).send(("PING",)), self._still_owns)
        self._refreshing = asyncio.Lock()
        self._renewing: redis.RedisCluster | None = None
        self._renewing_lock = threading.Lock()

    def together(self, keys: Sequence[str]) -> list[list[str]]:
        """Return keys in groups of one slot each."""
        groups: dict[int, list[str]] = {}
        for key in keys:
            groups.setdefault(slot_of(key), []).append(key)
        return list(groups.values()) or [[]]

    async def everywhere(self, *words: Argument) -> list[object]:
        """Send one command to each server that holds slots."""
        try:
            await self._refresh()
        except DRIVER_ERRORS as error:
            raise self._translated(error) from error
        replies: list[object] = []
        for host in self._slots.owners():
            replies += await self._send_group(host, [words])
        return [self.check(reply) for reply in replies]

    async def _send(self, words: Words) -> object:
        return await self._route(words, Link.send)

    async def _wait(self, words: Words) -> object:
        return await self._route(words, Link.wait)

    async def _send_many(self, batch: Sequence[Words]) -> list[object]:
        await self._refresh()
        replies: list[object] = [None] * len(batch)
        groups: dict[Host, list[int]] = {}
        for position, words in enumerate(batch):
            try:
                groups.setdefault(self._owner(slot_of_command(words)), []).append(position)
            except BrokerUnavailableError as error:
                replies[position] = error
        answers = await asyncio.gather(
            *(self._send_group(host, [batch[at] for at in positions]) for host, positions in groups.items())
        )
        for positions, answer in zip(groups.values(), answers, strict=True):
            for position, reply in zip(positions, answer, strict=True):
                replies[position] = reply
        return replies

    async def _send_group(self, host: Host, batch: Sequence[Words]) -> list[object]:
        """Send to one server; its failure takes the place of each reply, since other servers' replies stand."""
        try:
            self._silent.check(host)
            replies = await self._link(host).send_many(batch)
        except DRIVER_ERRORS as error:
            self._doubt(host, error)
            return [error] * len(batch)
        return [
            await self._again(words) if isinstance(reply, (AskError, TryAgainError)) else reply
            for words, reply in zip(batch, replies, strict=True)
        ]

    async def _again(self, words: Words) -> object:
        try:
            return await self._send(words)
        except (*DRIVER_ERRORS, StemError) as error:
            return error

    async def _route(self, words: Words, send: Callable[[Link, Words], Awaitable[object]]) -> object:
        """Send to the owner of the command's slot, and follow where it points to: a redirected command did nothing."""
        await self._refresh()
        slot = slot_of_command(words)
        host = self._owner(slot)
        way = send
        for _ in range(_REDIRECTIONS):
            try:
                self._silent.check(host)
                return await way(self._link(host), words)
            except MovedError as error:
                host, way = Host(error.host or host.host, error.port), send
                self._slots.move(error.slot_id, host)
                self._stale = True
            except AskError as error:
                host, way = Host(error.host or host.host, error.port), Link.ask
            except TryAgainError:
                await SYSTEM_CLOCK.sleep(_TRY_AGAIN)
            except DRIVER_ERRORS as error:
                self._doubt(host, error)
                raise
        raise BrokerUnavailableError(f"{self.location} is moving slot {slot} from one server to another")

    def _owner(self, slot: int | None) -> Host:
        """Return who holds a slot; for None, which any server may answer, one that is not known to fail."""
        if slot is None:
            fit = (host for host in self._slots.owners() if host not in self._failing and host not in self._silent)
            return next(fit, None) or self._slots.owner(None)
        try:
            return self._slots.owner(slot)
        except BrokerUnavailableError:
            self._stale = True
            raise

    def _still_owns(self, host: Host) -> bool:
        """Return whether a server that is silent is one that calls go to; another one may have taken its place."""
        self._stale = True
        return host in self._slots.owners()

    def _doubt(self, host: Host, error: Exception) -> None:
        if host in self._silent:
            return  # all that can be done is done
        self._silent.note(host, error)
        if breaks_connection(error):
            self._failing.add(host)
        if breaks_connection(error) or isinstance(error, ClusterDownError):
            self._stale = True

    def _link(self, host: Host) -> Link:
        if host not in self._links:
            self._links[host] = Link(server_clients(self._address, host, self._tls))
        return self._links[host]

    async def _refresh(self) -> None:
        """Read the table of slots if it may be wrong; what failed lately is asked last."""
        if not self._stale:
            return
        async with self._refreshing:
            if self._stale:
                hosts = dict.fromkeys([*self._slots.owners(), *self._address.hosts])
                await self._read_slots(sorted(hosts, key=lambda host: host in self._failing))

    async def _read_slots(self, hosts: Sequence[Host]) -> None:
        failure: Exception | None = None
        for host in hosts:
            try:
                reply = await self._link(host).send(("CLUSTER", "SLOTS"))
            except ResponseError as error:
                if "cluster support disabled" not in str(error):
                    raise
                raise ConfigurationError(f"{self.location} is no cluster", "use redis://host:port") from error
            except DRIVER_ERRORS as error:
                self._failing.add(host)
                failure = error
            else:
                self._slots.read(reply, host)
                self._stale = False
                self._failing.discard(host)
                for other in self._links.keys() - set(self._slots.owners()):
                    await self._links[other].drop()
                return
        if failure is not None:
            raise failure

    def run_in_thread(self, calls: Sequence[Call]) -> list[object]:
        """Call scripts from another thread, blocking; what one server fails to do does not hold up the others."""
        replies: list[object] = []
        failures: dict[str, Exception] = {}
        with self._renewing_lock:
            try:
                client = self._renewing = self._renewing or self._connect_blocking()
            except DRIVER_ERRORS as error:
                raise self._translated(error) from error
            for call in calls:
                server = ""
                try:
                    server = client.get_node_from_key(call.keys[0]).name  # type: ignore[no-untyped-call]
                    if server not in failures:
                        self._silent.check(_host_of(server))
                        replies.append(run_blocking(client, call))
                except DRIVER_ERRORS as error:
                    failures[server] = error
            if failures:
                client.close()
                self._renewing = None
        for failure in failures.values():
            raise self._translated(failure) from failure
        return replies

    def _connect_blocking(self) -> redis.RedisCluster:
        from redis.cluster import ClusterNode, RedisCluster  # noqa: PLC0415 - only workers need the blocking driver

        options = blocking_options(self._address, self._tls)
        del options["db"]  # a cluster has none, and its client takes none
        return RedisCluster(
            startup_nodes=[
                ClusterNode(host.host, host.port)  # type: ignore[no-untyped-call]
                for host in self._slots.owners()
                if host not in self._silent
            ],
            require_full_coverage=False,
            ssl=self._address.tls,
            **options,
        )

    async def close(self) -> None:
        """Close all connections. Twice is once."""
        if self.closed:
            return
        self.closed = True
        await self._silent.close()
        with self._renewing_lock:
            if self._renewing is not None:
                self._renewing.close()
        for link in self._links.values():
            await link.close()


def _host_of(name: str) -> Host:
    """Return a server by the name that the driver gives it."""
    host, _, port = name.rpartition(":")
    return Host(host, int(port))
