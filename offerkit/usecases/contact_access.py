"""Who may read contacts through a server, according to its store. On their own machine, users may read them all.

Operators without access get rounded numbers (``offerkit.engine.counts``), no example contacts and no contact data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from offerkit.address import SHARED, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Refused, or_list, refuse
from offerkit.governance.profiles import right_to
from offerkit.models.profiles import Verb
from offerkit.store import Store
from offerkit.usecases.session import Session, operators, profiles

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
"""Diagnostics whose messages contain keys, values or the number of contacts."""


@dataclass(frozen=True)
class ContactRights:
    """Which contacts may be read: ``all``, or those of the environments in ``named``, which maps them to their
    dimensions.
    """

    all: bool = False
    named: Mapping[str, str] = field(default_factory=dict)

    def may_read(self, environment: str, dimension: str) -> bool:
        """Whether contacts of ``dimension`` may be read for ``environment``.

        A plan can give the environment another dimension; its readers are not readers of that dimension.
        """
        return self.all or self.named.get(environment) == dimension


FOR_DETAILS = "The details are in the output of “offerkit plan --impact”, for those who may read contacts."
"""The hint of a report that others read as well, such as a comment on a pull request."""

ALL_CONTACTS = ContactRights(all=True)
"""The access of a user on the machine that has the contacts."""


def contact_rights(session: Session, store: Store | None) -> ContactRights:
    """What the session's operator may read: everything, unless the session runs through a server."""
    return operator_rights(store, session.operator) if session.through_server else ALL_CONTACTS


def operator_rights(store: Store | None, operator: str) -> ContactRights:
    """What ``operator`` may read through a server; nothing if the operator is unknown or disabled.

    The readers that count are those of the environments in design, never those of the plan in question.
    """
    body = operators(store).get(operator)
    if store is None or body is None or body.get("enabled") is False:
        return ContactRights()
    known, profile = profiles(store), str(body.get("profile"))
    if known.allow(profile, right_to(Verb.CONTACTS, "")):
        return ALL_CONTACTS
    allowed = lambda environment: known.allow(profile, right_to(Verb.CONTACTS, environment))  # noqa: E731
    return ContactRights(named=dict(_environments_naming(store, operator, allowed)))


def _environments_naming(store: Store, operator: str, allowed: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    for environment, body in environment_bodies(store):
        if allowed(environment) or operator in body.get("contacts", {}).get("readers", ()):
            yield environment, body.get("dimension", "")


def environment_bodies(store: Store) -> Iterator[tuple[str, dict[str, Any]]]:
    """The environments in design, each with its body."""
    for stage in store.heads():
        if stage.stage is Stage.DESIGN and stage.environment != SHARED:
            for entry in store.entries(stage, Kind.ENVIRONMENT).values():
                yield stage.environment, orjson.loads(store.bodies([entry.fingerprint])[entry.fingerprint].text)


def not_a_contact_reader(operator: str, what: str, environments: Sequence[str], hint: str = "") -> Refused:
    """The refusal of ``what`` (a noun and its verb) to operators without access to the contacts of ``environments``."""
    who = operator or "a user who is not logged in"
    where = f" of {or_list(environments)}" if environments else ""
    return refuse(
        Code.NOT_A_READER,
        f"{what} reserved for operators who may read contacts{where}; {who} is not one of them",
        detail="Administrators, delivery managers and the readers that an environment names (contacts: readers) may.",
        hint=hint,
    )


@contextmanager
def hiding_contacts(may: bool, environment: str) -> Iterator[None]:
    """Remove contact data from refusals about an environment's contacts, unless they ``may`` be read."""
    try:
        yield
    except Refused as refused:
        if may:
            raise
        raise Refused(without_contact_details(refused.diagnostics, environment)) from None


def without_contact_details(
    findings: Iterable[Diagnostic],
    *environments: str,
    hint: str = "Ask an operator who may read contacts: they are shown the details.",
) -> tuple[Diagnostic, ...]:
    """``findings`` about contacts without keys, values and numbers, for readers without access to contacts."""
    shown = (
        Diagnostic(
            finding.code,
            f"the contacts{' of ' if environments else ''}{or_list(environments)} cannot be read",
            hint=hint,
            address=f"environment.{environments[0]}" if len(environments) == 1 else "",
        )
        if finding.code in _REVEALING
        else finding
        for finding in findings
    )
    return tuple(dict.fromkeys(shown))
