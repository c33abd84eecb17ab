import pytest

from stem_core.errors import ConfigurationError
from stem_tui.resources import sample_configs_folder
from stem_tui.settings import ConsoleFlags, load_settings

BROKER = {"STEM_BROKER_URL": "redis://env:6379"}


def profile(tmp_path, text: str) -> ConsoleFlags:
    path = tmp_path / "console.yaml"
    path.write_text(text)
    return ConsoleFlags(config=str(path))


def test_flags_beat_the_environment_which_beats_the_file(tmp_path):
    flags = profile(tmp_path, "broker_url: redis://file:6379\nnamespace: file\nprod: true\n")
    assert load_settings(flags, {}).config.broker_url == "redis://file:6379"
    settings = load_settings(flags, BROKER)
    assert (settings.config.broker_url, settings.config.namespace, settings.prod) == ("redis://env:6379", "file", True)
    flag = ConsoleFlags(config=flags.config, broker="redis://flag:6379")
    assert load_settings(flag, BROKER).config.broker_url == "redis://flag:6379"


def test_the_sample_profile_is_good():
    settings = load_settings(ConsoleFlags(config=str(sample_configs_folder() / "console.yaml")), {})
    assert (settings.profile, settings.prod) == ("prod-eu", True)


def test_the_demo_needs_no_broker():
    assert load_settings(ConsoleFlags(demo=True), {}).demo


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("brokr_url: x", "did you mean broker_url"),
        ("prod: maybe", "prod in .* is 'maybe'.*true or false"),
        ("theme: pink", "theme in console.yaml is 'pink'.*dark"),
        ("- a\n- b", "is not a mapping"),
        ("a: [", "is not YAML"),
        ("keys: p", "it maps action ids"),
    ],
)
def test_a_wrong_profile_names_file_and_key(tmp_path, text, says):
    with pytest.raises(ConfigurationError, match=says):
        load_settings(profile(tmp_path, text), BROKER)


def test_a_missing_profile_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        load_settings(ConsoleFlags(config=str(tmp_path / "none.yaml")), BROKER)


def test_a_broker_that_is_no_url_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"broker_url in console\.yaml"):
        load_settings(profile(tmp_path, "broker_url: nonsense"), {})


def test_with_nothing_set_the_console_opens_this_users_own_file():
    assert load_settings(ConsoleFlags(), {}).config.broker_url == "sqlite://"


def test_a_profile_says_how_tls_is_verified_and_the_environment_beats_it(tmp_path):
    for name in ("ca.pem", "ann.pem", "ann.key", "other.pem"):
        (tmp_path / name).write_text("pem")
    flags = profile(
        tmp_path,
        f"tls_ca_cert: {tmp_path}/ca.pem\ntls_client_cert: {tmp_path}/ann.pem\ntls_client_key: {tmp_path}/ann.key\n"
        "tls_allow_insecure: true\n",
    )
    tls = load_settings(flags, BROKER).config.tls
    assert (tls.ca_cert, tls.client_cert) == (f"{tmp_path}/ca.pem", f"{tmp_path}/ann.pem")
    assert (tls.client_key, tls.allow_insecure) == (f"{tmp_path}/ann.key", True)
    environ = {**BROKER, "STEM_TLS_CA_CERT": f"{tmp_path}/other.pem", "STEM_TLS_ALLOW_INSECURE": "false"}
    beaten = load_settings(flags, environ).config.tls
    assert (beaten.ca_cert, beaten.allow_insecure) == (f"{tmp_path}/other.pem", False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tls_ca_cert: /nowhere/ca.pem", r"tls_ca_cert in console\.yaml is '/nowhere/ca\.pem', which is not a file"),
        ("tls_allow_insecure: perhaps", "tls_allow_insecure in .* is 'perhaps'.*true or false"),
        ("tls_ca_crt: x", "did you mean tls_ca_cert"),
    ],
)
def test_wrong_tls_settings_name_file_and_key(tmp_path, text, says):
    with pytest.raises(ConfigurationError, match=says):
        load_settings(profile(tmp_path, text), BROKER)
