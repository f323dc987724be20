"""Who may read design through a server, according to its store. On their own machine, users may read it all.

Operators whose profile lacks the right can still decide on what they name exactly, and stop what is live. They are not
told other names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from offerkit.address import Address, parse_address
from offerkit.diagnostics import Code, Diagnostic, Refused, or_list, refuse
from offerkit.governance.profiles import Profiles, right_to
from offerkit.models.profiles import Verb
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.usecases.session import Session, operators, profiles

_SUGGESTING = frozenset((Code.NO_MATCH, Code.NO_SIMULATION))
_OF_NO_DESIGN = frozenset(
    (
        *(Code.NOT_ALLOWED, Code.NO_OPERATOR, Code.TOKEN_SCOPE, Code.NOT_A_PERSON, Code.RESERVED_PROPERTIES),
        *(Code.PLAN_UNREADABLE, Code.PLAN_FORMAT, Code.PLAN_PROJECT, Code.STORE_LOCKED, Code.BUSY),
        *(Code.FROZEN, Code.OUTSIDE_WINDOWS, Code.SCHEDULE_TIME, Code.SCHEDULE_FULL, Code.ALREADY_SCHEDULED),
    )
)
"""What a refused plan can be told about without comparing it with design."""


def design_readable(session: Session, store: Store) -> Callable[[str], bool]:
    """Tells whether the session's operator may read the design of an environment; of all, for an empty name.

    Who can read the store's own files is not kept from it, and callers on this machine need no operator.
    """
    if not (session.through_server and session.operator):
        return lambda environment: True
    known, profile = _profile(session, store)
    return lambda environment: known.allow(profile, right_to(Verb.READ, environment))


def visible(design: Snapshot, live: Snapshot, may_read: Callable[[str], bool]) -> Callable[[Address], bool]:
    """Tells whether somebody may know of a resource: it is in live, or in design that they ``may_read``."""
    return lambda address: address in live.entries or (address in design.entries and may_read(address.environment))


def check_design_reader(session: Session, environment: str = "") -> None:
    """Raise Refused if the session's operator may not read design through a server: of one environment, or of all."""
    if not (session.through_server and session.operator):
        return
    with session.existing() as store:
        known, profile = _profile(session, store)
    if not known.allow(profile, right_to(Verb.READ, environment)):
        where = f"the design of {environment}" if environment else "design, which this shows"
        raise refuse(
            Code.NOT_A_DESIGN_READER,
            f"{session.operator} ({profile}) is not allowed to read {where}",
            detail=f"Profiles that allow it: {or_list(known.allowing(right_to(Verb.READ, environment)))}.",
            hint="Ask an administrator, who can add “read” to the profile.",
        )


@contextmanager
def keeping_design(session: Session, patterns: Iterable[str], categories: Iterable[str] = ()) -> Iterator[None]:
    """Keep names in design from an operator who may not read it and decides on what ``patterns`` match.

    Raises Refused for patterns that could match what they do not know; refusals of the block suggest no names.
    """
    with session.existing() as store:
        may_read = design_readable(session, store)
    if may_read(""):
        yield
        return
    vague = [text for text in patterns if not (_is_exact(text) or ("/" in text and may_read(text.partition("/")[0])))]
    if vague or [*categories]:
        raise refuse(
            Code.NOT_A_DESIGN_READER,
            f"{session.operator} is not allowed to read design, and must name what to decide on",
            detail="A pattern or a category would tell which offers design has.",
            hint="Give full addresses, such as recipients/offer.saver.",
        )
    with without_suggestions(known=False):
        yield


@contextmanager
def keeping_compared(session: Session) -> Iterator[None]:
    """Keep what a plan is compared with from an operator who applies it and may not read design.

    Anybody can write a plan that says what they want to know of design, and learn from the refusal if it is so.
    """
    try:
        yield
    except Refused as refused:
        with session.existing() as store:
            if design_readable(session, store)(""):
                raise
        told = dict.fromkeys(map(_without_comparison, refused.diagnostics))
        raise Refused([*told]) from None


@contextmanager
def without_suggestions(*, known: bool) -> Iterator[None]:
    """Remove suggested names from the refusals of the block, unless the operator may know them all."""
    try:
        yield
    except Refused as refused:
        if known:
            raise
        raise Refused(map(_without_suggestion, refused.diagnostics)) from None


def _profile(session: Session, store: Store) -> tuple[Profiles, str]:
    return profiles(store), str(operators(store).get(session.operator, {}).get("profile"))


def _is_exact(text: str) -> bool:
    """Whether ``text`` is the address of one resource, such as ``recipients/offer.saver``, ``dimension.recipient``."""
    try:
        parse_address(text)
    except ValueError:
        return False
    return True


def _without_comparison(diagnostic: Diagnostic) -> Diagnostic:
    if diagnostic.code in _OF_NO_DESIGN:
        return diagnostic
    return Diagnostic(
        diagnostic.code,
        "the plan cannot be applied as design and live are now",
        "You are not allowed to read design, so what is in the way is not shown.",
        "Ask who made the plan to make it again.",
    )


def _without_suggestion(diagnostic: Diagnostic) -> Diagnostic:
    return replace(diagnostic, hint="") if diagnostic.code in _SUGGESTING else diagnostic
