"""Where signatures are demanded, nothing is live by a decision that its operator has not signed with a key of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from attacking import Session, broken_if, variants
from helpers.server_process import serving
from helpers.ssh_keys import KeyPair, new_key

from offerkit.address import Address, Kind, Stage, StageRef
from offerkit.governance.approvals import Approval, Decision
from offerkit.governance.signatures import GivenSignature
from offerkit.state.changes import Entry
from offerkit.store import ChangeRow, Draft, Store, parse_location, scheduled
from offerkit.store.append import signable

HEAVY: dict[str, Any] = {"saver": {"weights": [{"weight": 99}]}}
PEOPLE = ("ada", "alan", "omar", "olga")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KeyPair]:
    folder = tmp_path_factory.mktemp("ssh")
    return {name: new_key(folder, name) for name in (*PEOPLE, "mallory")}


@pytest.fixture
def signing(team: Session, keys: dict[str, KeyPair]) -> Session:
    """Approvals, promotions and stops have to be signed, and that is live; omar has applied a heavier weight."""
    team.edit(operators={name: {"keys": [keys[name].public]} for name in PEOPLE})
    team.edit(
        environment={"promotion": {"separation_of_duties": True, "signatures": ["approvals", "promotions", "stops"]}}
    )
    team.do("ada", "apply --yes")
    team.do("alan", f"promote --yes --sign {keys['alan'].path}")
    team.edit(offers=HEAVY)
    team.do("omar", "apply --yes")
    return team


def is_live(team: Session) -> bool:
    return bool(team.live().weight("saver") == 99)


def test_honest_signatures(signing: Session, keys: dict[str, KeyPair]) -> None:
    """olga approves, omar promotes, both with their keys; the variable names the key as well."""
    signing.do("olga", f"approve offer.saver --sign {keys['olga'].path}")
    signing.environ["OFFERKIT_SIGN"] = str(keys["omar"].path)
    signing.do("omar", "promote --yes")
    broken_if(not is_live(signing), "what was approved and promoted with signatures is not live")
    broken_if("3 signatures" not in signing.do("", "audit verify"), "the audit does not verify the signatures")
    broken_if("signed with SHA256:" not in signing.do("", "history"), "the history does not say what was signed")
    out = signing.root / "history.jsonl"
    signing.do("", f"audit export --out {out}")
    signing.do("", f"audit verify {out}")


def _unsigned(team: Session, keys: dict[str, KeyPair]) -> None:
    """Whoever reaches the store names any operator, as before."""
    team.attempt("olga", "approve offer.saver")
    team.attempt("omar", "promote --yes")


def _own_key(team: Session, keys: dict[str, KeyPair]) -> None:
    """omar signs as olga with his own key."""
    team.attempt("olga", f"approve offer.saver --sign {keys['omar'].path}")
    team.attempt("omar", f"promote --yes --sign {keys['omar'].path}")


def _a_key_for_olga(team: Session, keys: dict[str, KeyPair]) -> None:
    """omar writes a key of his into olga's account."""
    team.edit(operators={"olga": {"keys": [keys["olga"].public, keys["mallory"].public]}})
    team.attempt("omar", "apply --yes")
    team.attempt("olga", f"approve offer.saver --sign {keys['mallory'].path}")
    team.attempt("omar", f"promote --yes --sign {keys['omar'].path}")


def _demands_removed(team: Session, keys: dict[str, KeyPair]) -> None:
    """omar takes the demand out of design; even an administrator's change has to pass live's."""
    team.edit(environment={"promotion": {"separation_of_duties": True, "signatures": None}})
    team.attempt("omar", "apply --yes")
    team.attempt("ada", "apply --yes")
    team.attempt("olga", "approve offer.saver")
    team.attempt("omar", "promote --yes")


def _appended(team: Session, draft: Callable[[Store, str], Draft]) -> None:
    """Append to the store as offerkit would, digests and all; ``draft`` gets the time of the last revision."""
    location = parse_location(team.environ.get("OFFERKIT_STORE", str(team.root / ".offerkit/store.db")))
    with Store.open(location, write=True) as store, store.transaction():
        revision = store.append(draft(store, store.revisions(limit=1)[0].time))
        if isinstance(ended := revision.details.get("scheduled"), int):
            scheduled.end(store.database, ended, revision.serial)


