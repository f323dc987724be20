"""Tokens: made once, kept as a hash, and worth no more than their operator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.diagnostics import Code, Refused
from offerkit.server import callers
from offerkit.workflow import tokens

BODY = {"spaces": ["shop/web"], "contact": "ann@example.com", "explain": True, "store": False}
FOREVER = "366d"


@pytest.fixture
def live(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(callers, "KNOWN_FOR", 0.0)
    return with_people(shop).go_live()


@pytest.fixture
def asking(live: Workspace) -> Iterator[TestClient]:
    with client(live) as found:
        yield found


def ask(asking: TestClient, token: str, scheme: str = "Bearer") -> Any:
    return asking.post("/api/v1/propose", json=BODY, headers={"Authorization": f"{scheme} {token}"})


def made(live: Workspace, operator: str = "omar", who: str = "ada") -> tuple[str, str]:
    live.later(days=300)  # the workspace's clock is behind the server's
    row, text = tokens.create(live.session(who), operator, "test", FOREVER)
    return row.id, text


def test_an_operator_sees_why(asking: TestClient, live: Workspace) -> None:
    _, text = made(live)
    answer = ask(asking, text)
    assert answer.status_code == 200
    assert "explanation" in answer.json()["spaces"][0]
    assert answer.json()["spaces"][0]["propositions"][0]["weight"] == "10"


def test_the_store_keeps_no_token(live: Workspace) -> None:
    _, text = made(live)
    with live.store() as store:
        (row,) = store.tokens()
    assert text not in repr(row)
    assert row.hash == tokens.hashed(text)


@pytest.mark.parametrize("wrong", ["", "ofk_000000000000_" + "a" * 43, "x" * 5000, "ofk_'; drop table token", "ünï"])
def test_what_is_no_token_gets_one_answer(asking: TestClient, wrong: str) -> None:
    answer = asking.post("/api/v1/propose", json=BODY, headers={"Authorization": b"Bearer " + wrong.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["errors"] == [{"code": "OFR751", "message": "this token does not count"}]


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
        assert tokens.operator_by_token(store, text, before) == "omar"
        assert tokens.operator_by_token(store, text, after) == ""
    assert row.expires < "2027"


def test_a_disabled_operators_token_counts_no_more(asking: TestClient, live: Workspace) -> None:
    _, text = made(live)
    live.change({"specs/shared.yaml": {"operators": {"omar": {"enabled": False}}}})
    live.apply("ada")
    assert ask(asking, text).status_code == 401


def test_guessing_is_stopped(asking: TestClient) -> None:
    answers = [ask(asking, f"guess-{number}").status_code for number in range(callers.GUESSES + 3)]
    assert answers[: callers.GUESSES] == [401] * callers.GUESSES
    assert answers[-1] == 429


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
