"""The authors of what an apply brings: the operator who applies it, those they name, and the authors of its commits.

A person who applies a plan is an author; so are the authors of all commits that touched the changed files since the
last applied commit. An automation is never an author, so commits or ``--author`` must name the authors; where duties
are separated, only verified commits count. The result is recorded with the revision, where
:mod:`offerkit.governance.authors` reads it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeAlias

import orjson

from offerkit.address import ADMINISTRATIVE_KINDS, SHARED, Address, Kind, Stage, StageRef, by_stage
from offerkit.diagnostics import Code, Diagnostic, Refused, suggestion
from offerkit.fingerprint import Json
from offerkit.governance.profiles import ADMINISTRATOR
from offerkit.governance.rights import Actor, only_people
from offerkit.plans.plan import Plan, PlanKind, PlanOrigin
from offerkit.reports.words import listing
from offerkit.specs.commits import Commit, Commits, UntoldError
from offerkit.state.changes import Entry, FormerAddress
from offerkit.state.names import NameHistory
from offerkit.store import Store
from offerkit.usecases.session import Session, declared_operators, operators, who_is
from offerkit.usecases.state_refs import state_named

FORGES = frozenset(("noreply@github.com", "noreply@gitlab.com"))
"""Committers of commits made in a forge's web pages. They are not authors if the forge itself signed the commit."""
_PRIVATE = re.compile(r"([0-9]{1,19})[+-][^@\s]{1,200}@users\.noreply\.(github|gitlab)\.com")
"""The address that a forge gives to users who keep their own private."""
_LOOKED_AT = 200
"""How many applies to search for the last one with a commit."""
_LISTED = 5


@dataclass(frozen=True)
class ForgeConfirmation:
    """What a forge says about a pull request that is applied.

    ``signed``: by commit, the operators whose accounts own the verified signature. ``authors``: of commits that are no
    longer in the history. ``doubts``: where these are unknown.
    """

    signed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    authors: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def origin_of(
    session: Session,
    plan: Plan,
    whole: Plan | None,
    named: tuple[str, ...] = (),
    confirmed: ForgeConfirmation | None = None,
) -> PlanOrigin:
    """Where ``plan`` comes from, according to the project's repository; ``whole``: what all of the specs would change.

    ``named``: the authors that the operator names. ``confirmed``: what a forge says. Never refuses: doubts matter only
    to some applies (:func:`authors_record`).
    """
    confirmation = confirmed or ForgeConfirmation()
    with session.reading() as store:
        known = operators(store) or declared_operators(plan)
        automation = who_is(session, store, plan).automation
        try:
            origin = _OriginReader(session, store, known, confirmation.signed).origin(
                plan, whole, named, signed=automation and store is not None and separated(store, plan)
            )
            authors = tuple(sorted({*origin.authors, *(set(confirmation.authors) - _automations(known))}))
            return replace(origin, authors=authors, doubts=(*origin.doubts, *confirmation.doubts))
        except UntoldError as error:
            return PlanOrigin(named=named, doubts=(str(error),))


def authors_record(session: Session, plan: Plan, actor: Actor) -> dict[str, Json]:
    """What to record about the authors of ``plan`` with its revision, once :func:`refusals` found nothing."""
    if plan.kind is not PlanKind.APPLY:
        return {}
    origin = session.origin
    own = () if actor.automation else (actor.name,)
    record: dict[str, Json] = {"authors": list(dict.fromkeys((*own, *origin.named, *sorted(origin.authors))))}
    if origin.commit:
        record |= {"commit": origin.commit, "whole": origin.whole}
        if session.through_server and not actor.automation:
            record["claimed"] = True  # by the sender of the plan; nobody has verified it
    return record


