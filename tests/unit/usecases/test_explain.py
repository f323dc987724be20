"""Stored propositions explained: with evidence the decision is repeated; without it, nothing is claimed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.files import load_yaml
from helpers.hook_packages import install
from helpers.postgres import new_schema

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.store import Store, parse_location

PROJECTS = Path(__file__).resolve().parents[2] / "scripts" / "projects"
KEEPING = {"storage": {"evidence": True, "evidence_retention": "30d"}}
TO_LIVE = ("apply --yes", "approve */offer.*", "promote --yes")


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """Where the store is; the project's own, or in PostgreSQL."""
    return getattr(request, "param", "")


@pytest.fixture
def decided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str) -> Path:
    """The project in which decisions are made, all of it live; its home page keeps evidence."""
    root = tmp_path / "shop"
    shutil.copytree(PROJECTS / "deciding", root)
    monkeypatch.chdir(root)
    if store:
        monkeypatch.setenv("OFFERKIT_STORE", new_schema())
    spaces(root, home=KEEPING)
    ada("apply --yes --create-store" if store else "apply --yes")
    for line in TO_LIVE[1:]:
        ada(line)
    return root


def spaces(root: Path, **patches: dict[str, Any]) -> None:
    """Change spaces in the specs."""
    edit(root / "specs/people/spaces.yaml", "spaces", patches)


def edit(path: Path, section: str, patches: dict[str, dict[str, Any]]) -> None:
    document = load_yaml(path)
    for name, patch in patches.items():
        document[section][name] = {**document[section][name], **patch}
    path.write_text(json.dumps(document), encoding="utf-8")


def ada(line: str, *more: str, code: int = 0) -> Result:
    """What ada does; it ends with that exit code."""
    done = CliRunner().invoke(cli, ["--as", "ada", *line.split(), *more])
    assert done.exit_code == code, done.output
    return done


def codes(line: str) -> set[Code]:
    """What something is refused with."""
    done = CliRunner().invoke(cli, ["--as", "ada", *line.split()])
    assert done.exit_code == 1
    if isinstance(done.exception, Refused):
        return {found.code for found in done.exception.diagnostics}
    return set(map(Code, re.findall(r"OFR[0-9]{3}", done.output)))


def answered(*more: str, contact: str = "ana@example.com", space: str = "home") -> list[dict[str, Any]]:
    """The propositions of a call."""
    done = ada(f"propose --space people/{space} -c {contact} -n 2 --format json", *more)
    found: list[dict[str, Any]] = json.loads(done.stdout)["spaces"][0]["propositions"]
    return found


def explained(id_: str, *more: str, code: int = 0) -> Any:
    return json.loads(ada(f"explain {id_} --format json", *more, code=code).stdout)


def opened() -> Store:
    return Store.open(parse_location(os.environ.get("OFFERKIT_STORE", ".offerkit/store.db")), write=True)


def body_of(id_: str) -> dict[str, Any]:
    """The evidence of a proposition."""
    with opened() as store:
        row = store.proposition(id_)
        assert row is not None
        kept = store.evidence.of(row)
    assert kept is not None
    return dict(kept.body)


@pytest.mark.parametrize("store", ["", "postgresql"], indirect=True)
def test_evidence_has_what_was_read_and_no_more(decided: Path) -> None:
    first = answered()
    body = body_of(first[1]["id"])
    assert body["contact"] == {
        "birth": {"date": "1990-05-01"},
        "country": "DE",
        "income": {"decimal": "2500.000000"},
        "segment": "mass",
    }, "neither the key nor the e-mail address"
    assert body["data"] == {"basket": None, "step": None}
    assert body["propositions"] == [one["id"] for one in first]
    (decided / "data/people.csv").write_text("id,email,birth,country,segment,income\n", encoding="utf-8")
    again = explained(first[1]["id"])
    assert again["repeated"]["same"] and again["repeated"]["read"]["person.country"] == "DE"
    assert again["shown"] == first[1]["fields"]


