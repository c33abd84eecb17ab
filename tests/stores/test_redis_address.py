"""What the URLs of Redis say."""

from __future__ import annotations

import pytest

from stem_core.errors import ConfigurationError
from stem_core.stores.redis.address import Host, RedisAddress, parse_address


def test_one_server_with_login_and_database() -> None:
    address = parse_address("redis://ann:p%40ss@db.example:6380/3")
    assert address == RedisAddress(
        location="redis://ann:***@db.example:6380/3",
        topology="single",
        hosts=(Host("db.example", 6380),),
        user="ann",
        password="p@ss",
        database=3,
    )
    assert "p@ss" not in repr(address)


def test_what_is_left_out_is_what_one_expects() -> None:
    assert parse_address("redis://").hosts == (Host("localhost", 6379),)
    assert parse_address("redis+cluster://a,b:7000").hosts == (Host("a", 6379), Host("b", 7000))
    assert parse_address("redis+sentinel://a/main").hosts == (Host("a", 26379),)
    assert parse_address("redis://[::1]").hosts == (Host("::1", 6379),)
    assert parse_address("redis://[::1]:7000/1").hosts == (Host("::1", 7000),)


def test_each_topology_has_a_secured_twin() -> None:
    assert [parse_address(url).tls for url in ("redis://h", "redis+cluster://h", "redis+sentinel://h/s")] == [False] * 3
    assert [parse_address(url).tls for url in ("rediss://h", "rediss+cluster://h", "REDISS+sentinel://h/s")] == [
        True
    ] * 3


def test_sentinels_are_asked_for_a_service_and_its_database() -> None:
    address = parse_address("redis+sentinel://:secret@a:1,b:2,c:3/main/2")
    assert (address.topology, address.service, address.database) == ("sentinel", "main", 2)
    assert (address.user, address.password, len(address.hosts)) == (None, "secret", 3)


def test_options_are_no_part_of_where_a_store_lies() -> None:
    address = parse_address("redis://h:1/0?eviction=allow")
    assert (address.allow_eviction, address.location) == (True, "redis://h:1/0")
    assert not parse_address("redis://h:1/0?eviction=refuse").allow_eviction


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://h/0?socket_timeout=5", "unknown option 'socket_timeout'; there is eviction"),
        ("redis://h/0?eviction=maybe", "refuse or allow"),
        ("redis://h:port/0", "port"),
        ("redis://h:70000", "port"),
        ("redis://h/zero", "'zero' is no database number"),
        ("redis://h/1/2", "no database number"),
        ("redis://a:1,b:2", "several servers"),
        ("redis+cluster://h/1", "no databases"),
        ("redis+sentinel://h", "which service"),
        ("redis+sentinel://h/main/x", "no database number"),
    ],
)
def test_what_cannot_be_meant_is_named_and_the_form_shown(url: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_address(url.replace("://", "://ann:hunter2@"))
    assert said in caught.value.message
    assert "hunter2" not in str(caught.value)
    assert caught.value.hint is not None
    assert "://[user:password@]host" in caught.value.hint


@pytest.mark.parametrize("password", ["a/hunter2", "a?hunter2", "a/b/hunter2", "a?eviction=hunter2", "a?b=c/hunter2"])
@pytest.mark.parametrize("kind", ["redis", "redis+cluster", "rediss+sentinel"])
def test_a_password_that_is_not_encoded_is_not_told_but_how_to_write_it(kind: str, password: str) -> None:
    with pytest.raises(ConfigurationError, match="%2F for a / and %3F") as caught:
        parse_address(f"{kind}://ann:{password}@h:1/0")
    assert f"{kind}://ann:***@h:1/0 is not" in str(caught.value)
    assert "hunter2" not in str(caught.value)
