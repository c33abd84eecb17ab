"""How keys are set, and what is said of those that cannot be used. Nothing said holds key material."""

from __future__ import annotations

import sys
from base64 import b64encode

import pytest
from hypothesis import given, strategies as st

from stem_core.config import StemConfig
from stem_core.errors import ConfigurationError
from stem_core.signing import PayloadSigner, command_scope
from tests.signing.signers import PUBLIC, SECRET, SEED, written

CANARY = b"canary-canary-canary-canary-0123"
K1, K2 = written("k1", SECRET), written("k2", CANARY)


def from_environment(**variables: str) -> PayloadSigner | None:
    environ = {f"STEM_SIGNING_{name}": value for name, value in variables.items()}
    signer = PayloadSigner.from_environment(environ)
    other = PayloadSigner.from_config(StemConfig.from_environment(environ))
    assert repr(signer) == repr(other)
    return signer


def test_without_keys_nothing_is_signed() -> None:
    assert from_environment() is None
    assert from_environment(KEYS=" ") is None


def test_a_list_of_keys_and_the_active_one() -> None:
    signer = from_environment(KEYS=f"{K1}, {K2}", ACTIVE_KEY="k2", ALGORITHM="hmac-sha256")
    assert signer is not None
    assert (signer.active_key, signer.algorithm) == ("k2", "hmac-sha256")


def test_a_single_key_is_the_active_one() -> None:
    signer = from_environment(KEYS=K1)
    assert signer is not None
    assert signer.active_key == "k1"


def test_public_keys_alone_verify_and_a_pair_may_share_its_id() -> None:
    verifying = from_environment(PUBLIC_KEYS=written("e1", PUBLIC), ALGORITHM="ed25519")
    signing = from_environment(PUBLIC_KEYS=written("e1", PUBLIC), PRIVATE_KEYS=written("e1", SEED))
    assert verifying is not None
    assert signing is not None
    assert (verifying.active_key, verifying.algorithm, signing.algorithm) == (None, None, "ed25519")
    verifying.verify(signing.sign(b'{"a":1}', command_scope("ns")), command_scope("ns"))


@pytest.mark.parametrize(
    "spell", [lambda text: text, lambda text: text.rstrip("="), lambda text: text.replace("+", "-").replace("/", "_")]
)
def test_both_alphabets_of_base64_are_read(spell) -> None:
    material = bytes(range(224, 256))
    signer = from_environment(KEYS="k1:" + spell(b64encode(material).decode()))
    assert signer is not None
    signer.verify(PayloadSigner(keys={"k1": material}).sign(b'{"a":1}', ("x",)), ("x",))