@pytest.mark.parametrize("store", ["", "postgresql"], indirect=True)
def test_what_was_live_then_is_explained_after_promotions(decided: Path) -> None:
    (card, _) = answered()
    edit(decided / "specs/people/offers.yaml", "offers", {"card": {"weights": [{"weight": 1}], "label": "Other"}})
    for line in TO_LIVE:
        ada(line)
    found = explained(card["id"])
    assert (found["label"], found["weight"], found["revision"]) == ("Gold card", "15", 3)
    assert [rule["text"] for rule in found["rules"] if rule["part"] == "weight"] == ["weight 10", "times 1.5"]
    assert [(one["aspect"], one["operator"], one["revision"]["revision"]) for one in found["approvals"]] == [
        ("eligibility", "ada", 2),
        ("content", "ada", 2),
    ]
    assert found["repeated"]["same"]


def test_an_approval_is_found_after_renames(decided: Path) -> None:
    """An offer that was renamed, and another that has its name now."""
    (card, _) = answered()
    shutil.rmtree(decided / "cases")  # they name the offer
    document = load_yaml(decided / "specs/people/offers.yaml")
    document["offers"]["gold"] = document["offers"].pop("card")
    document["moved"] = {"offer.card": "offer.gold"}
    (decided / "specs/people/offers.yaml").write_text(json.dumps(document), encoding="utf-8")
    ada("apply --yes")
    ada("promote --yes")
    gold = next(one for one in answered() if one["offer"] == "gold")
    for id_, name in ((card["id"], "card"), (gold["id"], "gold")):
        found = explained(id_)
        assert found["offer"] == name and found["repeated"]["same"]
        assert [one["revision"]["revision"] for one in found["approvals"]] == [2, 2], name


@pytest.mark.parametrize(
    ("edited", "code"),
    [
        ('{"propositions":["ID"]}', Code.EVIDENCE_UNREADABLE),
        ('{"propositions":["ID"],"format":2}', Code.EVIDENCE_UNREADABLE),
        ('{"propositions":["ID"],"format":1,"n":"x"}', Code.EVIDENCE_UNREADABLE),
        ('{"propositions":["ID"],"format":1,"n":1,"contact":{"age":{"decimal":"x"}}}', Code.EVIDENCE_UNREADABLE),
        ('{"propositions":["ID"],"format":1,"n":-1,"contact":{},"data":{},"history":[]}', Code.EVIDENCE_UNREADABLE),
        ('{"propositions":["ID"],"format":1,"n":999,"contact":{},"data":{},"history":[]}', Code.EVIDENCE_UNREADABLE),
        *(
            (f'{{"propositions":["ID"],"format":1,"n":2,"contact":{{{field}}},"data":{{}},"history":[]}}', code)
            for code in [Code.EVIDENCE_UNREADABLE]
            for field in (
                '"country":5',
                '"birth":"soon"',
                '"birth":{"timestamp":"2026-01-01T00:00:00"}',
                '"income":[1,{}]',
                '"income":true',
                '"income":{"decimal":"sNaN"}',
                '"income":{"decimal":"Infinity"}',
                '"undeclared":"x"',
            )
        ),
        ("{", Code.STORE_DAMAGED),
        ("[]", Code.STORE_DAMAGED),
    ],
)
def test_evidence_that_was_edited_is_refused(decided: Path, edited: str, code: Code) -> None:
    (card, _) = answered()
    with opened() as store, store.recording():
        store.database.run("UPDATE evidence SET body = ?", (edited.replace("ID", card["id"]),))
    assert codes(f"explain {card['id']}") == {code}


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ("UPDATE proposition SET space = 'side'", "stored on people/side; its evidence is of people/home"),
        ("UPDATE evidence SET space = 'side'", "stored on people/home; its evidence is of people/side"),
        ("UPDATE proposition SET channel = 'email'", "stored for the channel email; the space's was inbound-web"),
        ("UPDATE proposition SET revision = 4", "stored as decided by revision 4; its evidence is of 3"),
        (
            """UPDATE evidence SET body = replace(body, '"country":"DE",', '')""",
            "the evidence has no person.country, which decisions on this space read",
        ),
    ],
)
def test_a_forged_record_is_not_repeated_as_equal(decided: Path, edits: str, told: str) -> None:
    """What the decision alone does not show: the same offers would be proposed elsewhere, or with another revision."""
    (card, _) = answered()
    edit(decided / "specs/people/spaces.yaml", "spaces", {"desk": {"label": "Other"}})
    ada("apply --yes")
    ada("promote --yes")
    with opened() as store, store.recording():
        if "revision" in told:
            edits = edits.replace("4", str(store.last_serial()))
            told = told.replace("4", str(store.last_serial()))
        store.database.run(edits)
    found = explained(card["id"])
    assert any(told in sentence for sentence in found["repeated"]["differences"]), found["repeated"]["differences"]
    assert found["shown"] == {}, "what the contact saw is not known"


