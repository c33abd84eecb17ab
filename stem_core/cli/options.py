"""The flags that commands share, and what they give a command to work with."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

from stem_core.client.cluster import ClusterClient
from stem_core.config import StemConfig
from stem_core.errors import NotSupportedError

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

FLAGS: Final = {
    "broker_url": "--broker",
    "result_backend_url": "--backend",
    "namespace": "--namespace",
    "worker_queues": "--queue",
    "worker_broadcasts": "--broadcast",
    "prefetch_multiplier": "--prefetch-multiplier",
    "control_timeout": "--timeout",
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the shared flags said.

    Args:
        as_json: Whether to print JSON.
        broker: Broker URL, or None.
        backend: Result backend URL, or None.
        namespace: Namespace, or None.
    """

    as_json: bool
    broker: str | None
    backend: str | None
    namespace: str | None

    def config(self, **overrides: Any) -> StemConfig:
        """Return the settings: these flags and further ones, over the environment."""
        return StemConfig.from_environment(
            flags=FLAGS,
            broker_url=self.broker,
            result_backend_url=self.backend,
            namespace=self.namespace,
            **overrides,
        )

    def run(self, action: Callable[[ClusterClient], Awaitable[T]], **overrides: Any) -> T:
        """Connect to the cluster, do something with it, and disconnect."""
        config = self.config(**overrides)
        refuse_memory(config.broker_url)

        async def body() -> T:
            async with await ClusterClient.connect(config) as cluster:
                return await action(cluster)

        return asyncio.run(body())


def refuse_memory(url: str) -> None:
    """Refuse a store that this process alone could see."""
    if url.startswith("memory:"):
        raise NotSupportedError(
            "a memory:// broker lives inside one process, so the command line cannot reach one",
            "use sqlite:///path, redis://host:port or postgresql://host/database",
        )


json_option: Final = click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else.")


def cluster_options(command: F) -> F:
    """Add `--json`, `--broker`, `--backend` and `--namespace`; the command gets an `Invocation` first."""

    @click.option("--namespace", metavar="NS", help="Which cluster of those that share the broker.")
    @click.option("--backend", metavar="URL", help="Where results are; by default in the broker.")
    @click.option(
        "--broker",
        metavar="URL",
        help="Where jobs are; by default what STEM_BROKER_URL says, or this user's SQLite file.",
    )
    @json_option
    @functools.wraps(command)
    def wrapped(
        *args: Any, as_json: bool, broker: str | None, backend: str | None, namespace: str | None, **kwargs: Any
    ) -> Any:
        return command(Invocation(as_json, broker, backend, namespace), *args, **kwargs)

    return wrapped  # type: ignore[return-value]  # click reads the parameters from the function's attributes


def reveal_option(command: F) -> F:
    """Add `--reveal`, which shows the secret arguments of a task."""
    return click.option("--reveal", is_flag=True, help="Show secrets among the arguments too.")(command)
