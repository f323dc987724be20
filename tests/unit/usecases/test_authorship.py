"""Who wrote what is applied: who applies, whom they name, and whom commits name."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from helpers.serving import client
from helpers.tokens import token
from helpers.workspace import Workspace

from offerkit.address import Stage, parse_address
from offerkit.diagnostics import Code, Refused
from offerkit.governance.authors import Authors, authors_in
from offerkit.governance.rights import ALL_SCOPES, Actor, may_stop
from offerkit.plans.make import AddressPatterns
from offerkit.plans.plan import NO_ORIGIN, Plan, PlanOrigin, envelope
from offerkit.specs.commits import Commits, UntoldError
from offerkit.store import RevisionRow
from offerkit.store.stage_snapshots import Stages, stage_view
from offerkit.usecases.apply import apply
from offerkit.usecases.authorship import ForgeConfirmation, origin_of
from offerkit.usecases.plan import plan as make_plan

SAFARI = "shop/offer.safari"
OPERATORS = "specs/shared.yaml"
HERE = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}


@pytest.fixture
def shop(shop: Workspace) -> Workspace:
    """Applied by ada, with an automation and everybody's e-mail."""
    known = shop.files[OPERATORS]["operators"]
    emails = {name: {"email": f"{name}@example.com"} for name in known}
    robot = {"profile": "administrator", "email": "robot@example.com", "automation": True}
    shop.change({OPERATORS: {"operators": {**emails, "robot": robot}}})
    shop.apply("ada")
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "More lions"}}}}})
    return shop


def separate(shop: Workspace) -> None:
    """Separate duties, and let ada apply that alone."""
    shop.change({"environments/shop.yaml": {"environment": {"promotion": {"separation_of_duties": True}}}})
    shop.apply("ada", "shop/environment.*")


def carried_out(shop: Workspace, who: str, origin: PlanOrigin = NO_ORIGIN, plan: Plan | None = None) -> RevisionRow:
    session = shop.session(who, origin=origin)
    return apply(session, plan or make_plan(session, AddressPatterns.of((), ()))).revision


def refused(shop: Workspace, who: str, origin: PlanOrigin = NO_ORIGIN) -> list[Code]:
    with pytest.raises(Refused) as caught:
        carried_out(shop, who, origin)
    return [found.code for found in caught.value.diagnostics]


def test_a_person_is_an_author_and_names_add_to_that(shop: Workspace) -> None:
    made = carried_out(shop, "ada", PlanOrigin(commit="a" * 40, whole=True, named=("olga",), authors=("omar", "ada")))
    assert made.details == {"authors": ["ada", "olga", "omar"], "commit": "a" * 40, "whole": True}
    assert authors_in(made) == ("ada", "olga", "omar")


def test_a_person_alone(shop: Workspace) -> None:
    assert carried_out(shop, "ada").details == {"authors": ["ada"]}


@pytest.mark.parametrize(
    ("who", "origin", "codes"),
    [
        ("ada", PlanOrigin(named=("olqa",)), [Code.NO_OPERATOR]),
        ("ada", PlanOrigin(named=("robot",)), [Code.NOT_A_PERSON]),
        ("ada", PlanOrigin(authors=("nobody",)), [Code.NO_OPERATOR]),
        ("robot", NO_ORIGIN, [Code.AUTHORS]),
        ("robot", PlanOrigin(named=("olga",), doubts=("x",), edited=("x",)), [Code.AUTHORS]),
        ("robot", PlanOrigin(named=("robot",)), [Code.NOT_A_PERSON]),
    ],
)
def test_who_is_no_author(shop: Workspace, who: str, origin: PlanOrigin, codes: list[Code]) -> None:
    assert refused(shop, who, origin) == codes


def test_an_automation_names_authors(shop: Workspace) -> None:
    assert carried_out(shop, "robot", PlanOrigin(named=("olga",), doubts=("no git",))).details == {"authors": ["olga"]}


@pytest.mark.parametrize(
    "origin",
    [
        PlanOrigin(named=("olga",)),
        PlanOrigin(authors=("olga",), doubts=("a part of the history is missing",)),
        PlanOrigin(authors=("olga",), unverified=("no signature",)),
    ],
)
def test_where_duties_are_separated_that_is_not_enough(shop: Workspace, origin: PlanOrigin) -> None:
    separate(shop)
    assert refused(shop, "robot", origin) == [Code.AUTHORS]
    assert carried_out(shop, "robot", PlanOrigin(authors=("olga",))).details["authors"] == ["olga"]


def test_an_automation_decides_nothing(shop: Workspace) -> None:
    for decide in (shop.approve, shop.reject):
        with pytest.raises(Refused) as caught:
            decide("robot", SAFARI)
        assert [found.code for found in caught.value.diagnostics] == [Code.NOT_A_PERSON]


def test_an_automation_stops_nothing() -> None:
    robot, ada = Actor("robot", "administrator", automation=True), Actor("ada", "administrator")
    found = may_stop(robot, "shop", ("robot",))
    assert found is not None and found.code is Code.NOT_A_PERSON
    assert may_stop(ada, "shop", ()) is None