@pytest.mark.parametrize(
    ("variables", "named", "right"),
    [
        ({"KEYS": K2.partition(":")[2]}, "key 1 in STEM_SIGNING_KEYS", "id:base64"),
        ({"KEYS": f"{K1},"}, "key 2 in STEM_SIGNING_KEYS", "id:base64"),
        ({"KEYS": "k1:canary!canary!"}, "key 1 in STEM_SIGNING_KEYS", "base64"),
        ({"KEYS": f"{K2.partition(':')[2].rstrip('=')}:k2"}, "key 1 in STEM_SIGNING_KEYS", "id:base64"),
        ({"KEYS": written("k1", b"canary")}, "'k1' in STEM_SIGNING_KEYS has 6 bytes", "16 or more"),
        ({"KEYS": f"{K1},{written('k1', CANARY)}"}, "STEM_SIGNING_KEYS has two keys 'k1'", "id of its own"),
        ({"KEYS": f"{K1},{K2}"}, "STEM_SIGNING_ACTIVE_KEY is not set", "k1, k2"),
        ({"KEYS": K1, "ACTIVE_KEY": "canary"}, "STEM_SIGNING_ACTIVE_KEY names no key", "k1"),
        ({"KEYS": K1, "ALGORITHM": "canary"}, "STEM_SIGNING_ALGORITHM", "hmac-sha256 or ed25519"),
        ({"KEYS": K1, "ALGORITHM": "ed25519"}, "STEM_SIGNING_ALGORITHM is ed25519", "STEM_SIGNING_PUBLIC_KEYS"),
        ({"ACTIVE_KEY": "canary"}, "STEM_SIGNING_ACTIVE_KEY is set, but there is no key", "STEM_SIGNING_KEYS"),
        ({"ALGORITHM": "hmac-sha256"}, "STEM_SIGNING_ALGORITHM is set, but there is no key", "STEM_SIGNING_KEYS"),
        ({"PUBLIC_KEYS": written("e1", b"canary")}, "'e1' in STEM_SIGNING_PUBLIC_KEYS has 6 bytes", "32"),
        ({"PRIVATE_KEYS": written("e1", b"canary" * 9)}, "'e1' in STEM_SIGNING_PRIVATE_KEYS has 54 bytes", "32"),
        ({"KEYS": K1, "PRIVATE_KEYS": written("k1", CANARY)}, "'k1' stands for two keys", "share an id"),
        (
            {"PUBLIC_KEYS": written("e1", PUBLIC), "PRIVATE_KEYS": written("e1", CANARY)},
            "'e1' stands for two keys",
            "halves of one pair",
        ),
        (
            {"KEYS": written("k1", PUBLIC), "PUBLIC_KEYS": written("e1", PUBLIC), "ACTIVE_KEY": "k1"},
            "same bytes stand as keys of two kinds",
            "its own",
        ),
        (
            {"PRIVATE_KEYS": written("e1", CANARY), "PUBLIC_KEYS": written("e2", CANARY)},
            "same bytes stand as keys of two kinds",
            "its own",
        ),
        ({"KEYS": K1, "CONTROL_KEYS": "k1,canary"}, "STEM_SIGNING_CONTROL_KEYS names a key that is not", "k1"),
        ({"CONTROL_KEYS": "canary"}, "STEM_SIGNING_CONTROL_KEYS is set, but there is no key", "STEM_SIGNING_KEYS"),
        ({"PUBLIC_KEYS": written("e1", PUBLIC), "ACTIVE_KEY": "e1"}, "STEM_SIGNING_ACTIVE_KEY names no key", "none"),
    ],
)
def test_what_cannot_be_used_names_the_variable_and_what_it_takes(
    variables: dict[str, str], named: str, right: str
) -> None:
    environ = {f"STEM_SIGNING_{name}": value for name, value in variables.items()}
    for read in (
        lambda: PayloadSigner.from_environment(environ),
        lambda: PayloadSigner.from_config(StemConfig.from_environment(environ)),
    ):
        with pytest.raises(ConfigurationError) as caught:
            read()
        said = str(caught.value)
        assert named in said
        assert right in said
        assert "canary" not in said
        assert b64encode(CANARY).decode()[:12] not in said


@given(st.text(max_size=60))
def test_no_text_is_echoed_or_crashes(text: str) -> None:
    try:
        PayloadSigner.from_environment({"STEM_SIGNING_KEYS": f"{text},sentinel-{text}"})
    except ConfigurationError as error:
        assert "sentinel" not in str(error)  # noqa: PT017 - whether it raises depends on the text


def test_which_keys_may_command_is_a_list_of_ids() -> None:
    signer = from_environment(KEYS=f"{K1},{K2}", ACTIVE_KEY="k1", CONTROL_KEYS=" k2 , k2")
    assert signer is not None
    assert signer.control_keys == ("k2",)
    everybody = from_environment(KEYS=K1)
    assert everybody is not None
    assert everybody.control_keys == ()


@pytest.mark.parametrize("variable", ["ACTIVE_KEY", "CONTROL_KEYS"])
def test_a_key_that_is_put_where_an_id_belongs_is_not_shown(variable: str) -> None:
    with pytest.raises(ConfigurationError, match=f"STEM_SIGNING_{variable} is no id") as caught:
        StemConfig.from_environment({"STEM_SIGNING_KEYS": K1, f"STEM_SIGNING_{variable}": K2})
    assert b64encode(CANARY).decode()[:12] not in str(caught.value)


def test_a_printed_config_shows_no_key() -> None:
    config = StemConfig.from_environment({"STEM_SIGNING_KEYS": K2, "STEM_SIGNING_PRIVATE_KEYS": written("e", CANARY)})
    for shown in (repr(config), str(config), repr(config.signing_keys), str(config.signing_private_keys)):
        assert "canary" not in shown
        assert b64encode(CANARY).decode()[:12] not in shown


def test_ed25519_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("cryptography")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ConfigurationError, match=r"STEM_SIGNING_PUBLIC_KEYS.*stem-tui\[signing\]"):
        PayloadSigner.from_environment({"STEM_SIGNING_PUBLIC_KEYS": written("e1", PUBLIC)})
