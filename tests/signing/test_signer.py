"""What a signature promises: these bytes, for this place, with this key, and nothing else."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, strategies as st

from stem_core.envelope import Envelope, unseal
from stem_core.errors import ConfigurationError, SignatureError
from stem_core.signing import PayloadSigner, broadcast_scope, command_scope, job_scope
from tests.signing.signers import FORGER, HMAC, PUBLIC, SECRET, SEED, STRANGER

SCOPE = job_scope("ns", "default", "id1")
BODY = msgspec.json.encode(Envelope(id="id1", name="work", args={"n": 1, "sig": "k1.no"}))


def refusal(signer: PayloadSigner, message: bytes, scope: tuple[str, ...] = SCOPE) -> str:
    with pytest.raises(SignatureError) as caught:
        signer.verify(message, scope)
    return caught.value.reason


def test_a_signed_message_verifies_and_reads_as_before(signer: PayloadSigner) -> None:
    signed = signer.sign(BODY, SCOPE)
    signer.verify(signed, SCOPE)
    assert unseal(signed) == unseal(BODY)
    assert {**json.loads(signed), "sig": None} == {**json.loads(BODY), "sig": None}


def test_each_bit_of_each_byte_flipped_is_refused(signer: PayloadSigner) -> None:
    signed = signer.sign(BODY, SCOPE)
    for place in range(len(signed)):
        for bit in range(8):
            flipped = bytearray(signed)
            flipped[place] ^= 1 << bit
            refusal(signer, bytes(flipped))


@given(st.integers(0, 400), st.integers(0, 400), st.binary(max_size=8))
def test_no_cut_or_splice_of_a_signed_message_verifies(start: int, end: int, put: bytes) -> None:
    signed = HMAC.sign(BODY, SCOPE)
    spliced = signed[:start] + put + signed[min(end, len(signed)) :]
    if spliced != signed:
        refusal(HMAC, spliced)


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        (b'"n":1', b'"n":1.0'),
        (b'"n":1', b'"n":1e0'),
        (b'"n":1', b'"n": 1'),
        (b'"n":1', b'"\\u006e":1'),
        (b'"name":"work"', b'"name":"\\u0077ork"'),
        (b'"name":"work"', b'"name":"evil","name":"work"'),
        (b'"name":"work"', b'"name":"work","name":"evil"'),
        (b'"n":1', b'"n":2,"n":1'),
        (b'{"id"', b' {"id"'),
        (b'{"id"', b'{"sig":"k1.x","id"'),
    ],
)
def test_what_means_the_same_in_other_bytes_is_refused(signer: PayloadSigner, written: bytes, otherwise: bytes) -> None:
    signed = signer.sign(BODY, SCOPE)
    assert written in signed
    assert refusal(signer, signed.replace(written, otherwise, 1)) == "signature-invalid"


def test_no_beginning_and_no_end_of_a_signed_message_verifies(signer: PayloadSigner) -> None:
    signed = signer.sign(BODY, SCOPE)
    for cut in range(1, len(signed)):
        refusal(signer, signed[:cut])
        refusal(signer, signed[cut:])


def test_the_parts_of_two_signed_messages_make_no_third(signer: PayloadSigner) -> None:
    one = signer.sign(BODY, SCOPE)
    other = signer.sign(BODY.replace(b'"n":1', b'"n":2'), SCOPE)
    assert len(one) == len(other)
    for cut in range(1, len(one)):
        spliced = one[:cut] + other[cut:]
        if spliced not in (one, other):
            refusal(signer, spliced)


@given(st.binary(max_size=300))
def test_no_bytes_out_of_nowhere_verify(data: bytes) -> None:
    refusal(HMAC, data)
    refusal(HMAC, b'{"a":1,"sig":"k1.' + data + b'"}')


@pytest.mark.parametrize(
    "other",
    [
        job_scope("ns", "default", "id2"),
        job_scope("ns", "other", "id1"),
        job_scope("blue", "default", "id1"),
        broadcast_scope("ns", "default"),
        command_scope("ns"),
        ("job", "ns", "defaultid1"),
        ("job", "ns", "default3:id1", ""),
    ],
)
def test_a_signature_is_for_one_place(signer: PayloadSigner, other: tuple[str, ...]) -> None:
    assert refusal(signer, signer.sign(BODY, SCOPE), other) == "signature-invalid"


@given(st.lists(st.text(max_size=6), max_size=4), st.lists(st.text(max_size=6), max_size=4))
def test_no_two_places_are_signed_alike(one: list[str], other: list[str]) -> None:
    if one != other:
        refusal(HMAC, HMAC.sign(BODY, tuple(one)), tuple(other))


def test_what_is_not_signed_is_missing_a_signature() -> None:
    assert refusal(HMAC, BODY) == "signature-missing"
    assert refusal(HMAC, b"") == "signature-missing"
    assert refusal(HMAC, b',"sig":"k1.' + b"A" * 43 + b'"}') == "signature-missing"


def test_a_signature_must_stand_last_and_alone() -> None:
    signed = HMAC.sign(BODY, SCOPE)
    inner = signed[:-1] + b',"args":{"n":2}}'
    assert refusal(HMAC, inner) == "signature-missing"
    assert refusal(HMAC, signed + b" ") == "signature-missing"
    assert refusal(HMAC, signed + b"\n") == "signature-missing"
    twice = signed[:-1] + signed[signed.rindex(b',"sig"') :]
    assert refusal(HMAC, twice) == "signature-invalid"


@pytest.mark.parametrize("length", range(100))
def test_a_signature_of_any_other_length_is_refused(signer: PayloadSigner, length: int) -> None:
    refusal(signer, b'{"a":1,"sig":"k.' + b"A" * length + b'"}')


def test_base64_has_one_spelling(signer: PayloadSigner) -> None:
    signed = signer.sign(BODY, SCOPE)
    last = signed[-3:-2]
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for other in alphabet:
        if bytes([other]) != last:
            refusal(signer, signed[:-3] + bytes([other]) + signed[-2:])


def test_another_secret_or_key_id_is_refused() -> None:
    assert refusal(HMAC, FORGER.sign(BODY, SCOPE)) == "signature-invalid"
    assert refusal(HMAC, STRANGER.sign(BODY, SCOPE)) == "signature-unknown-key"


def test_a_key_id_stands_for_one_algorithm() -> None:
    """The classic confusion: the public key, which all know, used as a shared secret."""
    verifying = PayloadSigner(public_keys={"e1": PUBLIC})
    confused = PayloadSigner(keys={"e1": PUBLIC})
    assert refusal(verifying, confused.sign(BODY, SCOPE)) == "signature-invalid"
    both = PayloadSigner(keys={"h1": SECRET}, private_keys={"e1": SEED}, active_key="h1")
    swapped = both.sign(BODY, SCOPE).replace(b'"h1.', b'"e1.')
    assert refusal(both, swapped) == "signature-invalid"


def test_keys_rotate_without_a_gap() -> None:
    old, new = {"k1": SECRET}, {"k2": b"x" * 32}
    both_old = PayloadSigner(keys={**old, **new}, active_key="k1")
    both_new = PayloadSigner(keys={**old, **new}, active_key="k2")
    for sender in (PayloadSigner(keys=old), both_old, both_new):
        both_old.verify(sender.sign(BODY, SCOPE), SCOPE)
    only_new = PayloadSigner(keys=new)
    only_new.verify(both_new.sign(BODY, SCOPE), SCOPE)
    assert refusal(only_new, both_old.sign(BODY, SCOPE)) == "signature-unknown-key"


def test_a_verifier_cannot_sign() -> None:
    signing, verifying = PayloadSigner(private_keys={"e1": SEED}), PayloadSigner(public_keys={"e1": PUBLIC})
    verifying.verify(signing.sign(BODY, SCOPE), SCOPE)
    assert (verifying.can_sign, signing.can_sign) == (False, True)
    with pytest.raises(ConfigurationError, match=r"no key to sign with.* STEM_SIGNING_ACTIVE_KEY "):
        verifying.sign(BODY, SCOPE)


def test_only_the_keys_that_may_command_sign_commands() -> None:
    producer, operator = {"p": b"p" * 32}, {"op": b"o" * 32}
    worker = PayloadSigner(keys={**producer, **operator}, active_key="p", control_keys=["op"])
    command = command_scope("ns")
    for sender in (PayloadSigner(keys=producer), PayloadSigner(keys=operator)):
        worker.verify(sender.sign(BODY, SCOPE), SCOPE)
    worker.verify(PayloadSigner(keys=operator).sign(b'{"a":1}', command), command)
    assert refusal(worker, PayloadSigner(keys=producer).sign(b'{"a":1}', command), command) == "signature-not-allowed"


def test_whoever_has_a_key_for_each_signs_with_the_right_one() -> None:
    both = PayloadSigner(keys={"p": b"p" * 32, "op": b"o" * 32}, active_key="p", control_keys=["op"])
    assert b'"sig":"p.' in both.sign(BODY, SCOPE)
    assert b'"sig":"op.' in both.sign(b'{"a":1}', command_scope("ns"))


def test_whoever_has_no_key_that_may_command_is_told_before_anything_is_sent() -> None:
    signer = PayloadSigner(keys={"p": b"p" * 32}, public_keys={"op": PUBLIC}, control_keys=["op"])
    with pytest.raises(ConfigurationError, match=r"no key to sign with that may command.*op"):
        signer.sign(b'{"a":1}', command_scope("ns"))


def test_a_signer_does_not_show_its_keys() -> None:
    assert SECRET.decode() not in repr(HMAC)
    assert "k1" in repr(HMAC)
