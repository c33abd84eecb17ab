"""Figures and traces for other systems: OpenTelemetry and Prometheus. Needs the extra `metrics`.

Nothing else in Stem imports either of the two.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from stem_core.errors import ConfigurationError

if TYPE_CHECKING:
    from stem_core.metrics.endpoint import MetricsEndpoint
    from stem_core.metrics.figures import WorkerFigures
    from stem_core.metrics.tracing import OpenTelemetryMiddleware

_PLACES: Final = {
    "MetricsEndpoint": "stem_core.metrics.endpoint",
    "OpenTelemetryMiddleware": "stem_core.metrics.tracing",
    "WorkerFigures": "stem_core.metrics.figures",
}

__all__ = ["MetricsEndpoint", "OpenTelemetryMiddleware", "WorkerFigures"]

if not TYPE_CHECKING:  # a type checker would take it for a promise that every name is there

    def __getattr__(name: str) -> object:
        if name not in _PLACES:
            raise AttributeError(f"module 'stem_core.metrics' has no attribute {name!r}")
        try:
            return getattr(import_module(_PLACES[name]), name)
        except ModuleNotFoundError as error:
            missing = (error.name or "").partition(".")[0]
            if missing not in {"opentelemetry", "prometheus_client"}:
                raise
            raise ConfigurationError(
                f"{name} needs the package {missing.replace('_', '-')}", "pip install 'stem-tui[metrics]'"
            ) from error

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
