"""What the console is set to: flags beat the environment, which beats the file, which beats the defaults."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import yaml

from stem_core.config import StemConfig
from stem_core.errors import ConfigurationError
from stem_core.text import visible
from stem_tui.resources import theme_names

DEFAULT_THEME: Final = "dark"
MAX_FILE_BYTES: Final = 256 * 1024

_TLS_FILES: Final = ("tls_ca_cert", "tls_client_cert", "tls_client_key")
_TEXTS: Final = ("name", "broker_url", "result_backend_url", "namespace", *_TLS_FILES, "theme", "app")
_CORE: Final = ("broker_url", "result_backend_url", "namespace", *_TLS_FILES, "tls_allow_insecure")
_FLAGS: Final = ("prod", "read_only", "tls_allow_insecure")
PROFILE_KEYS: Final = (*_TEXTS, *_FLAGS, "keys")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleFlags:
    """What the command line gave; None or False means not given.

    Args:
        broker: URL of the broker.
        backend: URL of the result backend.
        namespace: Namespace to watch.
        config: Path of a profile.
        theme: Name of a theme.
        read_only: Whether commands are refused.
        demo: Whether to open on the embedded cluster.
    """

    broker: str | None = None
    backend: str | None = None
    namespace: str | None = None
    config: str | None = None
    theme: str | None = None
    read_only: bool = False
    demo: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsoleSettings:
    """All settings of one console.

    Args:
        config: Broker, result backend, namespace and timeouts, as for any part of Stem.
        theme: Name of the theme.
        read_only: Whether commands are refused.
        armable: Whether a read-only console may be armed for a while; not if the command line made it read only.
        demo: Whether to open on the embedded cluster.
        profile: Name of the profile, or empty.
        prod: Whether the cluster is production: actions ask one level more.
        app: Where the tasks of local workers are, `module:attribute`, or empty.
        issuer: Who is named in commands, `user@host`.
        keys: By action id, the keys that replace its own.
        keys_file: The file that says so, for messages.
    """

    config: StemConfig = field(default_factory=StemConfig)
    theme: str = DEFAULT_THEME
    read_only: bool = False
    armable: bool = False
    demo: bool = False
    profile: str = ""
    prod: bool = False
    app: str = ""
    issuer: str = ""
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys_file: str = ""


def load_settings(flags: ConsoleFlags | None = None, environ: Mapping[str, str] | None = None) -> ConsoleSettings:
    """Read the settings.

    Args:
        flags: What the command line gave.
        environ: Environment variables; the process's own if None.

    Raises:
        ConfigurationError: A flag, variable or key of the file does not say what it must; names it, what was found,
            and what would be right.
    """
    flags = flags or ConsoleFlags()
    environ = os.environ if environ is None else environ
    profile = _read_profile(Path(flags.config)) if flags.config else {}
    file_name = Path(flags.config).name if flags.config else "file"
    core: dict[str, object] = {key: profile[key] for key in _CORE if key in profile}
    config = StemConfig.from_environment(
        environ,
        file=core,
        file_name=file_name,
        broker_url=flags.broker,
        result_backend_url=flags.backend,
        namespace=flags.namespace,
    )
    return ConsoleSettings(
        config=config,
        theme=_theme(flags.theme, profile.get("theme"), file_name),
        read_only=flags.read_only or profile.get("read_only", False),
        armable=not flags.read_only and profile.get("read_only", False),
        demo=flags.demo,
        profile=visible(profile.get("name", ""), 40),
        prod=profile.get("prod", False),
        app=profile.get("app", ""),
        issuer=_issuer(),
        keys=profile.get("keys", {}),
        keys_file=file_name if "keys" in profile else "",
    )


def _issuer() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in a container
        user = f"uid{os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _theme(flag: str | None, from_file: str | None, file_name: str) -> str:
    chosen = flag or from_file or DEFAULT_THEME
    known = theme_names()
    if chosen not in known:
        label = "--theme" if flag else f"theme in {file_name}"
        raise ConfigurationError(f"{label} is {chosen!r}, and there is no such theme", f"use {', '.join(known)}")
    return chosen


def _read_profile(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()[:MAX_FILE_BYTES].decode()
        content = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"the profile {path} cannot be read: {reason}", "give --config a YAML file") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"the profile {path} is not YAML: {_where(error)}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(f"the profile {path} is not a mapping", f"its keys are {', '.join(PROFILE_KEYS)}")
    return {str(key): _check(path, str(key), value) for key, value in content.items() if value is not None}


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "unreadable"
    return f"{problem} in line {mark.line + 1}" if mark is not None else visible(str(problem), 120)


def _check(path: Path, key: str, value: object) -> object:
    if key not in PROFILE_KEYS:
        near = get_close_matches(key, PROFILE_KEYS, n=1)
        did_you_mean = f"did you mean {near[0]}? " if near else ""
        raise ConfigurationError(
            f"{path} has the unknown key {visible(key, 60)!r}", f"{did_you_mean}the keys are {', '.join(PROFILE_KEYS)}"
        )
    if key in _FLAGS:
        return _expect(path, key, value, bool, "true or false")
    if key == "keys":
        return _keys(path, value)
    return _expect(path, key, value, str, "text")


def _expect(path: Path, key: str, value: object, kind: type, takes: str) -> object:
    if not isinstance(value, kind):
        raise ConfigurationError(f"{key} in {path} is {value!r}", f"it takes {takes}")
    return value


def _keys(path: Path, value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise ConfigurationError(f"keys in {path} is {value!r}", "it maps action ids to keys, such as queue.pause: P")
    chosen: dict[str, tuple[str, ...]] = {}
    for action, keys in value.items():
        items = keys if isinstance(keys, list) else [keys]
        if not all(isinstance(item, str) and item for item in items):
            raise ConfigurationError(f"keys: {action} in {path} is {keys!r}", "it takes a key or a list of keys")
        chosen[str(action)] = tuple(items)
    return chosen
