"""What people are not shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from stem_core.envelope import Envelope
from stem_core.redaction import hide, is_secret, redacted, redacted_args, secret_values, without_url_passwords
from stem_core.results import TaskError, TaskStatus
from stem_core.states import TaskState
from stem_core.worker.outcome import without_secrets

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "name",
    [
        "password", "Password", "db_password", "userPassword", "passwd", "pwd", "passphrase", "secret", "client_secret",
        "clientSecret", "token", "access_token", "accessToken", "X-Auth-Token", "Authorization", "authorisation",
        "api_key", "apiKey", "APIKey", "apikey", "API_KEY", "private_key", "credentials",
        "cookie", "Set-Cookie", "session_id", "cvv", "pin", "card_number", "jwt", "otp", "user_pw", "creds",
        "ssn", "clientsecret", "APPSECRET", "apitoken", "csrftoken", "idTokens", "userpwd", "dbpass", "SMTPPASS",
        "passcode", "masterkey", "privkey", "service_key", "xsrf", "\uff50assword",
    ],
)  # fmt: skip
def test_a_name_that_says_secret_is_one(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    [
        "to", "author", "key", "keyboard", "tokenizer", "tokenized", "secretary", "compass", "bypass", "mail_passed",
        "spinner", "opinion", "id", "", "ß",
    ],
)  # fmt: skip
def test_a_name_that_only_looks_like_it_is_none(name: str) -> None:
    assert not is_secret(name)


def test_secrets_are_hidden_at_any_depth() -> None:
    args = {
        "to": "a@b.c",
        "card": "4111",
        "auth": {"user": "ann"},
        "accounts": [{"name": "x", "api_key": "k"}, {"card": 7}],
        "token": None,
        "db": "postgresql://ann:canary@host/db?x=1 and redis://canary@host",
    }
    assert redacted_args(args, ("card",)) == {
        "to": "a@b.c",
        "card": "***",
        "auth": "***",
        "accounts": [{"name": "x", "api_key": "***"}, {"card": "***"}],
        "token": None,
        "db": "postgresql://ann:***@host/db?x=1 and redis://***@host",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://:can/ary@h:1/0", "redis://:***@h:1/0"),
        ("no redis://u:can#ary@h, no https://u:can?ary@h/x", "no redis://u:***@h, no https://u:***@h/x"),
        ("redis://u:c@n/ary@h/0", "redis://u:***@h/0"),
        ("redis://u:canary@h,redis://u:canary@i", "redis://u:***@h,redis://u:***@i"),
        ('["redis://u:canary@h", "a@b"]', '["redis://u:***@h", "a@b"]'),
        ("https://h:80/?mail=a@b and http://[::1]:80/a@b", "https://h:80/?mail=a@b and http://[::1]:80/a@b"),
        ("postgresql://h/db?user=ann&password=canary", "postgresql://h/db?user=ann&password=***"),
        ("GET https://h/x?access_token=canary&page=2 'failed'", "GET https://h/x?access_token=***&page=2 'failed'"),
        ("redis://:" + "can'ary" * 100 + "@h", "redis://:***@h"),
        ("('https://h/x?sig=1&password=can'ary').", "('https://h/x?sig=1&password=***')."),
        ("what? password=none was given", "what? password=none was given"),
    ],
)
def test_addresses_lack_their_passwords_wherever_they_stand(text: str, shown: str) -> None:
    assert without_url_passwords(text) == shown


def test_what_is_nested_too_deep_is_hidden_and_harmless() -> None:
    deep: object = "canary"
    for _ in range(900):
        deep = [deep]
    assert "canary" not in json.dumps(redacted(deep))
    assert secret_values({"password": deep}) == []


def test_an_error_that_repeats_a_secret_is_told_without_it() -> None:
    args = {"password": "can'ary\n1", "pin": 12345, "to": "ann"}
    text = f"no access for ann with {args['password']} or {args['password']!r} or 12345 at redis://:pw@host"
    shown = hide(text, secret_values(args))
    assert shown == 'no access for ann with *** or "***" or *** at redis://:***@host'


def test_a_result_that_repeats_a_secret_is_shown_without_it() -> None:
    status = TaskStatus(
        id="1", name="pay", queue="q", state=TaskState.SUCCEEDED, secrets=("card",),
        args={"card": 41111111, "password": "canary", "to": "ann"},
        result={"said": ["ann paid with canary", {"number": 41111111}], "numbers": [4111, 7.5, True]},
    )  # fmt: skip
    shown = status.redacted()
    assert shown.result == {
        "said": ["ann paid with ***", {"number": "***"}], "numbers": [4111, 7.5, True],
    }  # fmt: skip
    assert shown.args == {"card": "***", "password": "***", "to": "ann"}


def test_an_error_that_repeats_a_secret_header_is_told_without_it() -> None:
    envelope = Envelope(
        id="1", name="t", args={"pw": "canary-1"}, headers={"X-Auth-Token": "canary-2", "tenant": "ann"}
    )
    shown = without_secrets(TaskError(type="E", message="canary-1 canary-2 ann", traceback="canary-2"), envelope)
    assert (shown.message, shown.traceback) == ("*** *** ann", "***")


@given(st.dictionaries(st.text(max_size=8), JSON, max_size=4), JSON)
def test_no_secret_value_is_left_anywhere(args: dict[str, object], secret: object) -> None:
    shown = redacted_args({**args, "nested": [{"password": {"canary-key": secret, "x": "canary"}}]})
    assert "canary" not in json.dumps(shown["nested"])


@given(JSON)
def test_what_is_no_secret_stays_as_it_is(value: object) -> None:
    assert redacted(redacted(value)) == redacted(value)
