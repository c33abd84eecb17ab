"""Settings: flags beat environment beats file beats default, and bad values name what set them."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from stem_core.config import SETTINGS, StemConfig
from stem_core.errors import ConfigurationError, NotSupportedError
from stem_core.tls import TlsConfig


def test_with_nothing_set_all_is_default() -> None:
    config = StemConfig.from_environment({})
    assert config == StemConfig()
    assert set(config.sources) == set(SETTINGS)
    assert set(config.sources.values()) == {"default"}


def test_every_variable_is_read() -> None:
    config = StemConfig.from_environment(
        {
            "STEM_BROKER_URL": "redis://broker",
            "STEM_RESULT_BACKEND_URL": "redis://results/1",
            "STEM_DEFAULT_QUEUE": "main",
            "STEM_PREFETCH_MULTIPLIER": "4",
            "STEM_WORKER_QUEUES": "a, b,a",
            "STEM_WORKER_BROADCASTS": "updates",
            "STEM_WORKER_NAMESPACE": "blue",
            "STEM_ROUTING_CONFIG": "routing.yaml",
            "STEM_CONTROL_TIMEOUT": "250ms",
            "STEM_HEARTBEAT_INTERVAL": "1m",
            "STEM_SIGNALS_ENABLED": "no",
            "STEM_SIGNALS_DISABLED": "worker-heartbeat,task_received",
        }
    )
    assert config == StemConfig(
        broker_url="redis://broker",
        result_backend_url="redis://results/1",
        default_queue="main",
        prefetch_multiplier=4,
        worker_queues=("a", "b"),
        worker_broadcasts=("updates",),
        namespace="blue",
        routing_config="routing.yaml",
        control_timeout=0.25,
        heartbeat_interval=60.0,
        signals_enabled=False,
        signals_disabled=("worker_heartbeat", "task_received"),
    )
    assert config.sources["namespace"] == "STEM_WORKER_NAMESPACE"


def test_arguments_beat_variables_beat_the_file() -> None:
    config = StemConfig.from_environment(
        {"STEM_WORKER_NAMESPACE": "variable", "STEM_DEFAULT_QUEUE": "variable"},
        file={"namespace": "file", "default_queue": "file", "prefetch_multiplier": 7},
        file_name="profile.yaml",
        flags={"namespace": "--namespace"},
        namespace="flag",
        control_timeout=timedelta(seconds=3),
    )
    assert (config.namespace, config.default_queue, config.prefetch_multiplier) == ("flag", "variable", 7)
    assert config.control_timeout == 3.0
    assert config.sources["namespace"] == "--namespace"
    assert config.sources["default_queue"] == "STEM_DEFAULT_QUEUE"
    assert config.sources["prefetch_multiplier"] == "profile.yaml"
    assert config.sources["control_timeout"] == "argument"


def test_an_empty_variable_counts_as_unset() -> None:
    assert StemConfig.from_environment({"STEM_BROKER_URL": " "}).broker_url == "sqlite://"


@pytest.mark.parametrize(
    ("variable", "value", "right"),
    [
        ("STEM_BROKER_URL", "localhost", "redis://"),
        ("STEM_PREFETCH_MULTIPLIER", "many", "whole number"),
        ("STEM_PREFETCH_MULTIPLIER", "0", "1 or more"),
        ("STEM_WORKER_QUEUES", "a b", "letters"),
        ("STEM_WORKER_NAMESPACE", "a{b}", "letters"),
        ("STEM_CONTROL_TIMEOUT", "soon", "5s"),
        ("STEM_HEARTBEAT_INTERVAL", "0s", "longer than nothing"),
        ("STEM_SIGNALS_ENABLED", "maybe", "true or false"),
        ("STEM_SIGNALS_DISABLED", "task_exploded", "task_failed"),
        ("STEM_TLS_CA_CERT", "/no/such/file.pem", "PEM"),
        ("STEM_TLS_CLIENT_CERT", "/", "not a file"),
        ("STEM_TLS_CLIENT_KEY", "/no/such/key.pem", "not a file"),
        ("STEM_TLS_ALLOW_INSECURE", "perhaps", "true or false"),
    ],
)
def test_a_value_that_does_not_parse_names_its_variable_and_what_it_takes(
    variable: str, value: str, right: str
) -> None:
    with pytest.raises(ConfigurationError, match=variable) as caught:
        StemConfig.from_environment({variable: value})
    assert right in str(caught.value)


def test_a_wrong_file_value_names_key_and_file() -> None:
    with pytest.raises(ConfigurationError, match=r"prefetch_multiplier in profile\.yaml is 'x'"):
        StemConfig.from_environment({}, file={"prefetch_multiplier": "x"}, file_name="profile.yaml")
    with pytest.raises(ConfigurationError, match="namespace"):
        StemConfig.from_environment({}, file={"namespase": "x"}, file_name="profile.yaml")


@pytest.mark.parametrize("variable", ["STEM_REVOKE_STORE_URL"])
def test_a_variable_that_means_nothing_here_is_refused_not_ignored(variable: str) -> None:
    with pytest.raises(NotSupportedError, match=variable):
        StemConfig.from_environment({variable: "x"})


def test_with_nothing_set_all_use_the_users_own_file() -> None:
    config = StemConfig.from_environment({})
    assert config.broker_url == "sqlite://"
    assert config.sources["broker_url"] == "default"


def test_a_printed_config_shows_no_password() -> None:
    config = StemConfig.from_environment({"STEM_BROKER_URL": "redis://:canary@host"})
    assert "canary" not in repr(config)


def test_tls_is_verified_unless_told_otherwise(tmp_path: Path) -> None:
    assert StemConfig.from_environment({}).tls == TlsConfig()
    files = {name: tmp_path / f"{name}.pem" for name in ("CA_CERT", "CLIENT_CERT", "CLIENT_KEY")}
    for file in files.values():
        file.touch()
    environ = {f"STEM_TLS_{name}": str(file) for name, file in files.items()}
    config = StemConfig.from_environment({**environ, "STEM_TLS_ALLOW_INSECURE": "true"})
    ca_cert, client_cert, client_key = map(str, files.values())
    assert config.tls == TlsConfig(ca_cert=ca_cert, client_cert=client_cert, client_key=client_key, allow_insecure=True)


RUBBISH = [
    "", "x" * 100_000, "9" * 5000, "\x1b[2J", "\u202e", "\udc80", "-1", "nan", "1e999", "٣", "a,b,,c", ",", ":", "k1:",
    "redis://user:canary@host:99999/0", "postgresql://user:canary@host:port/db", "-----BEGIN PRIVATE KEY-----\ncanary",
]  # fmt: skip


@pytest.mark.parametrize("name", list(SETTINGS))
def test_whatever_a_variable_holds_is_taken_or_refused_without_showing_secrets_or_ruining_the_screen(name: str) -> None:
    variable = SETTINGS[name].variable
    for text in RUBBISH:
        try:
            config = StemConfig.from_environment({variable: text})
        except ConfigurationError as error:
            said = str(error)
            assert variable in said
            assert said.isprintable()
            assert len(said) < 1500
            assert "canary" not in said
        else:
            assert "canary" not in repr(config)


@pytest.mark.parametrize("name", list(SETTINGS))
def test_whatever_an_argument_or_a_file_holds_is_taken_or_refused(name: str) -> None:
    for value in (5, [], ["a", 5], {}, b"x", 1.5, True, object(), float("nan"), float("inf"), 10**400, [None], "\x1b"):
        for given in ({name: value}, {"file": {name: value}}):
            with contextlib.suppress(ConfigurationError):
                StemConfig.from_environment({}, **given)  # type: ignore[arg-type]  # which is what is tried
