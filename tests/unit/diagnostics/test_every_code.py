"""Every code is triggered by a test, and the commands that hints name exist and do what the hint says.

A code is triggered by a row of ``tests/bad_input/cases.yaml``, in a session of ``tests/scripts``, by a situation below, or by
the test that ``TRIGGERED_BY`` names. A new code without any of them fails here.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
import pytest
from attacks.attacking import Session
from filelock import FileLock
from helpers.files import load_yaml, write
from helpers.postgres import new_schema
from helpers.workspace import Workspace

from offerkit.batch import contact_table
from offerkit.cli.main import COMMANDS, cli
from offerkit.diagnostics import CODES, Code, Refused
from offerkit.rules.types import BaseType, FieldType
from offerkit.store import Store, parse_location

TESTS = Path(__file__).resolve().parents[2]
ROOT = TESTS.parent
PROJECT = load_yaml(TESTS / "attacks/project.yaml")
_CODE = re.compile(r"\[(OFR[0-9]{3})\]")
_HELLO = {"hello": {"category": "bank", "content": {"title": "Hello"}, "spaces": ["newsletter"]}}
_MAIL = {
    "outlines": {"list": {"offers": ["hello"]}},
    "deliveries": {"mail": {"space": "newsletter", "outline": "list"}},
}


# ---- Situations: what triggers a code, and what mends it


@dataclass(frozen=True)
class Situation:
    """``command`` of ``who`` gives ``code`` once ``arrange`` was done; the hint names ``says``.

    ``then`` are lines typed as the hint says, each by an operator: ``ada: apply --yes``, ``git: init``. Afterwards ``command`` does
    not give the code any more, unless the hint only claims to ``show`` something. Without ``then`` there is no command in the hint.
    """

    code: Code
    command: str
    arrange: Callable[[Session], object] = lambda team: None
    says: str = ""
    then: tuple[str, ...] = ()
    shows: bool = False
    who: str = "omar"
    slow: bool = False


def changed(team: Session) -> None:
    """A change in the specs that is not applied."""
    team.edit(offers={"saver": {"label": "Saver plus"}})


def saved(team: Session) -> None:
    """A saved plan of it."""
    changed(team)
    team.do("omar", "plan --out plans/p.json")


def edited(team: Session) -> None:
    """A plan that somebody has edited."""
    saved(team)
    plan = team.root / "plans/p.json"
    plan.write_text(plan.read_text(encoding="utf-8").replace("Saver plus", "Saver minus"), encoding="utf-8")


def of_the_future(team: Session) -> None:
    """A plan with a format that is not known yet."""
    saved(team)
    team.forge("plans/p.json", lambda plan: plan.update(format=99))


def stale(team: Session) -> None:
    """A plan that was applied."""
    saved(team)
    team.do("omar", "apply plans/p.json --yes")


def withdrawn(team: Session) -> None:
    """A rollback that brings back what was switched off since, and does not say that this was asked for."""
    team.edit(offers={"saver": {"enabled": False}, "safari": {"weights": [{"weight": 7}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.safari")
    team.do(
        "omar",
        "promote --yes",
        f"rollback recipients@live --to {team.serial() - 1} --include-withdrawn --out plans/p.json",
    )
    team.forge("plans/p.json", lambda plan: plan.update(withdrawn=False))


def early(team: Session) -> None:
    """A purge that was planned when it was allowed, before the retention was made longer."""
    duties = {"separation_of_duties": True}
    team.edit(environment={"promotion": {"retention": "0d", **duties}}, offers={"saver": None})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")
    team.do("ada", "purge --out plans/p.json")
    team.edit(environment={"promotion": {"retention": "90d", **duties}})
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")


def settings(team: Session) -> None:
    """A setting of the environment that alan alone has changed."""
    team.edit(environment={"when": "recipient.consent = true or recipient.age > 90"})
    team.do("alan", "apply --yes")


def policy(severity: str) -> Callable[[Session], None]:
    """One offer breaks a policy."""

    def arrange(team: Session) -> None:
        body = {
            "applies_to": ["offer"],
            "require": "offer.name <> 'saver'",
            "message": "No savers.",
            "severity": severity,
        }
        team.edit(policies={"no-savers": body})
        team.do("alan", "apply --yes")

    return arrange


def case(offer: str) -> dict[str, object]:
    """A file with a case that expects an offer first."""
    asked = {"space": "recipients/web-home", "contact": 1, "now": "2026-11-24T10:00", "n": 1}
    return {"version": 1, "cases": {"Ana is offered it first": {**asked, "expect": {"offers": [offer]}}}}


def cases_asked_for(team: Session) -> None:
    """An environment whose promotions run cases, of which there are none."""
    team.edit(environment={"promotion": {"tests": True, "separation_of_duties": True}})
    team.do("ada", "apply --yes")


def case_changed(team: Session) -> None:
    """A case of live expects something else in design, by its author alone."""
    team.save("cases/ana.yaml", case("gold-card"))
    cases_asked_for(team)
    team.do("alan", "promote --yes")
    team.save("cases/ana.yaml", case("saver"))
    team.do("omar", "apply --yes")


def other_contacts(team: Session) -> None:
    """Another file of contacts than the one with which a case was applied."""
    team.save("cases/ana.yaml", case("gold-card"))
    cases_asked_for(team)
    team.do("alan", "promote --yes")
    path = team.root / "data/contacts.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("Ana", "Anna"), encoding="utf-8")
    changed(team)
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")


def stopped(team: Session) -> None:
    """An offer that was stopped."""
    team.do("ada", "stop recipients/offer.saver --message 'Wrong rate'")


def delivered(team: Session) -> None:
    """A delivery that was made."""
    team.edit(offers=_HELLO)
    team.honestly("omar", "olga", "brand", "risk")
    team.edit(campaigns={"winter": _MAIL})
    team.do("dora", "apply --yes", "deliver winter/mail")


def not_applied_campaign(team: Session) -> None:
    """A campaign that is declared, and not in live."""
    team.edit(offers=_HELLO)
    team.honestly("omar", "olga", "brand", "risk")
    team.edit(campaigns={"winter": _MAIL})


def without_store(team: Session) -> None:
    """The project as it was before its first apply."""
    shutil.rmtree(team.root / ".offerkit")


def damaged(team: Session) -> None:
    """A page of the store is overwritten; there is a backup."""
    team.do("ada", "store backup backup.db")
    store = team.root / ".offerkit/store.db"
    content = store.read_bytes()
    store.write_bytes(content[:4096] + b"\xa5" * 4096 + content[8192:])


def restored(team: Session) -> None:
    """An older store was put in the place of the one that was seen last."""
    team.do("ada", "store backup backup.db")
    changed(team)
    team.do("omar", "apply --yes")
    shutil.copy(team.root / "backup.db", team.root / ".offerkit/store.db")


def repository(team: Session) -> None:
    """A git repository without a commit."""
    team.git("-c init.defaultBranch=main init -q")


def committed(team: Session) -> None:
    """The project as a commit."""
    repository(team)
    team.save(".gitignore", ".offerkit/\nplans/\n")
    team.git("add .")
    team.git("-c user.name=x -c user.email=x@example.com commit -qm one")


def two_commits(team: Session) -> None:
    """And a change of it as another one."""
    committed(team)
    changed(team)
    team.git("-c user.name=x -c user.email=x@example.com commit -qam two")


def clone(*options: str) -> Callable[[Session], None]:
    """The project is a clone, made with ``options``."""

    def arrange(team: Session) -> None:
        two_commits(team)
        team.git("config uploadpack.allowFilter true")
        team.git("config uploadpack.allowAnySHA1InWant true")
        origin = team.root.parent / "origin"
        team.root.rename(origin)
        command = ["git", "clone", "-q", *options, origin.as_uri(), team.root]
        subprocess.run(command, env=team.environ | {"HOME": str(origin)}, check=True, capture_output=True)

    return arrange


def behind(team: Session) -> None:
    """The upstream branch declares what was applied from there, and the checkout is older."""
    committed(team)
    team.edit(offers=_HELLO)
    team.do("omar", "apply --yes")
    team.git("add .")
    team.git("-c user.name=x -c user.email=x@example.com commit -qm two")
    team.git("update-ref refs/remotes/origin/main HEAD")
    team.git("reset -q --hard HEAD~1")


def elsewhere(team: Session) -> None:
    """A folder that lies in no project."""
    (team.root.parent / "elsewhere").mkdir()


def unformatted(team: Session) -> None:
    """Files that are written in another form."""
    team.save("specs/recipients/more.yaml", "version: 1\ncategories: {garden: {label: 'Garden'}}\n")


SITUATIONS: dict[str, Situation] = {
    "no project": Situation(
        Code.NO_PROJECT,
        "-C ../elsewhere plan",
        elsewhere,
        "“offerkit init DIR”",
        ("ada: init ../elsewhere",),
    ),
    "no plan": Situation(
        Code.PLAN_UNREADABLE,
        "apply plans/p.json --yes",
        changed,
        "“offerkit plan --out FILE”",
        ("omar: plan --out plans/p.json",),
    ),
    "an edited plan": Situation(
        Code.PLAN_EDITED,
        "apply plans/p.json --yes",
        edited,
        "again",
        ("omar: plan --out plans/p.json",),
        slow=True,
    ),
    "a plan of the future": Situation(Code.PLAN_FORMAT, "apply plans/p.json --yes", of_the_future),
    "not approved": Situation(
        Code.NOT_APPROVED,
        "promote --yes",
        lambda team: (team.edit(offers={"saver": {"weights": [{"weight": 99}]}}), team.do("omar", "apply --yes")),
    ),
    "a stale plan": Situation(
        Code.PLAN_STALE,
        "apply plans/p.json --yes",
        stale,
        "again",
        ("omar: plan --out plans/p.json",),
        slow=True,
    ),
    "nobody to ask": Situation(Code.PLAN_DECLINED, "apply", changed, "--yes", ("omar: apply --yes",)),
    "nothing matches": Situation(
        Code.PLAN_EMPTY_TARGET,
        "promote nowhere/offer.x",
        says="“offerkit graph”",
        then=("omar: graph",),
        shows=True,
    ),
    "a rollback of what was withdrawn": Situation(
        Code.WITHDRAWN,
        "apply plans/p.json --yes",
        withdrawn,
        "“offerkit rollback … --include-withdrawn”",
        ("omar: rollback recipients@live --to 7 --include-withdrawn --out plans/p.json",),
        slow=True,
    ),
    "a purge that comes too early": Situation(Code.RETENTION, "apply plans/p.json --yes", early, who="ada"),
    "settings by one alone, approved": Situation(
        Code.SETTINGS_ALONE,
        "promote --yes",
        settings,
        "offerkit approve environment.recipients --settings",
        ("ada: approve environment.recipients --settings",),
        who="alan",
    ),
    "settings by one alone, overridden": Situation(
        Code.SETTINGS_ALONE,
        "promote --yes",
        settings,
        "offerkit override environment.recipients --settings",
        ("ada: override environment.recipients --settings --message fine",),
        who="alan",
        slow=True,
    ),
    "settings by one alone, left out": Situation(
        Code.SETTINGS_ALONE,
        "promote --yes",
        settings,
        "--exclude environment.recipients",
        ("alan: promote --yes --exclude environment.recipients", "ada: promote --yes"),
        who="alan",
        slow=True,
    ),
    "a policy denies a change": Situation(
        Code.POLICY_DENIED,
        "validate",
        lambda team: (policy("deny")(team), changed(team)),
        "offerkit override recipients/offer.saver --policies",
        ("alan: override recipients/offer.saver --policies --message fine",),
    ),
    "a policy denies what is live": Situation(
        Code.POLICY_DENIED,
        "validate",
        policy("deny"),
        "Change it",
    ),
    "a policy warns": Situation(Code.POLICY_WARNED, "validate", policy("warn")),
    "no cases": Situation(
        Code.NO_CASES,
        "promote --yes",
        cases_asked_for,
        "offerkit apply",
        ("file: cases/ana.yaml", "ada: apply --yes"),
        who="alan",
        slow=True,
    ),
    "a changed case": Situation(
        Code.CASES_CHANGED,
        "promote --yes",
        case_changed,
        "offerkit override recipients/cases.ana",
        ("ada: override recipients/cases.ana --message fine",),
        slow=True,
    ),
    "stopped": Situation(
        Code.STOPPED,
        "promote --yes",
        stopped,
        "offerkit resume recipients/offer.saver",
        ("olga: approve recipients/offer.saver", "ada: resume recipients/offer.saver"),
    ),
    "stopped and not approved since": Situation(
        Code.NOT_APPROVED_SINCE,
        "resume recipients/offer.saver",
        stopped,
        "offerkit approve recipients/offer.saver",
        ("olga: approve recipients/offer.saver",),
        who="ada",
    ),
    "nobody has the key": Situation(
        Code.NO_CONTACT,
        "preview recipients/offer.saver --space recipients/web-home --contact 99999",
    ),
    "a hook in a query": Situation(
        Code.NOT_EMITTED,
        "simulate recipients --stage specs --space newsletter --emit-sql postgres",
        lambda team: team.edit(spaces={"newsletter": {"hooks": {"post_processing": "one-of-a-kind"}}}),
    ),
    "a delivery that was made": Situation(
        Code.DELIVERED,
        "deliver winter/mail",
        delivered,
        "offerkit deliver winter/mail --withdraw",
        ("dora: deliver winter/mail --withdraw",),
        who="dora",
    ),
    "a delivery that is not live": Situation(
        Code.UNKNOWN_DELIVERY,
        "deliver winter/mail",
        not_applied_campaign,
        "“offerkit apply”",
        ("dora: apply --yes",),
        who="dora",
        slow=True,
    ),
    "a delivery that was not made": Situation(
        Code.NOT_DELIVERED,
        "sent winter/mail",
        lambda team: (not_applied_campaign(team), team.do("dora", "apply --yes")),
        "“offerkit deliver”",
        ("dora: deliver winter/mail",),
        who="dora",
        slow=True,
    ),
    "no store": Situation(
        Code.STORE_MISSING,
        "history",
        without_store,
        "“offerkit apply”",
        ("ada: apply --yes",),
    ),
    "no store where one is named": Situation(
        Code.STORE_MISSING,
        "--store other/store.db history",
        says="offerkit apply --create-store",
        then=("ada: --store other/store.db apply --create-store --yes",),
    ),
    "a damaged store": Situation(
        Code.STORE_DAMAGED,
        "history",
        damaged,
        "hint: “offerkit store restore FILE”",
        ("ada: store restore backup.db --yes",),
    ),
    "a store that was restored": Situation(
        Code.STORE_RESTORED,
        "history",
        restored,
        "--accept-restored",
        ("ada: --accept-restored history",),
        slow=True,
    ),
    "no CODEOWNERS": Situation(
        Code.CODEOWNERS,
        "codeowners --check",
        says="“offerkit codeowners”",
        then=("ada: codeowners",),
    ),
    "no token": Situation(
        Code.NO_MATCH,
        "token revoke nope",
        says="“offerkit token list”",
        then=("ada: token list",),
        shows=True,
        who="ada",
    ),
    "nothing is stopped": Situation(
        Code.NO_MATCH,
        "resume recipients/offer.saver",
        says="offerkit stops",
        then=("ada: stops",),
        shows=True,
        who="ada",
    ),
    "not for this operator": Situation(
        Code.NOT_ALLOWED,
        "approve offer.saver",
        says="“offerkit approvals”",
        then=("dora: approvals",),
        shows=True,
        who="dora",
    ),
    "a folder that is taken": Situation(
        Code.TARGET_EXISTS,
        "export live --to plans",
        lambda team: team.save("plans/mine.txt", "mine"),
        "--force",
        ("ada: export live --to plans --force",),
        shows=True,
    ),
    "no repository": Situation(
        Code.GIT,
        "diff git:HEAD specs",
        says="“git init”",
        then=("git: init -q", "git: add environments specs", "git: commit"),
    ),
    "no commit": Situation(
        Code.GIT,
        "diff git:HEAD specs",
        repository,
        "“git add environments specs”, then “git commit”",
        ("git: add environments specs", "git: commit"),
    ),
    "no such revision": Situation(
        Code.GIT,
        "diff git:nope specs",
        committed,
        "“git log -- specs”",
        ("git: log -- specs",),
        shows=True,
    ),
    "a shallow clone": Situation(
        Code.GIT,
        "diff git:HEAD~1 specs",
        clone("--depth=1"),
        "“git fetch --unshallow”",
        ("git: fetch -q --unshallow",),
    ),
    "a partial clone": Situation(
        Code.GIT,
        "diff git:HEAD~1 specs",
        clone("--filter=blob:none"),
        "“git fetch --refetch --no-filter”",
        ("git: fetch -q --refetch --no-filter",),
        slow=True,
    ),
    "an older checkout": Situation(
        Code.OLDER_CHECKOUT,
        "plan",
        behind,
        "git merge origin/main",
        ("git: merge -q origin/main",),
        slow=True,
    ),
}


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the attacks with all of it live."""
    root = tmp_path_factory.mktemp("every-code") / "p"
    write(root, PROJECT)
    session = Session(root, PROJECT)
    session.do("ada", "apply --yes")
    session.do("omar", "approve offer.*")
    session.do("brand", "approve offer.gold-card")
    session.do("risk", "approve offer.*")
    session.do("omar", "promote --yes")
    return root


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * one.slow) for name, one in SITUATIONS.items()]
)
def test_the_code_and_what_mends_it(name: str, live: Path, tmp_path: Path) -> None:
    """The command gives exactly this code; what the hint says is done as it stands there, and then it does not."""
    one = SITUATIONS[name]
    shutil.copytree(live, tmp_path / "p")
    team = Session(tmp_path / "p", PROJECT)
    one.arrange(team)
    codes, told = given(team, one.who, one.command)
    assert codes == {one.code}, told
    assert one.says in " ".join(told.split()), told
    for line in one.then:
        who, _, words = line.partition(": ")
        follow(team, who, words)
    if one.then and not one.shows:
        codes, told = given(team, one.who, one.command)
        assert one.code not in codes, told


