"""Canonical bytes, fingerprints and digests."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from offerkit.fingerprint import canonical, digest, fingerprint, manifest_digest

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


def test_canonical_bytes_are_spelled_in_one_way() -> None:
    assert canonical({"b": [1, None, True], "a": {"é": "\n"}}) == '{"a":{"é":"\\n"},"b":[1,null,true]}'.encode()


@given(st.dictionaries(st.text(max_size=5), json_values, max_size=5), st.randoms())
def test_the_order_of_keys_does_not_matter(value: dict[str, object], random: object) -> None:
    keys = list(value)
    random.shuffle(keys)  # type: ignore[attr-defined]
    assert canonical({key: value[key] for key in keys}) == canonical(value)


def test_a_fingerprint_covers_kind_and_body() -> None:
    body = b'{"label":"x"}'
    assert fingerprint("offer", body) == hashlib.sha256(b'offer\n{"label":"x"}').hexdigest()
    assert len({fingerprint("offer", body), fingerprint("category", body), fingerprint("offer", b"{}")}) == 3


def test_two_sequences_never_share_a_digest() -> None:
    assert len({digest(b"ab", b"c"), digest(b"a", b"bc"), digest(b"abc"), digest(b"abc", b""), digest()}) == 5


def test_a_manifest_digest_is_of_the_set_of_entries() -> None:
    entries = [("shop/offer.a", "f1", "web"), ("shop/offer.b", "f2", "-")]
    expected = hashlib.sha256(b"shop/offer.a f1 web\nshop/offer.b f2 -\n").hexdigest()
    assert manifest_digest(entries) == manifest_digest(reversed(entries)) == expected
    assert manifest_digest([("shop/offer.a", "f1", ""), entries[1]]) != expected
    assert manifest_digest([]) == hashlib.sha256(b"").hexdigest()


def test_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "from offerkit.fingerprint import canonical, manifest_digest;"
        "names = {f'n{i}' for i in range(50)};"
        "print(canonical({n: [n] for n in names}).decode(), manifest_digest((n, 'f', '-') for n in names))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(outputs) == 1
