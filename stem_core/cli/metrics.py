"""`--metrics-port`: a worker's figures for Prometheus, as long as it runs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from stem_core.client.stem import Stem
from stem_core.stores.port import Broker

_log: Final = logging.getLogger("stem.metrics")


@contextmanager
def metrics_served(app: Stem, broker: Broker, worker: str, host: str, port: int | None) -> Iterator[str | None]:
    """Serve a worker's figures inside the block.

    Args:
        app: Whose tasks it runs.
        broker: Its broker.
        worker: Its id.
        host: Address to listen at.
        port: Port to listen at; None to serve nothing.

    Yields:
        The URL, None if nothing is served.

    Raises:
        ConfigurationError: The extra is missing, or the port is taken.
    """
    if port is None:
        yield None
        return
    from stem_core.metrics import MetricsEndpoint, WorkerFigures  # noqa: PLC0415 - the extra need not be there

    if not app.config.signals_enabled or app.config.signals_disabled:
        _log.warning("signals are switched off, all or some: metrics lack what they would tell")
    figures = WorkerFigures(worker, broker.namespace, app.registry.names(), broker)
    try:
        endpoint = MetricsEndpoint(figures.registry, host, port)
        try:
            _log.info("metrics at %s", endpoint.url)
            yield endpoint.url
        finally:
            endpoint.close()
    finally:
        figures.close()