def test_an_automation_rolls_no_design_back(shop: Workspace) -> None:
    shop.apply("ada")
    with pytest.raises(Refused) as caught:
        shop.rollback("robot", "shop@design", 1)
    assert [found.code for found in caught.value.diagnostics] == [Code.NOT_A_PERSON]
    shop.rollback("ada", "shop@design", 1)


def test_a_server_is_told_where_it_comes_from(shop: Workspace) -> None:
    plan = shop.plan()
    asked: dict[str, Any] = {"plan": envelope(plan).decode(), "message": "by a job"}
    with client(shop) as asking:
        robot = {"Authorization": f"Bearer {token(shop, 'robot', ALL_SCOPES)}"}
        answer = asking.post("/api/v1/store/apply", json=asked, headers=robot)
        assert "OFR762" in answer.text
        wrong = {**asked, "origin": {"commit": "HEAD", "authors": ["olga"]}}
        assert asking.post("/api/v1/store/apply", json=wrong, headers=robot).status_code == 422
        right = {**asked, "origin": {"commit": "b" * 40, "whole": True, "authors": ["olga"]}}
        answer = asking.post("/api/v1/store/apply", json=right, headers=robot)
    assert answer.json()["revision"]["details"] == {"authors": ["olga"], "commit": "b" * 40, "whole": True}


def test_what_is_live_already_has_no_author_any_more(shop: Workspace) -> None:
    """Of settings, the authors are those of what design has and live does not."""
    space = parse_address("shop/space.web")

    def authors() -> list[str]:
        with shop.store() as store:
            stages = Stages(store)
            found = Authors(store, stages.side(Stage.DESIGN), lambda: stage_view(store, Stage.LIVE)).of_change(space)
        return sorted(found)

    assert authors() == ["ada"]
    shop.go_live(anew=True)
    assert authors() == []
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"label": "One"}}}})
    shop.apply("omar", "shop/space.*")
    shop.change({"specs/shop/spaces.yaml": {"spaces": {"web": {"label": "Two"}}}})
    shop.apply("olga", "shop/space.*")
    assert authors() == ["olga", "omar"]


# Commits


def git(folder: Path, *words: str, who: str = "ada", **environ: str) -> None:
    email = f"{who}@example.com"
    people = {
        f"GIT_{role}_{what}": v for role in ("AUTHOR", "COMMITTER") for what, v in (("NAME", who), ("EMAIL", email))
    }
    subprocess.run(["git", *words], cwd=folder, env=HERE | people | environ, check=True, capture_output=True)


@pytest.fixture
def repository(shop: Workspace) -> Workspace:
    """The shop in a repository, one folder below its top, as ada committed it."""
    (shop.root / ".gitignore").write_text(".offerkit/\n")
    git(shop.root, "init", "-q")
    git(shop.root, "add", "-A")
    git(shop.root, "commit", "-qm", "Begin")
    return shop


def origin(shop: Workspace, who: str = "ada") -> PlanOrigin:
    session = shop.session(who, environ=HERE)
    made = make_plan(session, AddressPatterns.of((), ()))
    return origin_of(session, made, made)


@pytest.mark.embedded
def test_no_commit_and_no_repository(shop: Workspace) -> None:
    assert origin(shop).doubts[0].startswith("git says: not a git repository")
    git(shop.root, "init", "-q")
    assert "needed a single revision" in origin(shop).doubts[0].lower()
    with pytest.raises(UntoldError):
        Commits(shop.root, HERE)


@pytest.mark.embedded
def test_co_authors_are_found_anywhere_in_the_text(repository: Workspace) -> None:
    (repository.root / "specs/shop/offers.yaml").open("a").write("# x\n")
    text = "Change\n\nCO-AUTHORED-BY:Olga <OLGA@example.com>\n\nMore.\n  Co-authored-by: omar@example.com\n"
    git(repository.root, "commit", "-qam", text, who="robot")
    found = origin(repository)
    assert found.authors == ("ada", "olga", "omar") and not found.doubts and found.whole


@pytest.mark.embedded
def test_what_is_not_committed_is_told(repository: Workspace) -> None:
    repository.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "x"}}}})
    found = origin(repository)
    assert (found.commit, found.whole) == ("", False)
    assert found.edited == ("specs/shop/offers.yaml has uncommitted changes",)


@pytest.mark.embedded
def test_the_applied_commit_is_where_the_next_one_begins(repository: Workspace) -> None:
    carried_out(repository, "ada", origin(repository))
    repository.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Saver!"}}}})
    git(repository.root, "commit", "-qam", "Change", who="olga")
    assert origin(repository).authors == ("olga",)
    with repository.store() as store:
        serial = store.last_serial()
    repository.rollback("ada", "shop@design", serial - 1)  # what was changed otherwise in between: all commits count
    assert origin(repository).authors == ("ada", "olga")