def refusals(session: Session, store: Store | None, plan: Plan, actor: Actor) -> Iterator[Diagnostic]:
    """Why ``actor`` cannot apply ``plan``: a named author is invalid, or an automation's authors are unknown."""
    origin = session.origin
    if plan.kind is PlanKind.APPLY:
        yield from _no_authors((*origin.named, *origin.authors), operators(store) or declared_operators(plan))
    first = actor.profile is None and declared_operators(plan).get(actor.name, {}).get("automation")
    if first:
        yield from only_people(Actor(actor.name, None, automation=True), "make the first apply of a store")
    if not actor.automation:
        return
    design = any(stage.stage is Stage.DESIGN for stage in (step.stage for step in plan.steps))
    if plan.kind is PlanKind.ROLLBACK and design:
        yield from only_people(actor, "roll back design: what comes back would have no author")
    if plan.kind is PlanKind.APPLY:
        yield from _unsure(store, plan, actor, origin)


def _unsure(store: Store | None, plan: Plan, actor: Actor, origin: PlanOrigin) -> Iterator[Diagnostic]:
    strict = store is None or separated(store, plan)
    reasons = (*origin.doubts, *origin.unverified) if strict else origin.edited
    for reason in reasons[:_LISTED]:
        yield Diagnostic(
            Code.AUTHORS,
            f"{actor.name} is an automation, and the authors of what it applies are not certain: {reason}",
            "Where duties are separated, the authors are those whose signed commits touched the changed files."
            if strict
            else "An automation only applies what is committed.",
            "Let a person apply it, who then counts as an author; or see docs/roles.md for what an automation needs.",
        )
    if not reasons and not (origin.authors or (origin.named and not strict)):
        yield Diagnostic(
            Code.AUTHORS,
            f"{actor.name} is an automation, and the authors of what it applies are unknown",
            "Authors must be known, because they are not allowed to approve their own changes."
            + ("" if strict else " No commit since the last applied one touched what changes."),
            "Let a person apply it." if strict else "Name the authors: --author OPERATOR.",
        )


def _no_authors(names: Iterable[str], known: Mapping[str, Mapping[str, Json]]) -> Iterator[Diagnostic]:
    for name in dict.fromkeys(names):
        if name not in known:
            hint = suggestion(name, known, f"Operators: {listing(sorted(known), 20)}.")
            yield Diagnostic(Code.NO_OPERATOR, f"author “{name[:80]}” is not an operator", hint=hint)
        elif known[name].get("automation"):
            yield Diagnostic(
                Code.NOT_A_PERSON,
                f"{name} is an automation and cannot be an author",
                "It applies what persons wrote.",
                "Name the persons who wrote it.",
            )


def separated(store: Store, plan: Plan) -> bool:
    """Whether duties are separated in an environment that ``plan`` changes: in design or live, before or after."""
    touched = {step.address.environment for step in plan.steps}
    bodies = [plan.bodies[s.after.fingerprint] for s in plan.steps if s.after and s.address.kind is Kind.ENVIRONMENT]
    for stage in store.heads():
        if stage.environment in touched or SHARED in touched:
            prints = [entry.fingerprint for entry in store.entries(stage, Kind.ENVIRONMENT).values()]
            bodies += store.bodies(prints).values()
    return any(orjson.loads(body.text).get("promotion", {}).get("separation_of_duties") for body in bodies)


def _automations(known: Mapping[str, Mapping[str, Json]]) -> set[str]:
    return {name for name, body in known.items() if body.get("automation")}


