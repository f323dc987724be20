"""Who wrote what is applied is said by the commits, too, not only by who applies it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from attacking import Session, broken_if, variants
from committing import ROBOT, Keys, approved_by_olga, by, commit, heavy, live_by_robot, signed


@pytest.fixture
def repository(team: Session) -> Session:
    """The project in git, committed by ada and applied from there."""
    team.save(".gitignore", ".offerkit/\nplans/\n")
    team.git("init --quiet")
    commit(team, "ada", "Begin")
    team.edit(offers={"safari": {"weights": [{"weight": 1}]}})
    commit(team, "ada", "Less of it")
    team.do("ada", "apply --yes")
    return team


def test_who_wrote_the_commit_approves(repository: Session) -> None:
    """olga's commit, applied by ada."""
    heavy(repository)
    commit(repository, "olga")
    broken_if(approved_by_olga(repository), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_who_wrote_an_earlier_commit_approves(repository: Session) -> None:
    """olga's commit, with one of omar's on the same file after it."""
    heavy(repository)
    commit(repository, "olga")
    repository.edit(offers={"safari": {"weights": [{"weight": 8}]}})
    commit(repository, "omar")
    broken_if(approved_by_olga(repository), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_co_author_approves(repository: Session) -> None:
    """omar's commit, with olga as its co-author."""
    heavy(repository)
    commit(repository, "omar", "Change\n\nCo-authored-by: olga <olga@example.com>")
    broken_if(approved_by_olga(repository), "olga decided on what olga has written with another")


@pytest.mark.slow
def test_committer_approves(repository: Session) -> None:
    """omar's commit, rewritten and committed by olga."""
    heavy(repository)
    commit(repository, "omar", committer="olga")
    broken_if(approved_by_olga(repository), "olga decided on what olga has committed")


@pytest.mark.slow
def test_author_of_a_merged_branch_approves(repository: Session) -> None:
    """olga's branch, merged by ada."""
    repository.git("checkout --quiet -b topic")
    heavy(repository)
    commit(repository, "olga")
    repository.git("checkout --quiet -")
    repository.git("merge --quiet --no-ff -m Merge topic", **by("ada"))
    broken_if(approved_by_olga(repository), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_who_applies_approves(repository: Session) -> None:
    """The commit is omar's; alan, who applied it and wrote nothing before, approves."""
    heavy(repository)
    commit(repository, "omar")
    repository.do("alan", "apply --yes")
    repository.attempt("alan", "approve offer.saver", "promote --yes")
    broken_if(repository.live().weight("saver") == 99, "a person who applies is an author")


def test_honest_commit(repository: Session) -> None:
    """omar's commit, applied by ada, approved by olga."""
    heavy(repository)
    commit(repository, "omar")
    assert approved_by_olga(repository)


# An automation


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """Keys outside of the project."""
    folder = tmp_path / "keys"
    folder.mkdir()
    return Keys(folder)


@pytest.fixture
def pipeline(repository: Session, keys: Keys) -> Session:
    """The repository with an automation, which ada has applied."""
    repository.environ["GIT_CONFIG_GLOBAL"] = str(keys.config)
    repository.edit(operators={"robot": ROBOT})
    commit(repository, "ada", "Add the robot")
    repository.do("ada", "apply --yes")
    return repository


def test_honest_automation(pipeline: Session, keys: Keys) -> None:
    """omar's signed commit, applied by the automation, approved by olga; the history says whose it is."""
    heavy(pipeline)
    signed(pipeline, keys, "omar")
    assert live_by_robot(pipeline)
    (line,) = (row for row in json.loads(pipeline.do("", "history --format json")) if row["actor"] == "robot")
    assert line["authors"] == ["omar"] and len(line["commit"]) == 40


def unsigned(team: Session, keys: Keys) -> None:
    """A commit in omar's name, by olga, that nobody signed."""
    heavy(team)
    commit(team, "omar")


def signed_by_olga(team: Session, keys: Keys) -> None:
    """A commit in omar's name that olga signed."""
    heavy(team)
    signed(team, keys, "omar", by="olga@example.com")


def signed_by_a_stranger(team: Session, keys: Keys) -> None:
    """A commit in omar's name, signed with a key that nobody knows."""
    heavy(team)
    keys.of("stranger@example.com", known=False)
    signed(team, keys, "omar", by="stranger@example.com")


def key_in_the_repository(team: Session, keys: Keys) -> None:
    """The file of known keys is committed beside the specs, and the repository's configuration names it."""
    heavy(team)
    key = keys.of("stranger@example.com", known=False)
    team.save("signers", f"omar@example.com {key.with_suffix('.com.pub').read_text()}")
    team.git(f"config gpg.ssh.allowedSignersFile {team.root}/signers")
    signed(team, keys, "omar", by="stranger@example.com")


def program_that_says_yes(team: Session, keys: Keys) -> None:
    """The repository's configuration names a program that finds every signature good."""
    team.save("yes.sh", "#!/bin/sh\necho 'Good \"git\" signature for omar@example.com with ED25519 key SHA256:x'\n")
    (team.root / "yes.sh").chmod(0o755)
    heavy(team)
    keys.of("stranger@example.com", known=False)
    signed(team, keys, "omar", by="stranger@example.com")
    team.git(f"config gpg.ssh.program {team.root}/yes.sh")


def replaced(team: Session, keys: Keys) -> None:
    """olga's signed commit, dressed up as omar's by a replacement that git would show instead."""
    heavy(team)
    commit(team, "olga")
    team.git("checkout --quiet -b other HEAD~1")
    heavy(team)
    signed(team, keys, "omar")
    team.git("checkout --quiet -")
    team.git("replace HEAD other")


def mailmap(team: Session, keys: Keys) -> None:
    """A mailmap that calls olga omar."""
    team.save(".mailmap", "omar <omar@example.com> <olga@example.com>\n")
    heavy(team)
    signed(team, keys, "olga")


def forge_without_a_signature(team: Session, keys: Keys) -> None:
    """A commit that only says that a forge has made it."""
    heavy(team)
    team.git("add --all")
    forge = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}
    team.git("commit --quiet --author 'omar <omar@example.com>' -m Change", **forge)


def not_committed(team: Session, keys: Keys) -> None:
    """omar's signed commit, and a weight beside it that is not committed."""
    team.edit(offers={"saver": {"weights": [{"weight": 7}]}})
    signed(team, keys, "omar")
    heavy(team)


def hidden_from_the_index(team: Session, keys: Keys) -> None:
    """The same, and git is told not to look at the file."""
    not_committed(team, keys)
    team.git("update-index --assume-unchanged specs/recipients/offers.yaml")


def ignored_file(team: Session, keys: Keys) -> None:
    """A spec that git ignores; omar's signed commit beside it."""
    team.edit(offers={"safari": {"label": "Safari!"}})
    team.save(".gitignore", ".offerkit/\nplans/\nspecs/recipients/secret.yaml\n")
    signed(team, keys, "omar")
    team.edit(offers={"saver": None})
    team.save("specs/recipients/secret.yaml", {"version": 1, "offers": {"saver": {
        "label": "Saver", "category": "bank", "weights": [{"weight": 99}], "content": {"title": "Save"},
        "spaces": ["web-home", "app"],
    }}})  # fmt: skip


def rewritten(team: Session, keys: Keys) -> None:
    """The history is made anew, in omar's name, so that nothing leads back to what was applied."""
    heavy(team)
    team.git("checkout --quiet --orphan anew")
    signed(team, keys, "omar")


def moved_by_another(team: Session, keys: Keys) -> None:
    """olga writes the weight; omar moves the file; signed, both."""
    heavy(team)
    signed(team, keys, "olga")
    team.git("mv specs/recipients/offers.yaml specs/recipients/all.yaml")
    signed(team, keys, "omar")


def carried_to_another_file(team: Session, keys: Keys) -> None:
    """olga writes the weight; omar carries the offer to a file of its own."""
    heavy(team)
    signed(team, keys, "olga")
    body = team.files["specs/recipients/offers.yaml"]["offers"]["saver"]
    team.edit(offers={"saver": None})
    team.save("specs/recipients/saver.yaml", {"version": 1, "offers": {"saver": body}})
    signed(team, keys, "omar")


def evil_merge(team: Session, keys: Keys) -> None:
    """omar's branch, in whose merge olga changes the weight."""
    team.git("checkout --quiet -b topic")
    team.edit(offers={"safari": {"label": "Safari!"}})
    signed(team, keys, "omar")
    team.git("checkout --quiet -")
    team.git("merge --quiet --no-ff --no-commit topic", **by("olga"))
    heavy(team)
    signed(team, keys, "olga")


def ours(team: Session, keys: Keys) -> None:
    """olga's weight was taken back and that was applied; a merge of omar's branch brings it again, by her choice."""
    heavy(team)
    signed(team, keys, "olga")
    team.git("branch topic")
    heavy(team, 3)
    signed(team, keys, "omar")
    team.do("ada", "apply --yes")
    team.git("checkout --quiet topic")
    team.save("specs/recipients/more.yaml", {"version": 1, "filters": {"old": {"when": "recipient.age >= 60"}}})
    signed(team, keys, "omar")
    team.git("checkout --quiet -")
    team.git("merge --quiet --no-ff --no-commit topic", **by("olga"))
    heavy(team)
    signed(team, keys, "olga")


def named_by_option(team: Session, keys: Keys) -> None:
    """The automation names omar as the author of what olga has committed unsigned."""
    heavy(team)
    commit(team, "olga")
    team.attempt("robot", "apply --yes --author omar")


def revoked(team: Session, keys: Keys) -> None:
    """omar's key was stolen and is revoked; the repository's configuration names an empty list of revoked keys."""
    key = keys.of("omar@example.com")
    (keys.folder / "revoked").write_text(key.with_suffix(".com.pub").read_text())
    with keys.config.open("a") as file:
        file.write(f"  revocationFile = {keys.folder}/revoked\n")
    team.git("config gpg.ssh.revocationFile /dev/null")
    heavy(team)
    signed(team, keys, "omar")


PRETEXTS: list[Callable[[Session, Keys], None]] = [
    unsigned, carried_to_another_file, signed_by_olga, signed_by_a_stranger, key_in_the_repository,
    program_that_says_yes, mailmap, forge_without_a_signature, revoked, not_committed, hidden_from_the_index,
    ignored_file, rewritten, moved_by_another, evil_merge, ours, named_by_option,
]  # fmt: skip


@pytest.mark.parametrize("pretext", variants(PRETEXTS))
def test_automation_applies_what_the_approver_wrote(
    pipeline: Session, keys: Keys, pretext: Callable[[Session, Keys], None]
) -> None:
    """olga writes, and makes it look like omar's; the automation applies it; olga approves it."""
    pretext(pipeline, keys)
    broken_if(live_by_robot(pipeline), "olga alone decided on what olga wrote")


DISGUISES: list[Callable[[Session, Keys], None]] = [
    replaced, mailmap, moved_by_another, carried_to_another_file, evil_merge, ours,
]  # fmt: skip


@pytest.mark.parametrize("disguise", variants(DISGUISES, quick=1))
def test_person_applies_what_the_approver_wrote(
    pipeline: Session, keys: Keys, disguise: Callable[[Session, Keys], None]
) -> None:
    """olga's commit does not look like hers at first; ada applies it; olga approves it."""
    disguise(pipeline, keys)
    broken_if(approved_by_olga(pipeline), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_honest_commit_in_the_pages_of_a_forge(pipeline: Session, keys: Keys) -> None:
    """The forge commits for omar, and signs that: omar is the author, and the forge none."""
    heavy(pipeline)
    forge = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}
    signed(pipeline, keys, "omar", by="noreply@github.com", **forge)
    assert live_by_robot(pipeline)


@pytest.mark.slow
def test_commit_in_the_pages_of_a_forge_approved_by_its_author(pipeline: Session, keys: Keys) -> None:
    """The same by olga, who then approves."""
    heavy(pipeline)
    forge = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}
    signed(pipeline, keys, "olga", by="noreply@github.com", **forge)
    broken_if(live_by_robot(pipeline), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_honest_commit_of_a_stranger(pipeline: Session) -> None:
    """Somebody who is no operator wrote it: a person applies it, and is an author."""
    heavy(pipeline)
    commit(pipeline, "stranger")
    assert not pipeline.attempt("robot", "apply --yes")
    assert approved_by_olga(pipeline)


@pytest.mark.slow
def test_honest_apply_without_git(team: Session) -> None:
    """A person needs no git."""
    heavy(team)
    assert approved_by_olga(team)


@pytest.mark.slow
def test_automation_without_git(team: Session) -> None:
    """An automation does, where duties are separated."""
    team.edit(operators={"robot": ROBOT})
    team.do("ada", "apply --yes")
    heavy(team)
    team.attempt("robot", "apply --yes --author omar")
    broken_if(live_by_robot(team), "nobody knows who wrote it")


@pytest.mark.slow
def test_automation_with_a_part_of_the_history(pipeline: Session, keys: Keys) -> None:
    """olga's commit is cut off; the one after it is omar's."""
    heavy(pipeline)
    signed(pipeline, keys, "olga")
    pipeline.edit(offers={"safari": {"label": "Safari!"}})
    signed(pipeline, keys, "omar")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=pipeline.root, capture_output=True, text=True, check=True
    ).stdout
    pipeline.save(".git/shallow", head)
    broken_if(live_by_robot(pipeline), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_automation_applies_a_part_first(pipeline: Session, keys: Keys) -> None:
    """olga's commit and omar's; a part is applied, so that the commit of it is recorded, and then the rest."""
    heavy(pipeline)
    signed(pipeline, keys, "olga")
    pipeline.edit(categories={"bank": {"label": "Banking"}})
    signed(pipeline, keys, "omar")
    pipeline.do("ada", "apply --yes recipients/category.bank")
    broken_if(live_by_robot(pipeline), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_automation_applies_a_saved_plan(pipeline: Session, keys: Keys) -> None:
    """A plan of something else than what is checked out."""
    heavy(pipeline)
    pipeline.do("olga", "plan --out plans/heavy.json")
    heavy(pipeline, 7)
    signed(pipeline, keys, "omar")
    pipeline.attempt("robot", "apply --yes plans/heavy.json")
    pipeline.attempt("olga", "approve offer.saver", "promote --yes")
    broken_if(pipeline.live().weight("saver") == 99, "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_automation_applies_again_what_was_taken_back(pipeline: Session, keys: Keys) -> None:
    """olga's weight is applied and taken back in design; omar's edit of the same offer brings it again."""
    serial = pipeline.serial()
    heavy(pipeline)
    signed(pipeline, keys, "olga")
    pipeline.do("robot", "apply --yes")
    pipeline.do("ada", f"rollback recipients@design --to {serial} --yes")
    pipeline.edit(offers={"saver": {"label": "Saver!"}})
    signed(pipeline, keys, "omar")
    broken_if(live_by_robot(pipeline), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_automation_approves(pipeline: Session, keys: Keys) -> None:
    """What the automation applied it approves."""
    heavy(pipeline)
    signed(pipeline, keys, "omar")
    broken_if(live_by_robot(pipeline, approver="robot"), "an automation is no reviewer")


@pytest.mark.slow
def test_automation_makes_the_first_apply(team: Session) -> None:
    """A store's first apply is a person's."""
    team.edit(operators={"robot": ROBOT})
    team.environ["OFFERKIT_STORE"] = str(team.root / ".offerkit/new.db")
    broken_if(team.attempt("robot", "apply --yes --create-store"), "nobody is the author of what a store begins with")
    team.do("ada", "apply --yes --create-store")


@pytest.mark.slow
def test_author_names_another(pipeline: Session) -> None:
    """olga applies what she wrote, and says that it is omar's."""
    heavy(pipeline)
    pipeline.do("olga", "apply --yes --exclude 'operator.*' --author omar")
    pipeline.attempt("olga", "approve offer.saver")
    pipeline.attempt("ada", "promote --yes")
    broken_if(pipeline.live().weight("saver") == 99, "--author adds people, and replaces nobody")


@pytest.mark.slow
def test_named_author_approves(pipeline: Session) -> None:
    """ada applies what olga dictated, and says so."""
    heavy(pipeline)
    pipeline.do("ada", "apply --yes --author olga")
    pipeline.attempt("olga", "approve offer.saver")
    pipeline.attempt("ada", "promote --yes")
    broken_if(pipeline.live().weight("saver") == 99, "a named author is one")


@pytest.mark.slow
def test_honest_saved_plan_beside_specs_that_cannot_be_read(pipeline: Session) -> None:
    """A person applies exactly what was saved, whatever is checked out; it is theirs."""
    heavy(pipeline)
    pipeline.do("ada", "plan --out plans/heavy.json")
    pipeline.save("specs/recipients/broken.yaml", "\tno: yaml")
    pipeline.do("ada", "apply --yes plans/heavy.json")
    assert not pipeline.attempt("ada", "approve offer.saver")
    pipeline.do("olga", "approve offer.saver")


@pytest.mark.slow
def test_addresses_swapped(pipeline: Session, keys: Keys) -> None:
    """olga and omar swap their e-mails in the specs, so that olga's signature is omar's."""
    swapped = {"olga": {"email": "omar@example.com"}, "omar": {"email": "olga@example.com"}}
    pipeline.edit(operators=swapped)
    pipeline.do("ada", "apply --yes")
    heavy(pipeline)
    signed(pipeline, keys, "olga")
    broken_if(live_by_robot(pipeline), "olga alone decided on what olga wrote")


@pytest.mark.slow
def test_honest_new_address(pipeline: Session, keys: Keys) -> None:
    """omar has a new e-mail, and signs with it; what he committed under the old one stays his."""
    pipeline.edit(operators={"omar": {"email": "omar@new.example"}})
    heavy(pipeline)
    signed(pipeline, keys, "omar")
    pipeline.do("ada", "apply --yes")
    assert not pipeline.attempt("omar", "approve offer.saver")
    pipeline.do("olga", "approve offer.saver")


@pytest.mark.parametrize("who", variants(["olga", "ada"], quick=1))
def test_automation_makes_an_administrator(pipeline: Session, keys: Keys, who: str) -> None:
    """olga commits that she is an administrator; then an administrator does."""
    pipeline.edit(operators={"olga": {"profile": "administrator"}})
    signed(pipeline, keys, who)
    done = pipeline.attempt("robot", "apply --yes")
    broken_if(done and who == "olga", "olga made herself an administrator")
    assert done or who == "olga"
