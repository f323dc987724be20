"""Signed contact keys."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offerkit.diagnostics import Code, Refused
from offerkit.models.inbound import Inbound
from offerkit.server.contact_keys import secret_of, sign, unsign

SECRET = b"0123456789abcdef"


@given(st.text(min_size=1, max_size=200).filter(lambda text: text.isprintable()), st.integers(1, 10**11))
def test_what_is_signed_can_be_read_until_it_expires(key: str, expiry: int) -> None:
    signed = sign(SECRET, "shop", key, expiry)
    assert unsign(SECRET, "shop", signed, expiry) == key
    with pytest.raises(Refused, match="expired"):
        unsign(SECRET, "shop", signed, expiry + 1)


def test_it_is_made_as_the_documentation_says() -> None:
    proof = hmac.new(SECRET, b"shop\nann|1\n1800000000", hashlib.sha256).hexdigest()
    text = base64.urlsafe_b64encode(b"ann|1").decode().rstrip("=")
    assert sign(SECRET, "shop", "ann|1", 1800000000) == f"{text}.1800000000.{proof}"


def test_no_character_of_it_may_be_another() -> None:
    signed = sign(SECRET, "shop", "ann@example.com", 1800000000)
    for place, character in enumerate(signed):
        for other in {"0", "1", "A", ".", "é"} - {character}:
            changed = signed[:place] + other + signed[place + 1 :]
            try:
                read = unsign(SECRET, "shop", changed, 0)
            except Refused as refused:
                assert refused.diagnostics[0].code is Code.KEY_SIGNATURE
            else:  # the last letter of base64 has bits that mean nothing
                assert read == "ann@example.com"


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a.1", "a.1.b", "a.1." + "0" * 64, "=.1." + "0" * 64, "\x00" * 80, "a." * 5000]
)
def test_what_is_not_signed_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="contact's key"):
        unsign(SECRET, "shop", text, 0)


def test_a_secret_is_there_and_long_enough_and_never_shown() -> None:
    inbound = Inbound(contact_keys="signed", key_secret_env="KEYS")
    assert secret_of("shop", inbound, {"KEYS": "k" * 16}) == b"k" * 16
    for environ in ({}, {"KEYS": "hush"}):
        with pytest.raises(Refused) as refused:
            secret_of("shop", inbound, environ)
        assert "hush" not in str(refused.value)