class _OriginReader:
    """Reads from the repository where one plan comes from."""

    def __init__(
        self,
        session: Session,
        store: Store | None,
        known: Mapping[str, Mapping[str, Json]],
        confirmed: Mapping[str, tuple[str, ...]],
    ) -> None:
        """``known``: the operators' bodies by name. Raises UntoldError without a repository."""
        self._session, self._root = session, session.project.root
        self._store, self._confirmed = store, confirmed
        self._commits = Commits(self._root, session.environ)
        self._people = OperatorAccounts(store, known)
        self._administrators = {name for name, body in known.items() if body.get("profile") == ADMINISTRATOR}
        self._automations = _automations(known)

    def origin(self, plan: Plan, whole: Plan | None, named: tuple[str, ...], *, signed: bool) -> PlanOrigin:
        """The origin of ``plan``. Raises UntoldError if git cannot tell."""
        edited = self._edited(plan, whole)
        doubts = list(edited)
        if self._commits.shallow:
            doubts.append("the clone is shallow and lacks part of the history")
        since, forked = self._since(plan)
        if forked:
            doubts.append(f"the checkout is not based on commit {forked[:12]}, which was applied last")
        authors: set[str] = set()
        unverified: list[str] = []
        every = any(step.source is None or step.moved_from for step in plan.steps)
        ruling = [step for step in plan.steps if step.address.kind in ADMINISTRATIVE_KINDS]
        ruled = {step.source.file if step.source is not None else "" for step in ruling}
        for commit in self._commits.touching(self._files(plan), since, every=every, signed=signed):
            commit_authors, commit_doubts, unproven, proven = self._of(commit, signed=signed)
            authors |= commit_authors
            doubts += commit_doubts
            unverified += unproven
            if signed and ("" in ruled or ruled & commit.files) and not proven & self._administrators:
                unverified.append(f"commit {commit.oid[:12]} changes operators but is not signed by an administrator")
        remaining = set(_effects(whole)) - set(_effects(plan))
        whole_applied = whole is not None and all(address.kind is Kind.CAMPAIGN for _, address, *_ in remaining)
        clean = not edited
        return PlanOrigin(
            self._commits.head if clean else "",
            clean and whole_applied and not self._commits.shallow,
            named,
            tuple(sorted(authors)),
            tuple(doubts),
            tuple(unverified),
            tuple(edited),
        )

    def _edited(self, plan: Plan, whole: Plan | None) -> list[str]:
        files = self._commits.uncommitted()
        reasons = (
            [f"{listing(files, _LISTED)} {'has' if len(files) == 1 else 'have'} uncommitted changes"] if files else []
        )
        if set(_effects(plan)) - set(_effects(whole)):
            reasons.append("the plan does not match the specs in the checkout")
        return reasons

    def _since(self, plan: Plan) -> tuple[str, str]:
        """The last applied commit; and that commit again if HEAD is not based on it. Empty: all commits count."""
        if self._store is None:
            return "", ""
        for row in self._store.revisions(action=PlanKind.APPLY, limit=_LOOKED_AT):
            commit = row.details.get("commit")
            if isinstance(commit, str) and row.details.get("whole") is True:
                follows, claimed = self._commits.follows(commit), row.details.get("claimed") is True
                if claimed and not (follows and self._as_claimed(plan, commit)):
                    continue
                if not follows:
                    return "", commit
                return ("" if self._drifted(plan, row.serial) else commit), ""
        return "", ""

    def _as_claimed(self, plan: Plan, commit: str) -> bool:
        """Whether design has what ``plan`` changes as in the specs of ``commit``."""
        try:
            entries = state_named(self._session, self._store, f"git:{commit}").entries
        except Refused:
            return False
        for step in plan.steps_on(Stage.DESIGN):
            entry = entries.get(step.moved_from or step.address)
            if (entry.fingerprint if entry else "") != (step.before.fingerprint if step.before else ""):
                return False
        return True

    def _drifted(self, plan: Plan, serial: int) -> bool:
        """Whether anything in ``plan`` changed after revision ``serial`` other than by applying a commit."""
        assert self._store is not None
        for stage, steps in by_stage(plan.steps).items():
            addresses = {address for step in steps for address in (step.address, step.moved_from or step.address)}
            for serial_ in {c.serial for c in self._store.changes_since(stage, serial) if c.address in addresses}:
                row = self._store.revision(serial_)
                if row is None or not row.details.get("commit"):
                    return True
        return False

    def _files(self, plan: Plan) -> set[str]:
        root = Path(os.path.realpath(self._root))
        named = {step.source.file for step in plan.steps if step.source is not None}
        real = {Path(os.path.realpath(root / path)) for path in named}
        return named | {path.relative_to(root).as_posix() for path in real if path.is_relative_to(root)}

    def _of(self, commit: Commit, *, signed: bool) -> tuple[set[str], list[str], list[str], set[str]]:
        """A commit's authors; why there may be more; why it cannot be trusted; and its proven authors."""
        short, forge = commit.oid[:12], commit.committer.lower() in FORGES
        accounts = self._confirmed.get(commit.oid, ())
        by_forge = forge and (bool(accounts) or commit.signer.lower() == commit.committer.lower())
        emails = [commit.author, *([] if by_forge else [commit.committer]), *commit.co_authors]
        emails += [commit.signer] if commit.signer and not by_forge else []
        account_email = (
            (commit.author if by_forge else commit.committer).lower() if accounts else ""
        )  # whose account it is
        named = [
            self._people.named(email) or frozenset(accounts if email.lower() == account_email else ())
            for email in emails
        ]
        authors = {*(name for names in named for name in names), *accounts} - self._automations
        doubts = []
        if frozenset() in named:
            doubts.append(f"commit {short} names an author whose e-mail belongs to no operator")
        if not authors:
            doubts.append(f"commit {short} has no author who is an operator and a person")
        voucher = commit.author if by_forge else commit.signer
        proven = {*self._people.by_email(voucher), *accounts} - self._automations
        unproven = (
            [f"commit {short} has no operator signature that git can verify"]
            if signed and not (proven or by_forge)
            else []
        )
        return authors, doubts, unproven, proven