def _as_somebody_else(team: Session, keys: dict[str, KeyPair]) -> None:
    """omar signs a revision of his own, in which it is olga who approves; it is not called an approval."""
    wanted = _wanted(team)

    def forged(store: Store, time: str) -> Draft:
        (key, *_) = (
            row.key for row in store.approvals() if row.key.address.name == "saver" and row.key.aspect == "eligibility"
        )
        rows = (Approval(replace(key, fingerprint=wanted), Decision.APPROVED, "olga"),)
        draft = Draft("apply", "omar", time, approvals=rows)
        statement = signable(store.database, draft)
        given = GivenSignature(time, statement.parent, keys["omar"].sign(statement.statement(time)))
        return replace(draft, details={"signature": given.record()})

    _appended(team, forged)
    team.attempt("omar", f"promote --yes --sign {keys['omar'].path}")
    broken_if("OFR966" not in team.run("", "audit verify").err, "the audit does not find it")


def _written_into_the_store(team: Session, keys: dict[str, KeyPair]) -> None:
    """The approval is appended to the store as offerkit would, digests and all, without a signature."""
    location = parse_location(team.environ.get("OFFERKIT_STORE", str(team.root / ".offerkit/store.db")))
    with Store.open(location, write=True) as store, store.transaction():
        last = store.revisions(limit=1)[0]
        rows = {row.key for row in store.approvals() if row.key.address.name == "saver"}
        prints = _wanted(team)
        new = [
            Approval(replace(key, fingerprint=prints), Decision.APPROVED, "olga")
            for key in rows
            if key.aspect == "eligibility"
        ]
        store.append(Draft("approve", "olga", last.time, approvals=tuple(new[:1])))
    team.attempt("omar", f"promote --yes --sign {keys['omar'].path}")
    broken_if("OFR965" not in team.run("", "audit verify").err, "the audit does not find it")


def _wanted(team: Session) -> str:
    """The fingerprint that an approval of the saver's eligibility needs."""
    import json

    team.do("omar", "promote --out plans/forged.json")
    plan = json.loads((team.root / "plans/forged.json").read_text(encoding="utf-8"))["plan"]
    (found,) = {
        key["fingerprint"]
        for blocked in plan["blocked"]
        for key in blocked["keys"]
        if blocked["address"].endswith("offer.saver") and key["aspect"] == "eligibility"
    }
    return str(found)


ATTACKS: list[Callable[[Session, dict[str, KeyPair]], None]] = [
    _unsigned,
    _written_into_the_store,
    _as_somebody_else,
    _own_key,
    _a_key_for_olga,
    _demands_removed,
]


@pytest.mark.parametrize("attack", variants(ATTACKS), ids=lambda attack: attack.__name__)
def test_nothing_is_live_without_a_signature(
    signing: Session, keys: dict[str, KeyPair], attack: Callable[[Session, dict[str, KeyPair]], None]
) -> None:
    attack(signing, keys)
    broken_if(is_live(signing), "it is live by a decision that nobody has signed")


def test_a_resumption_written_into_the_store_resumes_nothing(signing: Session, keys: dict[str, KeyPair]) -> None:
    """What was stopped stays stopped in plans, lists and live, as if the forged row were not there."""
    address = "recipients/offer.saver"
    signing.do("omar", f"stop {address} -m Wrong --sign {keys['omar'].path}")
    signing.do("olga", f"approve offer.saver --sign {keys['olga'].path}")

    def forged(store: Store, time: str) -> Draft:
        (stop,) = store.stops()
        return Draft("resume", "omar", time, approvals=(replace(stop, decision=Decision.RESUMED),))

    _appended(signing, forged)
    broken_if(address not in signing.do("", "stops"), "the list of stops believes it")
    signing.attempt("omar", f"promote --yes --sign {keys['omar'].path}")
    broken_if(bool(signing.live()["offer.saver"]), "a forged resumption brought it into live")
    broken_if("OFR965" not in signing.run("", "audit verify").err, "the audit does not find it")


