"""Who wrote what is applied is said by the commits, too, not only by who applies it."""

from __future__ import annotations

import pytest
from attacking import Session, broken_if

ADA = {"NAME": "ada", "EMAIL": "ada@example.com"}


def commit(team: Session, author: str, message: str = "Change", committer: str = "") -> None:
    """Commit all there is in the name of an operator, known to git by e-mail."""
    name = committer or author
    who = {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": f"{name}@example.com"}
    team.git("add --all")
    team.git(f"commit --quiet --author '{author} <{author}@example.com>' -m '{message}'", **who)


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


def heavy(team: Session, weight: int = 99) -> None:
    """Another weight in the files."""
    team.edit(offers={"saver": {"weights": [{"weight": weight}]}})


def approved_by_olga(team: Session) -> bool:
    """ada applies what is committed, as a job does; olga approves it; whether that is live."""
    team.do("ada", "apply --yes")
    team.attempt("olga", "approve offer.saver")
    team.attempt("ada", "promote --yes")
    return bool(team.live().weight("saver") == 99)


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
    ada = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in ADA.items()}
    repository.git("merge --quiet --no-ff -m Merge topic", **ada)
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