def operators_by_account(known: Mapping[str, Mapping[str, Json]], forge: str) -> dict[int, tuple[str, ...]]:
    """The operators by their account on a forge. A partly applied project may have two operators for one account."""
    by_account: dict[int, tuple[str, ...]] = {}
    for name, body in sorted(known.items()):
        accounts = body.get("accounts")
        account = accounts.get(forge) if isinstance(accounts, dict) else None
        if isinstance(account, int):
            by_account[account] = (*by_account.get(account, ()), name)
    return by_account


class OperatorAccounts:
    """Operators by all e-mails and accounts that they have or had, so that changing these does not change authors."""

    def __init__(self, store: Store | None, known: Mapping[str, Mapping[str, Json]]) -> None:
        """``known``: the operators' bodies by name."""
        self._emails: dict[str, set[str]] = {}
        self._accounts: dict[tuple[str, int], set[str]] = {}
        for name, body in (*known.items(), *(_earlier_bodies(store, known) if store is not None else ())):
            self._emails.setdefault(str(body.get("email") or "").lower(), set()).add(name)
            accounts = body.get("accounts")
            for forge, account in accounts.items() if isinstance(accounts, dict) else ():
                if isinstance(account, int):
                    self._accounts.setdefault((forge, account), set()).add(name)
        self._emails.pop("", None)

    def by_email(self, email: str) -> frozenset[str]:
        """The operators who have or had this e-mail."""
        return frozenset(self._emails.get(email.lower(), ()))

    def by_account(self, forge: str, account: int) -> frozenset[str]:
        """The operators who have or had this account."""
        return frozenset(self._accounts.get((forge, account), ()))

    def named(self, email: str) -> frozenset[str]:
        """The operators by an e-mail, or by the account in a forge's private address."""
        private = _PRIVATE.fullmatch(email.lower())
        return self.by_email(email) or (self.by_account(private[2], int(private[1])) if private else frozenset())


def _earlier_bodies(store: Store, known: Mapping[str, Mapping[str, Json]]) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """All earlier bodies of these operators."""
    stage = StageRef(SHARED, Stage.DESIGN)
    names = NameHistory(store.moves(stage))
    spans_by_name = {name: names.spans(Address(SHARED, Kind.OPERATOR, name)) for name in known}
    rows = store.changes_of(stage, {span.name for spans in spans_by_name.values() for span in spans})
    bodies = store.bodies({row.after.fingerprint for row in rows if row.after is not None})
    for name, spans in spans_by_name.items():
        for row in rows:
            if row.after is not None and any(s.name == row.address and s.covers(row.serial) for s in spans):
                yield name, orjson.loads(bodies[row.after.fingerprint].text)


_Effect: TypeAlias = tuple[StageRef, Address, Entry | None, Entry | None, FormerAddress]


def _effects(plan: Plan | None) -> Iterator[_Effect]:
    """What a plan does, without its explanations."""
    for step in plan.steps if plan is not None else ():
        yield step.stage, step.address, step.before, step.after, step.moved_from
