"""What happens where the extra is not installed."""

from __future__ import annotations

import sys

import pytest

import stem_core.metrics
from stem_core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("name", "module", "package"),
    [
        ("OpenTelemetryMiddleware", "tracing", "opentelemetry"),
        ("WorkerFigures", "figures", "prometheus_client"),
        ("MetricsEndpoint", "endpoint", "prometheus_client"),
    ],
)
def test_a_missing_package_is_an_error_that_says_what_to_install(
    name: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, f"stem_core.metrics.{module}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ConfigurationError) as caught:
        getattr(stem_core.metrics, name)
    assert caught.value.hint == "pip install 'stem-tui[metrics]'"
    assert package.replace("_", "-") in caught.value.message
