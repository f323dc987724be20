"""Commits of several people and keys that sign them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from attacking import Session


def by(name: str) -> dict[str, str]:
    """What makes git commit in somebody's name."""
    who = {"NAME": name, "EMAIL": f"{name}@example.com"}
    return {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in who.items()}


def commit(team: Session, author: str, message: str = "Change", committer: str = "") -> None:
    """Commit all there is in the name of an operator, known to git by e-mail."""
    name = committer or author
    who = {"GIT_COMMITTER_NAME": name, "GIT_COMMITTER_EMAIL": f"{name}@example.com"}
    team.git("add --all")
    team.git(f"commit --quiet --author '{author} <{author}@example.com>' -m '{message}'", **who)


def heavy(team: Session, weight: int = 99) -> None:
    """Another weight in the files."""
    team.edit(offers={"saver": {"weights": [{"weight": weight}]}})


def approved_by_olga(team: Session) -> bool:
    """ada applies what is committed, as a job does; olga approves it; whether that is live."""
    team.do("ada", "apply --yes")
    team.attempt("olga", "approve offer.saver")
    team.attempt("ada", "promote --yes")
    return bool(team.live().weight("saver") == 99)


ROBOT = {"profile": "administrator", "email": "robot@example.com", "automation": True}


class Keys:
    """SSH keys of operators, and the file that says whose they are; it lies outside of what is checked out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.allowed = folder / "allowed_signers"
        self.config = folder / "gitconfig"
        self.allowed.write_text("")
        self.config.write_text(f'[gpg "ssh"]\n  allowedSignersFile = {self.allowed}\n')

    def of(self, email: str, *, known: bool = True) -> Path:
        """The key of ``email``; ``known``: the machine that applies trusts it."""
        path = self.folder / email
        if not path.exists():
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", email, "-f", str(path)]
            subprocess.run(words, check=True, capture_output=True)
            if known:
                with self.allowed.open("a") as file:
                    file.write(f"{email} {path.with_suffix(path.suffix + '.pub').read_text()}")
        return path


def signed(team: Session, keys: Keys, author: str, message: str = "Change", *, by: str = "", **who: str) -> None:
    """Commit all there is, signed with the key of ``by`` (an e-mail; empty: the author's)."""
    email = f"{author}@example.com"
    key = keys.of(by or email)
    team.git("add --all")
    people = {"GIT_COMMITTER_NAME": author, "GIT_COMMITTER_EMAIL": email} | who
    options = f"-c gpg.format=ssh -c user.signingKey={key}"
    team.git(f"{options} commit --quiet -S --author '{author} <{email}>' -m '{message}'", **people)


def live_by_robot(team: Session, approver: str = "olga") -> bool:
    """The automation applies what is committed, ``approver`` approves it; whether that is live."""
    team.attempt("robot", "apply --yes")
    team.attempt(approver, "approve offer.saver")
    team.attempt("ada", "promote --yes")
    return bool(team.live().weight("saver") == 99)
