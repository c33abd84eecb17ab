"""What producers, workers, the command line and the console are set to, and where each setting came from.

Arguments (flags) beat environment variables, which beat a file, which beats the defaults.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final, TypedDict, Unpack

from stem_core.durations import MAX_SECONDS, Duration, parse_duration, seconds
from stem_core.envelope import check_name
from stem_core.errors import ConfigurationError, NotSupportedError
from stem_core.misspelled import tell_of_blank_keys, tell_of_slips
from stem_core.redaction import without_url_passwords
from stem_core.signing.keys import ALGORITHMS, KEY_LISTS, SigningKey, read_id, read_keys
from stem_core.text import visible
from stem_core.tls import TlsConfig, check_file
from stem_core.urls import check_url

DEFAULT: Final = "default"
DEFAULT_BROKER_URL: Final = "sqlite://"
"""The file that all processes of this user share, so that worker, producer and console find each other."""
ARGUMENT: Final = "argument"

_REVOKE_STORE: Final = "STEM_REVOKE_STORE_URL"
_YES: Final = frozenset({"1", "true", "yes", "on"})
_DIGITS: Final = 9
_LONGEST_MESSAGE: Final = 600
_NO: Final = frozenset({"0", "false", "no", "off"})


class ConfigOverrides(TypedDict, total=False):
    """Settings that an argument or flag may give; None means not given."""

    broker_url: str | None
    result_backend_url: str | None
    default_queue: str | None
    prefetch_multiplier: int | None
    worker_queues: Iterable[str] | None
    worker_broadcasts: Iterable[str] | None
    namespace: str | None
    routing_config: str | None
    control_timeout: Duration | None
    heartbeat_interval: Duration | None
    signals_enabled: bool | None
    signals_disabled: Iterable[str] | None
    tls_ca_cert: str | None
    tls_client_cert: str | None
    tls_client_key: str | None
    tls_allow_insecure: bool | None
    signing_algorithm: str | None
    signing_keys: Iterable[str] | None
    signing_active_key: str | None
    signing_public_keys: Iterable[str] | None
    signing_private_keys: Iterable[str] | None
    signing_control_keys: Iterable[str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StemConfig:
    """All settings of one process.

    Args:
        broker_url: Where jobs are; if nothing is set, this user's own SQLite file. Not shown by `repr`, since it may
            hold a password.
        result_backend_url: Where results are; None for the broker's own store.
        default_queue: Queue of a worker that names none, and of what is enqueued without one.
        prefetch_multiplier: Jobs that a worker holds for each of its slots.
        worker_queues: Queues of a worker; empty for the default queue.
        worker_broadcasts: Broadcast channels of a worker.
        namespace: Which cluster of those that share the broker.
        routing_config: Path of a routing file.
        control_timeout: Seconds to wait for workers' answers.
        heartbeat_interval: Seconds between a worker's heartbeats.
        signals_enabled: Whether listeners in the process are called.
        signals_disabled: Names of signals that are not.
        tls_ca_cert: Path of further authorities to trust, for stores whose URL asks for TLS.
        tls_client_cert: Path of the certificate to show to such a store.
        tls_client_key: Path of its private key.
        tls_allow_insecure: Verify neither certificate nor host of such a store.
        signing_algorithm: What messages are signed with; None for what the active key is for.
        signing_keys: Shared secrets for HMAC-SHA256; like the next two never shown by `repr`.
        signing_active_key: Id of the key that signs; None if only one can.
        signing_public_keys: Ed25519 keys that verify.
        signing_private_keys: Ed25519 keys that sign.
        signing_control_keys: Ids of the keys that commands must be signed with; empty if any will do.
        sources: By setting, where it came from: a variable's, flag's or file's name, `argument` or `default`.
    """

    broker_url: str = field(default=DEFAULT_BROKER_URL, repr=False)
    result_backend_url: str | None = field(default=None, repr=False)
    default_queue: str = "default"
    prefetch_multiplier: int = 2
    worker_queues: tuple[str, ...] = ()
    worker_broadcasts: tuple[str, ...] = ()
    namespace: str = "stem"
    routing_config: str | None = None
    control_timeout: float = 5.0
    heartbeat_interval: float = 2.0
    signals_enabled: bool = True
    signals_disabled: tuple[str, ...] = ()
    tls_ca_cert: str | None = None
    tls_client_cert: str | None = None
    tls_client_key: str | None = None
    tls_allow_insecure: bool = False
    signing_algorithm: str | None = None
    signing_keys: tuple[SigningKey, ...] = field(default=(), repr=False)
    signing_active_key: str | None = None
    signing_public_keys: tuple[SigningKey, ...] = field(default=(), repr=False)
    signing_private_keys: tuple[SigningKey, ...] = field(default=(), repr=False)
    signing_control_keys: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_environment(
        cls,
        environ: Mapping[str, str] | None = None,
        *,
        file: Mapping[str, object] | None = None,
        file_name: str = "file",
        flags: Mapping[str, str] | None = None,
        **overrides: Unpack[ConfigOverrides],
    ) -> StemConfig:
        """Read the settings.

        Args:
            environ: Environment variables; the process's own if None. An empty variable counts as unset.
            file: Settings that a file gave, by field name.
            file_name: Its name, for messages and for `sources`.
            flags: By field name, how the command line calls the override; for messages and for `sources`.
            overrides: Settings that arguments gave; None means not given.

        Raises:
            ConfigurationError: A value does not parse; names the variable, argument or file key and what it takes.
            NotSupportedError: A variable is set whose part is not available yet.
        """
        environ = os.environ if environ is None else environ
        tell_of_slips(environ, [setting.variable for setting in SETTINGS.values()])
        tell_of_blank_keys(environ, KEY_LISTS)
        _refuse_revoke_store(environ)
        _refuse_unknown_keys(file or {}, file_name)
        values: dict[str, Any] = {}
        sources: dict[str, str] = {}
        for name, setting in SETTINGS.items():
            found = _find(name, setting, (overrides, environ, file or {}), (flags or {}, file_name))
            sources[name] = found.source if found else DEFAULT
            if found:
                values[name] = _read(setting, found)
        return cls(**values, sources=MappingProxyType(sources))

    @property
    def tls(self) -> TlsConfig:
        """How connections to stores are secured, if their URLs ask for it."""
        return TlsConfig(
            ca_cert=self.tls_ca_cert,
            client_cert=self.tls_client_cert,
            client_key=self.tls_client_key,
            allow_insecure=self.tls_allow_insecure,
        )


@dataclass(frozen=True, slots=True)
class Setting:
    """How one setting is given.

    Args:
        variable: Environment variable.
        read: Checks and converts a value; takes what to call it in an error, and the value.
    """

    variable: str
    read: Callable[[str, object], object]


@dataclass(frozen=True, slots=True)
class _Found:
    label: str
    source: str
    value: object


def _find(
    name: str,
    setting: Setting,
    layers: tuple[Mapping[str, object], Mapping[str, str], Mapping[str, object]],
    labels: tuple[Mapping[str, str], str],
) -> _Found | None:
    overrides, environ, file = layers
    flags, file_name = labels
    if overrides.get(name) is not None:
        return _Found(flags.get(name, name), flags.get(name, ARGUMENT), overrides[name])
    text = environ.get(setting.variable, "").strip()
    if text:
        return _Found(setting.variable, setting.variable, text)
    if file.get(name) is not None:
        return _Found(f"{name} in {file_name}", file_name, file[name])
    return None


def _read(setting: Setting, found: _Found) -> object:
    if isinstance(found.value, str) and "-----BEGIN " in found.value:
        raise ConfigurationError(f"{found.label} holds a key or a certificate itself", "put it into a file of its own")
    try:
        return setting.read(found.label, found.value)
    except ConfigurationError as error:
        # What stands in the wrong variable may be an address with its password, or a whole file.
        shown = without_url_passwords(visible(error.message, _LONGEST_MESSAGE))
        if shown == error.message:
            raise
        raise type(error)(shown, error.hint) from None


def _refuse_revoke_store(environ: Mapping[str, str]) -> None:
    if environ.get(_REVOKE_STORE, "").strip():
        raise NotSupportedError(
            f"{_REVOKE_STORE} is set, but revocations are kept in the broker, where every fetch heeds them", "unset it"
        )


def _refuse_unknown_keys(file: Mapping[str, object], file_name: str) -> None:
    for key in file:
        if key not in SETTINGS:
            near = get_close_matches(key, SETTINGS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the keys are {', '.join(SETTINGS)}"
            raise ConfigurationError(f"{file_name} has the unknown key {key!r}", hint)


def _url(name: str, value: object) -> str:
    return check_url(name, _text(name, value))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigurationError(f"{name} is {value!r}", "it takes text")
    return value


def _path(name: str, value: object) -> str:
    if "://" in _text(name, value):
        raise ConfigurationError(f"{name} is an address", "it takes the path of a file")
    return _text(name, value)


def _file(name: str, value: object) -> str:
    return check_file(name, _text(name, value))


def _name(name: str, value: object) -> str:
    return check_name(name, _text(name, value))


def _list(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        raise ConfigurationError(f"{name} is {value!r}", "it takes names, separated by commas")
    return tuple(_text(name, item).strip() for item in value)


def _names(name: str, value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(check_name(name, item) for item in _list(name, value)))


def _positive_int(name: str, value: object) -> int:
    digits = value if isinstance(value, str) and value.isascii() and value.isdecimal() else ""
    number = int(digits) if 0 < len(digits) <= _DIGITS else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise ConfigurationError(f"{name} is {value!r}", "it takes a whole number, 1 or more")
    return number


def _duration(name: str, value: object) -> float:
    if isinstance(value, str):
        result = parse_duration(value, name)
    elif isinstance(value, (int, float, timedelta)) and not isinstance(value, bool):
        result = seconds(value)
    else:
        raise ConfigurationError(f"{name} is {value!r}", "it takes a duration, such as 5s or 250ms")
    if not 0 < result <= MAX_SECONDS:
        raise ConfigurationError(f"{name} is {value!r}", "it takes a duration longer than nothing")
    return result


def _flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word not in _YES | _NO:
        raise ConfigurationError(f"{name} is {value!r}", "it takes true or false")
    return word in _YES


def _algorithm(name: str, value: object) -> str:
    if value not in ALGORITHMS:
        raise ConfigurationError(f"{name} is none that is known", f"it takes {' or '.join(ALGORITHMS)}")
    return str(value)


def _key_id(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} is not text", "it takes the id of a key")
    return read_id(name, value)


def _key_ids(name: str, value: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys(read_id(name, each) for each in _list(name, value)))


def _keys(name: str, value: object) -> tuple[SigningKey, ...]:
    # Nothing of the value is ever shown: it holds secrets.
    if not isinstance(value, Iterable) or isinstance(value, Mapping):
        raise ConfigurationError(f"{name} is no list of keys", "write id:base64, several separated by commas")
    return read_keys(name, value if isinstance(value, str) else ",".join(map(str, value)))


def _signals(name: str, value: object) -> tuple[str, ...]:
    from stem_core.events import Event, event_name  # noqa: PLC0415 - spares all who set no signals the decoders' cost

    known = {event_name(cls) for cls in Event.__args__}
    chosen = tuple(item.replace("-", "_") for item in _list(name, value))
    for item in chosen:
        if item not in known:
            raise ConfigurationError(f"{name} names {item!r}, which is no signal", f"use {', '.join(sorted(known))}")
    return chosen


SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        "broker_url": Setting("STEM_BROKER_URL", _url),
        "result_backend_url": Setting("STEM_RESULT_BACKEND_URL", _url),
        "default_queue": Setting("STEM_DEFAULT_QUEUE", _name),
        "prefetch_multiplier": Setting("STEM_PREFETCH_MULTIPLIER", _positive_int),
        "worker_queues": Setting("STEM_WORKER_QUEUES", _names),
        "worker_broadcasts": Setting("STEM_WORKER_BROADCASTS", _names),
        "namespace": Setting("STEM_WORKER_NAMESPACE", _name),
        "routing_config": Setting("STEM_ROUTING_CONFIG", _path),
        "control_timeout": Setting("STEM_CONTROL_TIMEOUT", _duration),
        "heartbeat_interval": Setting("STEM_HEARTBEAT_INTERVAL", _duration),
        "signals_enabled": Setting("STEM_SIGNALS_ENABLED", _flag),
        "signals_disabled": Setting("STEM_SIGNALS_DISABLED", _signals),
        "tls_ca_cert": Setting("STEM_TLS_CA_CERT", _file),
        "tls_client_cert": Setting("STEM_TLS_CLIENT_CERT", _file),
        "tls_client_key": Setting("STEM_TLS_CLIENT_KEY", _file),
        "tls_allow_insecure": Setting("STEM_TLS_ALLOW_INSECURE", _flag),
        "signing_algorithm": Setting("STEM_SIGNING_ALGORITHM", _algorithm),
        "signing_keys": Setting("STEM_SIGNING_KEYS", _keys),
        "signing_active_key": Setting("STEM_SIGNING_ACTIVE_KEY", _key_id),
        "signing_public_keys": Setting("STEM_SIGNING_PUBLIC_KEYS", _keys),
        "signing_private_keys": Setting("STEM_SIGNING_PRIVATE_KEYS", _keys),
        "signing_control_keys": Setting("STEM_SIGNING_CONTROL_KEYS", _key_ids),
    }
)
