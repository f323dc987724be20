"""Tokens: made once, kept as a hash, and worth no more than their operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from limits import RateLimitItemPerMinute
from starlette.testclient import TestClient

from offerkit.diagnostics import Code, Refused
from offerkit.server import authentication
from offerkit.server.client_address import rate_key
from offerkit.usecases import tokens

BODY = {"spaces": ["shop/web"], "contact": "ann@example.com", "store": False}
FOREVER = "366d"


@pytest.fixture
def live(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(authentication, "KNOWN_FOR", 0.0)
    return with_people(shop).go_live()


@pytest.fixture
def asking(live: Workspace) -> Iterator[TestClient]:
    with client(live) as found:
        yield found


def ask(asking: TestClient, token: str, scheme: str = "Bearer") -> Any:
    return asking.post("/api/v1/propose", json=BODY, headers={"Authorization": f"{scheme} {token}"})


def made(live: Workspace, operator: str = "omar", who: str = "ada") -> tuple[str, str]:
    live.later(days=300)  # the workspace's clock is behind the server's
    row, text = tokens.create(live.session(who), operator, "test", FOREVER, ("all",))
    return row.id, text


def test_an_operator_sees_why(asking: TestClient, live: Workspace) -> None:
    _, text = made(live, "dora")
    why = {**BODY, "explain": True}
    answer = asking.post("/api/v1/propose", json=why, headers={"Authorization": f"Bearer {text}"})
    assert answer.status_code == 200
    assert "explanation" in answer.json()["spaces"][0]
    assert answer.json()["spaces"][0]["propositions"][0]["weight"] == "10"


def test_the_store_keeps_no_token(live: Workspace) -> None:
    _, text = made(live)
    with live.store() as store:
        (row,) = store.tokens()
    assert text not in repr(row)
    assert row.hash == tokens.token_hash(text)


@pytest.mark.parametrize("wrong", ["", "ofk_000000000000_" + "a" * 43, "x" * 5000, "ofk_'; drop table token", "ünï"])
def test_what_is_no_token_gets_one_answer(asking: TestClient, wrong: str) -> None:
    answer = asking.post("/api/v1/propose", json=BODY, headers={"Authorization": b"Bearer " + wrong.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"] == [{"code": "OFR751", "message": "this token is not valid"}]


def test_a_revoked_or_changed_token_counts_no_more(asking: TestClient, live: Workspace) -> None:
    id_, text = made(live)
    assert ask(asking, text).status_code == 200
    assert ask(asking, text, "Basic").status_code == 401
    assert ask(asking, text[:-1] + ("A" if text[-1] != "A" else "B")).status_code == 401
    assert tokens.revoke(live.session("omar"), id_).operator == "omar"
    assert ask(asking, text).status_code == 401


def test_an_expired_token_counts_no_more(live: Workspace) -> None:
    row, text = tokens.create(live.session("ada"), "omar", "", "1h")
    with live.store() as store:
        before, after = live.now, live.now.replace(year=live.now.year + 1)
        assert tokens.bearer_of(store, text, before).operator == "omar"
        assert tokens.bearer_of(store, text, after) == tokens.NOBODY
    assert row.expires < "2027"


def test_a_disabled_operators_token_counts_no_more(asking: TestClient, live: Workspace) -> None:
    _, text = made(live)
    live.change({"specs/shared.yaml": {"operators": {"omar": {"enabled": False}}}})
    live.apply("ada")
    assert ask(asking, text).status_code == 401


def test_a_removed_operators_token_is_not_that_of_the_next_of_that_name(asking: TestClient, live: Workspace) -> None:
    _, text = made(live)
    assert ask(asking, text).status_code == 200
    body = live.files["specs/shared.yaml"]["operators"]["omar"]
    live.change({"specs/shared.yaml": {"operators": {"omar": None}}})
    live.apply("ada")
    assert ask(asking, text).status_code == 401
    live.change({"specs/shared.yaml": {"operators": {"omar": body}}})
    live.apply("ada")
    assert ask(asking, text).status_code == 401
    row, new = tokens.create(live.session("ada"), "omar", "test", FOREVER)
    assert ask(asking, new).status_code == 200
    with live.store() as store:
        assert [bool(tokens.orphaned(store, found)) for found in store.tokens()] == [False, True]
    assert row.operator == "omar"


def test_a_renamed_operators_token_is_not_that_of_the_next_of_that_name(asking: TestClient, live: Workspace) -> None:
    _, text = made(live)
    body = live.files["specs/shared.yaml"]["operators"]["omar"]
    moved = {"operator.omar": "operator.oscar"}
    live.change({"specs/shared.yaml": {"moved": moved, "operators": {"omar": None, "oscar": body}}})
    live.apply("ada")
    assert ask(asking, text).status_code == 401
    live.change({"specs/shared.yaml": {"moved": None, "operators": {"omar": body}}})
    live.apply("ada")
    assert ask(asking, text).status_code == 401


def guess(asking: TestClient, count: int, first: int = 0) -> list[int]:
    return [ask(asking, f"ofk_{number:012}_{'a' * 43}").status_code for number in range(first, first + count)]


def test_guessing_is_stopped(asking: TestClient) -> None:
    answers = guess(asking, authentication.GUESSES + 3)
    assert answers == [401] * authentication.GUESSES + [429] * 3
    answer = ask(asking, "once more")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")


def test_guessing_hinders_nobody_with_a_token(asking: TestClient, live: Workspace) -> None:
    _, text = made(live)
    assert guess(asking, authentication.GUESSES + 1)[-1] == 429
    assert ask(asking, text).status_code == 200, "one that was never seen before, from the same address"


def test_guesses_are_not_looked_up_for_ever(
    asking: TestClient, live: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_LOOKED_UP", RateLimitItemPerMinute(30))
    (_, before), (_, after) = made(live), made(live, "ada")
    assert ask(asking, before).status_code == 200
    assert guess(asking, 31)[-1] == 429
    asked: list[str] = []
    monkeypatch.setattr(authentication, "bearer_of", lambda _, text, __: asked.append(text) or tokens.Bearer("omar"))
    assert ask(asking, after).status_code == 429, "beyond the limit, what never counted is not looked up"
    assert asked == []
    assert ask(asking, before).status_code == 200
    asking._transport.client = ("203.0.113.7", 5)  # type: ignore[attr-defined]
    assert ask(asking, after).status_code == 200, "elsewhere it counts"


def test_a_token_that_counts_no_more_is_a_guess_like_others(
    asking: TestClient, live: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "_LOOKED_UP", RateLimitItemPerMinute(5))
    id_, text = made(live)
    assert ask(asking, text).status_code == 200
    tokens.revoke(live.session("omar"), id_)
    assert [ask(asking, text).status_code for _ in range(7)] == [401] * 5 + [429] * 2


def test_a_network_guesses_as_one(asking: TestClient) -> None:
    for number in range(authentication.GUESSES):
        asking._transport.client = (f"2001:db8::{number:x}", 5)  # type: ignore[attr-defined]
        assert guess(asking, 1, number) == [401]
    assert guess(asking, 1) == [429]
    asking._transport.client = ("2001:db8:0:1::1", 5)  # type: ignore[attr-defined]
    assert guess(asking, 1) == [401], "another /64"


@pytest.mark.parametrize(
    ("client_", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("x" * 100, "x" * 64),
    ],
)
def test_whom_calls_count_for(client_: str, counted: str) -> None:
    assert rate_key(client_) == counted


@pytest.mark.parametrize(
    ("who", "operator", "expires", "code"),
    [
        ("omar", "ada", "90d", Code.NOT_ALLOWED),
        ("ada", "adda", "90d", Code.NO_OPERATOR),
        ("ada", "omar", "500d", Code.BAD_VALUE),
        ("ada", "omar", "0d", Code.BAD_VALUE),
        ("ada", "omar", "soon", Code.BAD_VALUE),
        ("nobody", "omar", "90d", Code.NO_OPERATOR),
    ],
)
def test_who_may_make_which_token(live: Workspace, who: str, operator: str, expires: str, code: Code) -> None:
    with pytest.raises(Refused) as refused:
        tokens.create(live.session(who), operator, "", expires)
    assert [found.code for found in refused.value.diagnostics] == [code]
    with live.store() as store:
        assert store.tokens() == []


def test_a_token_that_is_not_there_or_anothers_is_not_revoked(live: Workspace) -> None:
    id_, _ = made(live, "ada")
    for who, wanted in (("omar", id_), ("ada", "nothing")):
        with pytest.raises(Refused):
            tokens.revoke(live.session(who), wanted)
    with live.store() as store:
        assert [row.revoked for row in store.tokens()] == [""]
