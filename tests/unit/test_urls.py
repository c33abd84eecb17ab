"""Addresses are shown without their secrets, whatever their form."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from stem_core.errors import ConfigurationError
from stem_core.urls import check_url, redact_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://ann:pw@host:1/0", "redis://ann:***@host:1/0"),
        ("redis://token@host", "redis://***@host"),
        ("redis://:p/a@x#@host", "redis://:***@host"),
        ("redis://:forgotten-host", "redis://:***"),
        ("redis://host?password=pw&db=1", "redis://host?password=***&db=1"),
        ("redis://host?user=a@b&password=pw", "redis://***@b&password=***"),
        ("redis+sentinel://:pw@h1:1,h2:2/main", "redis+sentinel://:***@h1:1,h2:2/main"),
        ("ann:pw@host", "ann:***@host"),
        ("redis://[::1]:6379/0", "redis://[::1]:6379/0"),
        ("\x1b[2J", "\\x1b[2J"),
        ("memory://", "memory://"),
    ],
)
def test_a_shown_url_has_no_secret(url: str, shown: str) -> None:
    assert redact_url(url) == shown


@given(st.text(alphabet="abcXYZ0189!$%&/=?#:;,@", min_size=1).map(lambda noise: f"canary{noise}canary"))
def test_no_password_shows_whatever_characters_it_has(password: str) -> None:
    assert "canary" not in redact_url(f"redis://user:{password}@host:6379/0")


@pytest.mark.parametrize("url", ["localhost:6379", "redis:/localhost", "redis://a b", "", "://x"])
def test_what_is_no_url_is_refused_by_the_name_of_its_setting(url: str) -> None:
    with pytest.raises(ConfigurationError, match="STEM_BROKER_URL is"):
        check_url("STEM_BROKER_URL", url)
