"""What leads a project into a situation in which a code is printed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from attacks.attacking import Session

from offerkit.diagnostics import Code

HELLO = {"hello": {"category": "bank", "content": {"title": "Hello"}, "spaces": ["newsletter"]}}
MAIL = {
    "outlines": {"list": {"offers": ["hello"]}},
    "deliveries": {"mail": {"space": "newsletter", "outline": "list"}},
}


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
    team.edit(offers=HELLO)
    team.honestly("omar", "olga", "brand", "risk")
    team.edit(campaigns={"winter": MAIL})
    team.do("dora", "apply --yes", "deliver winter/mail")


def not_applied_campaign(team: Session) -> None:
    """A campaign that is declared, and not in live."""
    team.edit(offers=HELLO)
    team.honestly("omar", "olga", "brand", "risk")
    team.edit(campaigns={"winter": MAIL})


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
    team.edit(offers=HELLO)
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
