"""Who may read contacts through a server, by what is applied in its store; on one's own machine the file is one's own.

Whoever may not gets rounded numbers (``offerkit.engine.counts``), no example contacts and no values of theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import orjson

from offerkit.address import SHARED, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Refused, or_list, refuse
from offerkit.governance.rights import CONTACT_READERS
from offerkit.store import Store
from offerkit.usecases.session import Session, operators

_REVEALING = (
    Code.CONTACT_COLUMNS,
    Code.CONTACT_VALUE,
    Code.CONTACT_ROW,
    Code.CONTACT_KEY,
    Code.CONTACT_AMBIGUOUS,
    Code.CONTACT_TWICE,
    Code.CONTACTS_DATABASE,
    Code.NO_CONTACT,
    Code.HOOK_FAILED,
    Code.HOOK_ANSWER,
)
"""Findings about contacts whose sentences have their keys, values or number in them."""


@dataclass(frozen=True)
class ContactAccess:
    """Whose contacts somebody may read: ``all``, or those of the environments that name them, with their dimensions."""

    all: bool = False
    named: Mapping[str, str] = field(default_factory=dict)

    def may(self, environment: str, dimension: str) -> bool:
        """Whether contacts of ``dimension`` may be read for ``environment``.

        A plan may give an environment another dimension, whose contacts are not those that it names readers for.
        """
        return self.all or self.named.get(environment) == dimension


FULL_ACCESS = ContactAccess(all=True)
"""Somebody on the machine where the contacts are."""


def contact_access(session: Session, store: Store | None) -> ContactAccess:
    """What whoever runs ``session`` may read: everything, unless it is through a server."""
    return operator_access(store, session.operator) if session.through_server else FULL_ACCESS


def operator_access(store: Store | None, operator: str) -> ContactAccess:
    """What ``operator`` may read through a server: nothing while there is no such one, be it before the first apply.

    Environments name readers in design, as applied: never in the plan that is asked about.
    """
    body = operators(store).get(operator)
    if store is None or body is None or body.get("enabled") is False:
        return ContactAccess()
    if body.get("profile") in CONTACT_READERS:
        return FULL_ACCESS
    return ContactAccess(named=dict(_environments_naming(store, operator)))


def _environments_naming(store: Store, operator: str) -> Iterator[tuple[str, str]]:
    for stage in store.heads():
        environment = stage.environment
        if stage.stage is not Stage.DESIGN or environment == SHARED:
            continue
        for entry in store.entries(stage, Kind.ENVIRONMENT).values():
            body = orjson.loads(store.bodies([entry.fingerprint])[entry.fingerprint].text)
            if operator in body.get("contacts", {}).get("readers", ()):
                yield environment, body.get("dimension", "")


def not_a_contact_reader(operator: str, what: str, environments: Sequence[str], hint: str = "") -> Refused:
    """The refusal of ``what`` (a noun and its verb) to who may not read the contacts of ``environments``."""
    who = operator or "somebody who is not logged in"
    where = f" of {or_list(environments)}" if environments else ""
    return refuse(
        Code.NOT_A_READER,
        f"{what} for those who may read contacts{where}, and {who} may not",
        detail="Administrators and delivery managers may, and whom an environment names (contacts: readers).",
        hint=hint,
    )


@contextmanager
def hiding_contacts(may: bool, environment: str) -> Iterator[None]:
    """Unless they ``may`` be read, what is refused about an environment's contacts has nothing of theirs in it."""
    try:
        yield
    except Refused as refused:
        if may:
            raise
        raise Refused(without_contact_details(refused.diagnostics, environment)) from None


def without_contact_details(findings: Iterable[Diagnostic], environment: str) -> tuple[Diagnostic, ...]:
    """``findings`` about the contacts of ``environment`` for who may not read them: how many there are is not said."""
    told = (
        Diagnostic(
            found.code,
            f"the contacts of {environment} cannot be read as they are",
            hint="Let somebody look at them who may read contacts: they are told what is wrong.",
            address=f"environment.{environment}",
        )
        if found.code in _REVEALING
        else found
        for found in findings
    )
    return tuple(dict.fromkeys(told))