def test_a_proposition_that_was_added_to_an_answer_is_told(decided: Path) -> None:
    (card, loan) = answered()
    with opened() as store, store.recording():
        row = store.proposition(loan["id"])
        assert row is not None
        store.add_propositions([row._replace(id="added", rank=3, offer="private")])
    (told,) = explained(card["id"])["repeated"]["differences"]
    assert told == "rank 3: private is stored for this call and space; its evidence has no such answer"
    assert "none of this proposition is stored" in explained("added")["unknown"][0]


@pytest.mark.parametrize(
    ("column", "value"),
    [("time", "garbage"), ("time", "0000-01-01T00:00:00.000000Z"), ("weight", "NaN"), ("revision", "x")],
)
def test_a_proposition_that_was_edited_beyond_reading_is_refused(decided: Path, column: str, value: str) -> None:
    (card, _) = answered()
    with opened() as store, store.recording():
        store.database.run(f"UPDATE proposition SET {column} = ?", (value,))
    assert codes(f"explain {card['id']}") == {Code.STORE_DAMAGED}


def test_an_offer_that_was_not_live_is_no_restored_history(decided: Path) -> None:
    (card, _) = answered()
    with opened() as store, store.recording():
        store.database.run("UPDATE proposition SET offer = 'unheard-of'")
    (gone,) = explained(card["id"])["unknown"]
    assert gone.endswith(
        "the offer was not live on the space then, so the stored proposition or the history was edited."
    )


def test_evidence_that_is_gone_was_kept(decided: Path) -> None:
    """A space that kept evidence is not said to have kept none."""
    (card, _) = answered()
    with opened() as store, store.recording():
        store.database.run("DELETE FROM evidence")
    assert "the space kept evidence then, but none of this proposition is stored" in explained(card["id"])["unknown"][0]


def test_an_erased_contact_is_not_decided_for(decided: Path) -> None:
    """Neither as a visitor, nor with the contact of now; and its evidence was not lost."""
    (card, _) = answered()
    ada("contact erase 1 --yes")
    found = explained(card["id"], "--with-present-contact")
    assert "present" not in found and "repeated" not in found and found["contact"] == ""
    assert "the contact was erased" in found["unknown"][0]
    assert "For whom: a visitor without a key, or a contact that was erased since." in found["unknown"]


def test_links_are_shown_as_they_were_tracked(decided: Path) -> None:
    link = "{{ status_url('accepted', 'https://bank.example/loan') }}"
    edit(decided / "specs/people/offers.yaml", "offers", {"loan": {"content": {"title": f"Loan {link}"}}})
    for line in TO_LIVE:
        ada(line)
    loan = answered("--status-url", "https://bank.example/o")[1]
    assert explained(loan["id"])["shown"] == loan["fields"]


def test_a_revision_that_is_gone_is_said(decided: Path) -> None:
    (card, _) = answered()
    with opened() as store, store.recording():
        store.database.run("UPDATE proposition SET revision = 99")
    found = explained(card["id"])
    assert (
        found["repeated"]
        if "repeated" in found
        else found["unknown"]
        == ["What was live in revision 99, its approvals and rules: the store has no such revision."]
    )
    assert "repeated" not in found and found["rules"] == []


