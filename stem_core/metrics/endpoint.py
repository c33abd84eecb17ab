"""Serving figures to Prometheus, from a thread of its own: a blocked event loop can still be seen."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, start_http_server

from stem_core.errors import ConfigurationError


class MetricsEndpoint:
    """An HTTP server, from its making until it is closed.

    Args:
        registry: What to serve.
        host: At which address.
        port: At which port; 0 for any that is free.

    Attributes:
        url: Where the figures are.

    Raises:
        ConfigurationError: It cannot listen there.
    """

    def __init__(self, registry: CollectorRegistry, host: str, port: int) -> None:
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise ConfigurationError(
                f"metrics cannot be served at {host}:{port}: {error.strerror or error}",
                "give another --metrics-port or --metrics-host; port 0 takes any that is free",
            ) from error
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Stop serving. Twice is once."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5.0)