def given(team: Session, who: str, command: str) -> tuple[set[Code], str]:
    """The codes that a command gives, and all that it prints."""
    done = team.run(who, command)
    return {Code(value) for value in _CODE.findall(done.out + done.err)}, done.out + done.err


def follow(team: Session, who: str, words: str) -> None:
    """Do what a hint says; it must succeed."""
    if who == "git":
        commit = "-c user.name=x -c user.email=x@example.com commit -qm one"
        team.git(commit if words == "commit" else words)
    elif who == "file":
        team.save(words, case("gold-card"))
    else:
        team.do(who, words)


# ---- Triggers that no command line gives


def test_another_projects_store(shop: Workspace) -> None:
    """Where a server expects its own."""
    shop.apply("ada")
    assert code_of(lambda: enter(shop.session(store_project="another").existing())) is Code.STORE_OTHER


@pytest.mark.slow
def test_no_room_for_contacts(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB has less memory than a table needs."""
    monkeypatch.setattr(contact_table, "MEMORY", "1KB")
    rows = [{"id": number} for number in range(100_000)]
    types = {"id": FieldType(BaseType.INTEGER)}
    assert code_of(lambda: enter(contact_table.open_contact_table(rows, ["id"], types))) is Code.NO_ROOM


def test_no_package_to_serve_with(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn is not installed; the hint says how to install it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    codes, told = given(Session(live, PROJECT), "ada", "serve")
    assert codes == {Code.PACKAGE_MISSING}
    assert "pip install" in told


@pytest.mark.slow
def test_a_key_that_others_took() -> None:
    """In PostgreSQL, where others write at the same moment."""
    with Store.open(parse_location(new_schema()), create=True) as store:
        taken = lambda: store._db.run("INSERT INTO meta VALUES ('format', '1')")  # noqa: E731
        assert code_of(taken) is Code.STORE_CONFLICT


@pytest.mark.slow
def test_two_deliveries_at_once(live: Path, tmp_path: Path) -> None:
    """Another run holds the folder."""
    shutil.copytree(live, tmp_path / "p")
    team = Session(tmp_path / "p", PROJECT)
    not_applied_campaign(team)
    team.do("dora", "apply --yes")
    folder = team.root / "deliveries/winter/mail.partial"
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock", timeout=0):
        codes, told = given(team, "dora", "deliver winter/mail")
    assert codes == {Code.DELIVERY_RUNNING}, told


def code_of(call: Callable[[], object]) -> Code:
    """The one code that a call is refused with."""
    with pytest.raises(Refused) as refused:
        call()
    (found,) = refused.value.diagnostics
    return found.code


def enter(context: AbstractContextManager[object]) -> None:
    """Enter and leave it."""
    with context:
        pass


# ---- Every code has a trigger


TRIGGERED_BY: dict[Code, str] = {
    Code.NOT_ERASED: "unit/usecases::test_what_is_stored_meanwhile_is_told",
    Code.ADDS_NOTHING: "unit/usecases::test_it_is_proved_and_found_where_it_is",
    Code.ALIAS_BUDGET: "unit/specs::test_a_billion_laughs",
    Code.AMBIGUOUS_TIME: "unit/usecases::test_a_time_that_was_twice_is_ambiguous",
    Code.AUTHORS: "unit/usecases::test_where_duties_are_separated_that_is_not_enough",
    Code.ANCHOR_MISMATCH: "attacks::test_a_store_that_was_put_back_is_found",
    Code.ANCHOR_PLACE: "attacks::test_a_failed_anchor_undoes_nothing_and_is_made_good",
    Code.NO_ANCHORS: "attacks::test_without_anchors_there_is_nothing_to_compare",
    Code.BAD_SIGNATURE: "unit/usecases::test_a_forged_signature_is_refused",
    Code.NOT_SIGNED: "unit/usecases::test_what_cannot_sign_is_said",
    Code.SHARED_KEY: "unit/specs::test_two_operators_with_one_key",
    Code.SIGNATURE_DEMANDED: "unit/usecases::test_what_is_not_signed_is_refused",
    Code.SIGNED_FOR_EARLIER: "unit/usecases::test_a_store_that_changes_meanwhile_is_said",
    Code.BAD_CASE: "unit/usecases::test_a_case_that_cannot_run_is_not_applied",
    Code.BEHIND_UNTOLD: "unit/usecases::test_a_shallow_clone",
    Code.RECORD_UNCOVERED: "unit/usecases::test_a_forged_promotion_is_found",
    Code.BROKEN_RULE: "unit/usecases::test_a_rule_that_live_could_not_read_stops_a_promotion",
    Code.BUG: "unit/specs::test_a_change_of_meaning_is_refused",
    Code.BUNDLE: "unit/usecases::test_the_bundle_that_the_forge_keeps",
    Code.BUSY: "unit/server::test_too_many_are_told_to_come_back",
    Code.OUTPUT_IN_USE: "unit/specs::test_of_two_runs_with_one_file_one_is_told",
    Code.CURSOR_GONE: "unit/server::test_a_cursor_belongs_to_an_environment_and_a_log",
    Code.SIMULATIONS_APART: "unit/usecases::test_runs_without_a_common_space_are_not_compared",
    Code.CASES_TOO_MANY: "unit/usecases::test_a_file_has_only_so_many",
    Code.CASE_FAILED: "unit/usecases::test_a_failing_case_stops_a_promotion",
    Code.CONTACTS_DATABASE: "unit/contacts::test_files_that_are_none",
    Code.CONTACTS_OTHER: "unit/usecases::test_what_environments_share_is_asked_of_those_too_that_are_not_promoted",
    Code.CONTACTS_PACKAGE: "unit/contacts::test_without_the_package",
    Code.CONTACTS_URL: "unit/contacts::test_files_that_are_none",
    Code.CONTACT_AMBIGUOUS: "unit/contacts::test_two_contacts_with_one_key_are_ambiguous",
    Code.DATES_NEVER_MEET: "unit/usecases::test_it_is_found_where_it_is",
    Code.DATA_ROW: "unit/usecases::test_data_that_is_wrong_stops_the_run_and_shows_no_value",
    Code.DELIVERY_RUNNING: "unit/diagnostics::test_two_deliveries_at_once",
    Code.EMPTY_CATEGORY: "unit/usecases::test_it_is_found_where_it_is",
    Code.ENDED: "unit/usecases::test_it_is_found_where_it_is",
    Code.EVIDENCE_UNREADABLE: "unit/usecases::test_evidence_that_was_edited_is_refused",
    Code.EVERYBODY_MEETS: "unit/usecases::test_it_is_proved_and_found_where_it_is",
    Code.FILE_TOO_LARGE: "unit/specs::test_a_file_over_the_limit_is_not_read",
    Code.FORGE: "unit/forges::test_wrong_json_is_told",
    Code.FORGE_LIMIT: "unit/forges::test_a_limit_that_is_too_long_is_told_at_once",
    Code.FORGE_REFUSES: "unit/forges::test_a_pull_request_and_its_reviews",
    Code.FORGE_SETTINGS: "unit/forges::test_what_is_missing_or_strange_is_told_without_the_token",
    Code.HOOK_ANSWER: "cases/engine/step07-and-10-hooks.yaml",
    Code.HOOK_FAILED: "unit/engine::test_a_hook_that_cannot_be_imported_says_why",
    Code.HOOK_MISSING: "cases/engine/step07-and-10-hooks.yaml",
    Code.IMPACT_UNMEASURED: "unit/usecases::test_what_cannot_be_measured_is_refused_or_overridden",
    Code.INSIDE_SPECS: "unit/cli::test_no_project_among_the_specs_of_another",
    Code.KEY_SIGNATURE: "unit/server::test_no_character_of_it_may_be_another",
    Code.LINK_OUTSIDE: "unit/contacts::test_files_that_are_none",
    Code.LONELY_THEME: "bad_input::test_a_theme_that_looks_misspelt_is_a_warning",
    Code.LONE_ZERO: "unit/usecases::test_it_is_found_where_it_is",
    Code.MISSING_CALL_DATA: "unit/usecases::test_a_call_still_has_to_pass_what_is_required",
    Code.NOBODY_MEETS: "unit/usecases::test_it_is_proved_and_found_where_it_is",
    Code.NOT_AS_SHOWN: "unit/usecases::test_what_was_shown_otherwise_is_refused_alone",
    Code.NOT_A_PERSON: "unit/specs::test_an_automation_is_named_where_a_person_decides",
    Code.NOT_A_READER: "unit/server::test_what_tells_contacts_apart_is_refused",
    Code.NOT_REVIEWED: "unit/usecases::test_who_wrote_it_approves_nothing",
    Code.NOT_THE_REVIEWED: "unit/usecases::test_what_was_applied_is_what_was_reviewed",
    Code.NOT_UTF8: "bad_input::test_not_utf8",
    Code.NOT_A_DESIGN_READER: "unit/server::test_design_is_kept_from_who_may_not_read_it",
    Code.FROZEN: "unit/usecases::test_nothing_goes_live_in_a_freeze",
    Code.OUTSIDE_WINDOWS: "unit/usecases::test_only_in_windows",
    Code.SCHEDULE_TIME: "unit/usecases::test_times_that_are_none",
    Code.NOT_SCHEDULED: "unit/usecases::test_who_may_withdraw",
    Code.SCHEDULE_LAPSED: "unit/usecases::test_a_late_run",
    Code.SCHEDULE_FULL: "unit/usecases::test_only_so_many_wait",
    Code.ALREADY_SCHEDULED: "unit/usecases::test_the_same_promotion_is_scheduled_once",
    Code.WEBHOOK_DEAD: "unit/usecases::test_given_up_and_tried_again",
    Code.NO_IMPACT: "unit/usecases::test_the_impact_is_that_of_a_plan",
    Code.NO_ROOM: "unit/diagnostics::test_no_room_for_contacts",
    Code.NO_SOLVER: "unit/prove::test_without_the_solver_the_command_says_how_to_install_it",
    Code.NO_WORKING_DIRECTORY: "bad_input::test_a_working_directory_that_is_gone",
    Code.OUTWEIGHED: "unit/usecases::test_an_offer_that_is_always_outweighed",
    Code.PACKAGE_MISSING: "unit/diagnostics::test_no_package_to_serve_with",
    Code.PLAN_EXPLANATION: "unit/usecases::test_a_warning_is_a_note_that_no_file_can_leave_out",
    Code.PLAN_PROJECT: "unit/applier::test_of_another_project",
    Code.PROPOSITION_EXISTS: "unit/store::test_all_of_a_call_or_none",
    Code.PULL_REQUEST_UNREADABLE: "unit/reports::test_data_that_is_none_is_refused",
    Code.REMOTE: "unit/store::test_what_a_server_answers",
    Code.REMOTE_NOT_THERE: "slow::test_what_needs_the_store_itself_says_so",
    Code.REPORT_FORMAT: "unit/reports::test_a_format_that_a_result_does_not_have_is_refused_with_those_it_has",
    Code.REVIEWERS_GONE: "attacks::test_honest_override_where_the_reviewer_is_gone",
    Code.RULE_CONTAINED: "unit/usecases::test_a_rule_in_another",
    Code.SHARED_ACCOUNT: "unit/specs::test_operators_whom_a_forge_cannot_tell_apart",
    Code.SHARED_EMAIL: "unit/specs::test_operators_whom_git_cannot_tell_apart",
    Code.SHORT_OUTLINE: "unit/usecases::test_a_count_that_an_outline_never_reaches_is_told",
    Code.SPARK_FAILED: "slow::test_a_failure_is_told_in_a_line",
    Code.STORE_CONFLICT: "unit/diagnostics::test_a_key_that_others_took",
    Code.STORE_CONNECTION: "unit/store::test_no_server",
    Code.STORE_FULL: "bad_input::test_full",
    Code.STORE_OTHER: "unit/diagnostics::test_another_projects_store",
    Code.STORE_PACKAGE: "unit/store::test_without_the_driver",
    Code.STORE_READ_ONLY: "unit/store::test_a_reader_cannot_write",
    Code.STORE_REPLACED: "unit/store::test_a_commit_that_nobody_finds_is_refused",
    Code.STORE_VERSION: "unit/store::test_a_newer_format",
    Code.TOKEN_SCOPE: "unit/server::test_it_is_told_before_anything_is_sent",
    Code.UNREACHABLE: "unit/usecases::test_it_is_found_where_it_is",
    Code.FACT_HIDDEN: "unit/usecases::test_call_data_named_like_a_fact_of_the_call_is_noted",
    Code.NEVER_STORED: "unit/usecases::test_a_rule_that_counts_by_what_nothing_stores_is_noted",
    Code.UNUSED_FILTER: "unit/usecases::test_it_is_found_where_it_is",
    Code.UNREAD_FIELD: "unit/usecases::test_a_field_of_offers_that_nothing_reads_is_noted",
    Code.NEVER_PRODUCT: "unit/usecases::test_a_text_about_products_that_never_are_is_noted",
    Code.UNUSED_PARAMETER: "unit/usecases::test_it_is_found_where_it_is",
    Code.WEIGHT_NEVER_WINS: "unit/usecases::test_a_weight_that_never_wins",
}
"""The folder and the name of a test that triggers a code and asserts it; or a file of cases that the engine decides."""


def test_every_code_is_triggered() -> None:
    """By a row, a session, a situation or a test; and none is named twice that has none of them."""
    rows = {Code(row["code"]) for row in load_yaml(TESTS / "bad_input/cases.yaml")}
    told = re.compile(r"^[!\s]*(?:error|warning)\[(OFR[0-9]{3})\]", re.MULTILINE)
    sessions = {
        Code(code)
        for path in (TESTS / "scripts").glob("*.txt")
        for code in told.findall(path.read_text(encoding="utf-8"))
    }
    elsewhere = rows | sessions | {one.code for one in SITUATIONS.values()}
    assert set(Code) - elsewhere - set(TRIGGERED_BY) == set(), (
        "give each of these codes a trigger: bad input in tests/bad_input/cases.yaml, a session in tests/scripts, "
        "a Situation here, or a test that TRIGGERED_BY names"
    )
    assert set(CODES) == set(Code)


@pytest.mark.parametrize("code", TRIGGERED_BY, ids=str)
def test_the_test_that_triggers_a_code_names_it(code: Code) -> None:
    """It is there, and asserts this code."""
    place, _, name = TRIGGERED_BY[code].partition("::")
    names = re.compile(rf"Code\.{code.name}\b|\b{code.value}\b")
    texts = [text_of_test(path, name) for path in (TESTS / place).glob("test_*.py")] if name else [read(TESTS / place)]
    assert any(names.search(text) for text in texts)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def text_of_test(path: Path, name: str) -> str:
    """The source of a test with its decorators and the functions and tables of its module that it names; empty without it."""
    content = read(path)
    if f"def {name}(" not in content:
        return ""
    lines = content.splitlines()
    parts: dict[str, ast.stmt] = {}
    for node in ast.parse(content).body:
        if isinstance(node, ast.FunctionDef):
            parts[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                parts[target.id] = node
    test = parts[name]
    used = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)} & set(parts)
    texts = []
    for node in (test, *(parts[each] for each in used)):
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        texts.append("\n".join(lines[first - 1 : node.end_lineno]))
    return "\n".join(texts)


# ---- The commands of hints exist


_QUOTED = re.compile(r"[“`]((?:offerkit|git) [^”`]*)[”`]|: (offerkit [^\n]*)$|\((offerkit [^)]*)\)")
_LOOSE = re.compile(rf"\bofferkit (?:{'|'.join(sorted(COMMANDS))})\b(?: -?-?[\w./{{}}…-]+)*")
_NO_COMMANDS = (
    "git keeps its files",
    *(f"offerkit {verb} " for verb in ("cannot", "did", "does", "has", "is", "looks")),
)
GIT = ("add", "clone", "commit", "config", "fetch", "init", "log", "merge")


@dataclass(frozen=True)
class Mention:
    """A command that a text of the program names."""

    at: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.at}: {' '.join(self.words)}"


@cache
def mentions() -> tuple[Mention, ...]:
    """Every command in a string of the program that is no docstring; values that are put in are “X”."""
    return tuple(each for path in sorted((ROOT / "offerkit").rglob("*.py")) for each in mentions_of(path))


def mentions_of(path: Path) -> Iterator[Mention]:
    """Those of one module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in aside or not isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
            continue
        text = text_of(node)
        if not isinstance(node, ast.Constant):
            aside |= {id(part) for part in ast.walk(node)}
        for command in commands_of(text):
            yield Mention(f"{path.relative_to(ROOT)}:{node.lineno}", tuple(command))


def text_of(node: ast.expr) -> str:
    """A string as it is written, with X for what is put in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(text_of(part) for part in node.values)
        case ast.BinOp(op=ast.Add()):
            return text_of(node.left) + text_of(node.right)
        case _:
            return "X"


def commands_of(text: str) -> Iterator[list[str]]:
    """The commands that a text names, as words; of one without quotes only what is sure to be part of it."""
    if "offerkit " not in text and "git " not in text:
        return
    quoted = [next(filter(None, match.groups())) for match in _QUOTED.finditer(text)]
    for command in quoted:
        sentence = re.split(r"[.;,:] |[.;,:]$| and | or | to see ", command)[0]
        if not sentence.startswith(_NO_COMMANDS):
            yield [word.strip("'\"") for word in sentence.split()]
    for match in _LOOSE.finditer(text):
        first, second, *rest = match[0].split()
        yield [first, second, *(word.rstrip(".") for word in rest if word.startswith("-"))]


def test_there_are_commands_in_hints() -> None:
    """They are found: a test of none would prove nothing."""
    named = {mention.words[1] for mention in mentions() if mention.words[0] == "offerkit"}
    assert {
        "apply",
        "approve",
        "ci",
        "deliver",
        "export",
        "fmt",
        "graph",
        "history",
        "init",
        "override",
        "plan",
    } <= named
    assert len(mentions()) > 80


def test_every_command_that_is_named_exists() -> None:
    """It is a command, and its options and the number of its arguments are those that it has."""
    wrong = [f"{mention}: {why}" for mention in mentions() if (why := unknown(mention.words))]
    assert wrong == [], "\n".join(wrong)


def unknown(words: tuple[str, ...]) -> str:
    """What offerkit or git does not know of a command; empty when all is well."""
    if words[0] == "git":
        return (
            ""
            if words[words[1].startswith("-") + bool(words[1] == "-C") + 1] in (*GIT, "pull")
            else "no command of git"
        )
    command: click.Command = cli
    rest = list(words[1:])
    known = options_of(cli)
    while isinstance(command, click.Group) and rest:
        inner = command.get_command(click.Context(command), rest[0])
        if inner is None:
            return f"there is no {rest[0]}" if command is cli or not rest[0].startswith("-") else ""
        command, rest = inner, rest[1:]
        known |= options_of(command)
    count = 0
    while rest:
        word = rest.pop(0)
        if word.startswith("-") and word != "-":
            name, _, value = word.partition("=")
            if "X" in name or name == "--":  # it is made up of what stands there
                continue
            if name not in known:
                return f"no option {name}"
            if known[name] and not value and rest:
                rest.pop(0)
        elif word not in ("…", "X"):
            count += 1
    takes = [each.nargs for each in command.params if isinstance(each, click.Argument)]
    return "" if -1 in takes or count <= sum(takes) else f"{count} arguments"


def options_of(command: click.Command) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    return {
        name: not option.is_flag
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    } | {"--help": False}