def test_what_was_not_kept_is_not_claimed(decided: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evidence beyond the limit does not stop the call; only why it is missing is kept."""
    monkeypatch.setattr("offerkit.store.evidence.LARGEST_BODY", 100)
    (card, _) = answered()
    found = explained(card["id"])
    assert "repeated" not in found
    assert found["unknown"][0] == "The evidence of this decision was not kept: it was too large."


def test_a_space_without_evidence_keeps_none(decided: Path) -> None:
    answered(space="side")
    with opened() as store:
        assert store.status().rows["evidence"] == 0
        assert store.status().rows["proposition"] > 0


def test_evidence_is_purged_by_its_own_retention(decided: Path) -> None:
    old, new = answered(), answered()
    past = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    with opened() as store, store.recording():
        store.database.run("UPDATE evidence SET time = ? WHERE id = ?", (past, old[0]["id"]))
    assert "evidence of home  1 older than 30d" in ada("store purge --dry-run").output
    assert "Removed 1 propositions and evidence." in ada("store purge --yes").output
    assert "repeated" not in explained(old[0]["id"])
    assert explained(new[0]["id"])["repeated"]["same"]


@pytest.mark.parametrize("gone", [False, True])
def test_evidence_is_purged_when_its_space_keeps_no_more(decided: Path, gone: bool) -> None:
    """Switching it off, or removing the space, keeps nobody's data for longer than was said."""
    (card, _) = answered()
    path = decided / "specs/people/spaces.yaml"
    document = load_yaml(path)
    document["spaces"]["home"]["storage"] = {}
    if gone:
        del document["spaces"]["home"]
        shutil.rmtree(decided / "cases")
        edit(decided / "specs/people/offers.yaml", "offers", {"card": {"content": {"title": "Gold"}}})
    path.write_text(json.dumps(document), encoding="utf-8")
    ada("apply --yes")
    ada("promote --yes")
    past = (datetime.now(UTC) - timedelta(days=31)).isoformat(timespec="microseconds").replace("+00:00", "Z")
    with opened() as store, store.recording():
        store.database.run("UPDATE evidence SET time = ?", (past,))
    assert "evidence of home  1 older than 30d" in ada("store purge --dry-run").output
    ada("store purge --yes")
    with opened() as store:
        assert store.status().rows["evidence"] == 0
        assert store.proposition(card["id"]) is not None


def test_what_hooks_answered_is_repeated_without_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "project"
    shutil.copytree(PROJECTS / "hooked", root)
    monkeypatch.chdir(root)
    asked: list[str] = []
    hooks = """
from decimal import Decimal

def here(contact, data, call):
    return {"degrees": 30}

def rooms(offer, contact, data, call):
    return [({"hotel": "Alba", "price": Decimal("118.5"), "d": data["degrees"]}, 7), ({"hotel": "Mar"}, 9)]
"""
    install(
        monkeypatch, tmp_path / "site", "hooks_explained", hooks, {"weather-at-home": "here", "rooms-tonight": "rooms"}
    )
    path = root / "specs/people/spaces.yaml"
    name = next(space for space, body in load_yaml(path)["spaces"].items() if body.get("hooks") and body.get("unitary"))
    edit(path, "spaces", {name: KEEPING})
    for line in TO_LIVE:
        ada(line)
    found = answered(space=name)
    with monkeypatch.context() as without:
        install(without, tmp_path / "none", "hooks_gone", "", {})
        for one in found:
            again = explained(one["id"])
            assert again["repeated"]["same"], again["repeated"]["differences"]
            asked.append(one["offer"])
    assert asked


def at() -> str:
    """This moment, as --at takes it."""
    return datetime.now(UTC).isoformat()


def test_a_past_time_is_answered_from_what_was_live_then(decided: Path) -> None:
    """Offers, weights and stops of then; a later moment, and the present, have their own."""
    first = at()
    ada("stop people/offer.card --message wrong")
    stopped = at()
    edit(decided / "specs/people/offers.yaml", "offers", {"loan": {"weights": [{"weight": 3}]}})
    for line in ("apply --yes", "approve people/offer.loan", "promote people/offer.loan --yes"):
        ada(line)
    weights: Callable[[list[dict[str, Any]]], dict[str, str]] = lambda found: {  # noqa: E731
        one["offer"]: one["weight"] for one in found
    }
    assert weights(answered("--at", first, "--no-store")) == {"card": "15", "loan": "12"}
    assert weights(answered("--at", stopped, "--no-store")) == {"loan": "12"}
    assert weights(answered("--at", first, "--no-store", "--live-now")) == {"loan": "3"}
    assert weights(answered("--no-store")) == {"loan": "3"}
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    assert weights(answered("--at", later, "--no-store")) == {"loan": "3"}
    told = ada(f"propose --space people/home -c ana@example.com --no-store --at {first}").stderr
    assert Code.PRESENT_CONTACT in told
    assert codes(f"propose --space people/home --at {first}") == {Code.PAST_NOT_STORED}
    assert codes("propose --space people/home --no-store --at 2020-01-01") == {Code.NOT_LIVE_THEN}
    assert weights(answered("--explain", "--at", first, contact="1", space="mail")) == {"card": "15", "loan": "12"}, (
        "never stored"
    )


def test_a_past_time_that_a_restore_replaced_is_not_made_up(decided: Path) -> None:
    """What was promoted after the backup was live then, and is gone; before and after, the history says what was."""
    first = at()
    ada("store backup kept.db")
    edit(decided / "specs/people/offers.yaml", "offers", {"card": {"weights": [{"weight": 90}]}})
    for line in TO_LIVE:
        ada(line)
    lost = at()
    ada("store restore kept.db --yes")
    assert codes(f"propose --space people/home --no-store --at {lost}") == {Code.NOT_LIVE_THEN}
    ada("store backup again.db")
    nothing = at()
    ada("store restore again.db --yes")
    for known in (nothing, at()):
        assert answered("--at", known, "--no-store")[0]["weight"] == "15"
    assert codes(f"propose --space people/home --no-store --at {first}") == {Code.NOT_LIVE_THEN}


def test_a_delivery_cannot_fill_a_space_that_keeps_evidence(decided: Path) -> None:
    campaigns = {
        "version": 1,
        "campaigns": {
            "june": {
                "outlines": {"all": {"offers": ["loan"]}},
                "deliveries": {"a": {"space": "home", "outline": "all"}},
            }
        },
    }
    (decided / "specs/people/campaigns.yaml").write_text(json.dumps(campaigns), encoding="utf-8")
    assert codes("apply --yes") == {Code.NO_EVIDENCE}


def test_what_a_delivery_made_is_explained_without_a_call(decided: Path) -> None:
    """It says which delivery, and claims no repetition."""
    delivery = {"space": "mail", "engine": {"count": 1}}
    campaigns = {"version": 1, "campaigns": {"june": {"deliveries": {"letter": delivery}}}}
    (decided / "specs/people/campaigns.yaml").write_text(json.dumps(campaigns), encoding="utf-8")
    ada("apply --yes")
    ada("deliver june/letter --out made")
    with opened() as store:
        row = next(row for row in store.propositions() if row.space == "mail")
    found = explained(row.id)
    assert (found["delivery"], found["space"]) == ("june/letter", "mail")
    assert "repeated" not in found
    assert not any("the call asked for" in sentence or "cookie" in sentence for sentence in found["unknown"])
    assert {one["aspect"] for one in found["approvals"]} == {"eligibility", "content"}


def test_approvals_of_settings_are_named(decided: Path) -> None:
    """Where somebody approved the settings of the space as they were live."""
    edit(decided / "specs/shared.yaml", "operators", {"ada": {}})
    document = load_yaml(decided / "environments/people.yaml")
    document["environment"]["reviewers"] = {"settings": ["ada"]}
    (decided / "environments/people.yaml").write_text(json.dumps(document), encoding="utf-8")
    spaces(decided, home={"storage": {"evidence": True, "evidence_retention": "60d"}})
    ada("apply --yes")
    ada("approve people/space.home --settings")
    ada("approve environment.people --settings")
    ada("promote --yes")
    (card, _) = answered()
    settings = [one for one in explained(card["id"])["approvals"] if one["aspect"] == "settings"]
    assert [(one["address"], one["operator"]) for one in settings] == [
        ("people/space.home", "ada"),
        ("environment.people", "ada"),
    ]


def test_a_history_that_a_restore_replaced_is_not_made_up(decided: Path) -> None:
    """Another revision has the number of the one that decided."""
    ada("store backup kept.db")
    edit(decided / "specs/people/offers.yaml", "offers", {"card": {"weights": [{"weight": 90}]}})
    for line in TO_LIVE:
        ada(line)
    (card, _) = answered()
    ada("store restore kept.db --yes")
    found = explained(card["id"])
    assert (found["weight"], found["revision"]) == ("135", 6)
    assert found["unknown"] == ["What was live in revision 6, its approvals and rules: the store has no such revision."]
    edit(decided / "specs/people/offers.yaml", "offers", {"card": {"weights": [{"weight": 80}]}})
    for line in TO_LIVE:
        ada(line)
    found = explained(card["id"])
    assert found["rules"] == [] and "repeated" not in found
    assert "the store has another history since a restore" in found["unknown"][0]