@pytest.mark.embedded
def test_who_is_no_operator_and_a_job_are_no_authors(repository: Workspace) -> None:
    carried_out(repository, "ada", origin(repository))
    for who in ("stranger", "robot"):
        repository.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": who}}}})
        git(repository.root, "commit", "-qam", "Change", who=who)
    found = origin(repository)
    assert found.authors == ()
    assert [doubt.partition(" ")[2].partition(" ")[2] for doubt in found.doubts] == [
        "has no author who is an operator and a person", "names an author whose e-mail belongs to no operator",
        "has no author who is an operator and a person",
    ]  # fmt: skip
    assert "stranger" not in str(found)


@pytest.mark.embedded
def test_accounts_that_a_forge_has_verified(repository: Workspace) -> None:
    """They vouch for the committer, or on GitHub's pages for the author; a private address names its account."""
    private = {f"GIT_{role}_EMAIL": "77+olga@users.noreply.github.com" for role in ("AUTHOR", "COMMITTER")}
    repository.change({OPERATORS: {"operators": {"olga": {"accounts": {"github": 77}}}}})
    git(repository.root, "commit", "-qam", "Account")
    repository.apply("ada")
    separate(repository)
    repository.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Saver!"}}}})
    git(repository.root, "commit", "-qam", "Change", who="olga", **private)
    oid = Commits(repository.root, HERE).head
    session = repository.session("robot", environ=HERE)
    made = make_plan(session, AddressPatterns.of((), ()))
    known = (ForgeConfirmation(), ForgeConfirmation({oid: ("olga",)}))
    claimed, sure = (origin_of(session, made, made, confirmed=each) for each in known)
    assert "olga" in claimed.authors and f"commit {oid[:12]} has no operator signature" in str(claimed.unverified)
    assert "olga" in sure.authors and oid[:12] not in str((sure.unverified, sure.doubts))
    pages = {"GIT_COMMITTER_EMAIL": "noreply@github.com", "GIT_AUTHOR_EMAIL": "olga@home.example"}
    git(repository.root, "commit", "--amend", "-qm", "By a page\n\nCo-authored-by: <x@home.example>", **pages)
    oid = Commits(repository.root, HERE).head
    found = origin_of(session, made, made, confirmed=ForgeConfirmation({oid: ("olga",)}))
    assert "olga" in found.authors and oid[:12] not in str(found.unverified)
    assert f"commit {oid[:12]} names an author whose e-mail belongs to no operator" in str(found.doubts), (
        "nobody vouches for others"
    )


@pytest.mark.embedded
@pytest.mark.slow
def test_a_signature_by_gpg(repository: Workspace, tmp_path: Path) -> None:
    separate(repository)
    git(repository.root, "commit", "-qam", "Separate duties")
    carried_out(repository, "ada", origin(repository))
    home = tmp_path / "g"
    home.mkdir(mode=0o700)
    environ = HERE | {"GNUPGHOME": str(home)}
    words = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "Olga <olga@example.com>", "ed25519", "sign"]
    subprocess.run(words, env=environ, check=True, capture_output=True)
    repository.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Saver!"}}}})
    git(
        repository.root,
        "commit",
        "-qam",
        "Change",
        "-S",
        "--gpg-sign=olga@example.com",
        who="omar",
        GNUPGHOME=str(home),
    )
    session = repository.session("robot", environ=environ)
    made = make_plan(session, AddressPatterns.of((), ()))
    found = origin_of(session, made, made)
    assert (found.authors, found.unverified, found.doubts) == (("olga", "omar"), (), ())
    trust = subprocess.run(["gpg", "--export-ownertrust"], env=environ, capture_output=True, check=True).stdout
    less = trust.replace(b":6:", b":2:")
    subprocess.run(["gpg", "--import-ownertrust"], input=less, env=environ, check=True, capture_output=True)
    assert len(origin_of(session, made, made).unverified) == 1


@pytest.mark.embedded
@pytest.mark.parametrize(("honest", "expected"), [(True, ("omar",)), (False, ("ada", "olga", "omar"))])
def test_a_claimed_commit_counts_if_what_it_says_was_applied(
    repository: Workspace, honest: bool, expected: tuple[str, ...]
) -> None:
    """Through a server olga says which commit she applied; omar's commit builds on it."""
    plan = repository.plan()  # without her commit
    repository.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Saver!"}}}})
    git(repository.root, "commit", "-qam", "Change", who="olga")
    claim = {"commit": Commits(repository.root, HERE).head, "whole": True}
    sent = {"plan": envelope(repository.plan() if honest else plan).decode(), "origin": claim}
    with client(repository) as asking:
        olga = {"Authorization": f"Bearer {token(repository, 'olga', ALL_SCOPES)}"}
        made = asking.post("/api/v1/store/apply", json=sent, headers=olga).json()["revision"]
    assert made["details"] == {"authors": ["olga"], "claimed": True, **claim}
    repository.change({"specs/shop/offers.yaml": {"offers": {"saver": {"label": "Saver!!"}}}})
    git(repository.root, "commit", "-qam", "Change", who="omar")
    found = origin(repository)
    assert found.authors == expected and not found.doubts
