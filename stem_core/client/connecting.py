"""From settings to a broker and a result backend."""

from __future__ import annotations

from stem_core import stores
from stem_core.config import SETTINGS, StemConfig
from stem_core.errors import ConfigurationError, UsageError
from stem_core.stores.port import Broker, ResultBackend


async def connect(config: StemConfig) -> tuple[Broker, ResultBackend]:
    """Connect to what the settings name; without a result backend, results live in the broker's store.

    Raises:
        ConfigurationError: No broker is set, or a URL cannot be used; names the setting.
        BrokerUnavailableError: A store cannot be reached.
    """
    url = config.broker_url
    try:
        broker = await stores.connect_broker(url, namespace=config.namespace, tls=config.tls)
    except ConfigurationError as error:
        raise _with_source(error, config, "broker_url") from error
    if config.result_backend_url is None:
        return broker, broker.results()
    try:
        return broker, await stores.connect_backend(
            config.result_backend_url, namespace=config.namespace, tls=config.tls
        )
    except ConfigurationError as error:
        await broker.close()
        raise _with_source(error, config, "result_backend_url") from error
    except BaseException:
        await broker.close()
        raise


def _with_source(error: ConfigurationError, config: StemConfig, setting: str) -> ConfigurationError:
    source = config.sources.get(setting, "argument")
    name = source if source == SETTINGS[setting].variable or source.startswith("--") else setting
    return type(error)(f"{name}: {error.message}", error.hint)


def check_connected(broker: object) -> None:
    """Refuse an address where a broker is to be.

    Raises:
        UsageError: It is one.
    """
    if isinstance(broker, str):  # not shown: it may have a password
        raise UsageError("broker is an address", "connect first, with connect_broker(url), or use Stem.from_url(url)")