def test_a_resumption_from_before_it_had_to_be_signed_counts(team: Session, keys: dict[str, KeyPair]) -> None:
    address = "recipients/offer.saver"
    team.do("omar", f"stop {address} -m Wrong")
    team.do("olga", f"approve {address}")
    team.do("omar", f"resume {address}", "promote --yes")
    team.edit(operators={name: {"keys": [keys[name].public]} for name in PEOPLE})
    team.edit(environment={"promotion": {"separation_of_duties": True, "signatures": ["stops"]}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    broken_if(address in team.do("", "stops"), "what was resumed before is stopped again")
    team.do("", "audit verify")


def _brought(team: Session, action: str, **details: Any) -> None:
    """Put what omar applied into live by a forged revision called ``action``."""

    def forged(store: Store, time: str) -> Draft:
        design, live = (StageRef("recipients", side) for side in Stage)
        address = Address("recipients", Kind.OFFER, "saver")
        before, wanted = store.entries(live)[address], store.entries(design)[address]
        after = Entry(wanted.fingerprint, before.activation)
        row = ChangeRow(0, live, address, "update", before, after, "", "declared")
        promised = store.revision(details.get("scheduled", 0))
        plan = promised.plan_digest if promised is not None else "0" * 64
        return Draft(action, "omar", time, plan_digest=plan, changes=(row,), details=details)

    _appended(team, forged)


@pytest.mark.parametrize("action", ["apply", "stop", "restore", "scheduled", "promote"])
def test_the_audit_finds_what_went_live_without_a_signature(signing: Session, action: str) -> None:
    """Whatever the revision calls itself."""
    _brought(signing, action)
    broken_if("OFR965" not in signing.run("", "audit verify").err, "the audit does not find it")


def test_a_scheduled_promotion_is_signed_on_the_command_line(signing: Session, keys: dict[str, KeyPair]) -> None:
    """It is refused without a signature, and what is forged in its name is found."""
    signing.do("olga", f"approve offer.saver --sign {keys['olga'].path}")
    later = f"promote --yes --at {datetime.now(UTC).year + 1}-01-01T06:00"
    broken_if("OFR965" not in signing.run("omar", later).err, "it is scheduled without a signature")
    signing.do("omar", f"{later} --sign {keys['omar'].path}")
    signing.do("", "audit verify")
    signing.do("", "run-due")
    broken_if(is_live(signing), "it is live before its time")
    _brought(signing, "promote", scheduled=signing.serial())
    broken_if("OFR965" not in signing.run("", "audit verify").err, "the audit takes it for the scheduled one")


@pytest.mark.slow
def test_a_server_verifies_and_a_token_alone_is_not_enough(
    signing: Session, keys: dict[str, KeyPair], tmp_path: Path
) -> None:
    """A stolen token decides nothing where its operator has to sign; the operator does, from afar."""
    tokens = {who: signing.do("ada", f"token create {who} --scope all").split()[0] for who in ("olga", "omar")}
    store = signing.environ.get("OFFERKIT_STORE", "")
    with serving(signing.root, store=store) as server:
        far = Session(signing.root, signing.files, f"http://127.0.0.1:{server.port}")
        far.environ["OFFERKIT_TOKEN"] = tokens["olga"]
        stolen = far.run("", "approve recipients/offer.saver")
        broken_if("OFR965" not in stolen.err, f"a token alone approves: {stolen.err}")
        other = far.run("", f"approve recipients/offer.saver --sign {keys['omar'].path}")
        broken_if("OFR966" not in other.err, f"another key approves: {other.err}")
        far.do("", f"approve recipients/offer.saver --sign {keys['olga'].path}")
        far.environ["OFFERKIT_TOKEN"] = tokens["omar"]
        far.do("", f"promote --yes --sign {keys['omar'].path}")
        far.do("", "audit verify")
        far.do("", f"stop recipients/offer.saver -m Wrong --sign {keys['omar'].path}")
    broken_if(signing.live()["offer.saver"] is not None, "it was promoted and stopped from afar, and is live")
