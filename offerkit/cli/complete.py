"""What the shell completes: addresses, stages, operators, spaces and environments of the project.

Every function is quick and never fails: what cannot be known is not completed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from offerkit.workflow.session import Session

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]
MOST = 500
"""More than anyone reads; a shell is slow with more."""


def _never_failing(names: Callable[[Session], Iterable[str]]) -> Complete:
    @wraps(names)
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        from offerkit.cli.shell import Shell

        try:
            root = ctx.find_root()
            given, typed = root.params, root.get_parameter_source("store") is click.core.ParameterSource.COMMANDLINE
            shell = Shell(given.get("project"), given.get("store"), "nobody", store_typed=typed)
            found = sorted(name for name in set(names(shell.session())) if name.startswith(incomplete))
        except Exception:
            return []
        return found[:MOST]

    return complete


def _addresses(session: Session) -> Iterable[str]:
    """The addresses of the specs; of the store where the specs cannot be read."""
    from offerkit.diagnostics import Refused

    try:
        return session.load().records
    except Refused:
        with session.reading() as store:
            return [] if store is None else [a for stage in store.heads() for a in store.entries(stage)]


@_never_failing
def addresses(session: Session) -> Iterable[str]:
    """Addresses, and the patterns for all of an environment or of a kind in it."""
    from offerkit.address import SHARED, parse_address

    known = list(_addresses(session))
    places = [parse_address(address) for address in known]
    patterns = {f"{place.environment}/{place.kind}.*" for place in places if place.environment != SHARED}
    return [*known, *patterns, *(place.environment for place in places if place.environment != SHARED)]


@_never_failing
def environments(session: Session) -> Iterable[str]:
    """The environments of the specs and of the store."""
    from offerkit.address import SHARED, parse_address

    return {parse_address(address).environment for address in _addresses(session)} - {SHARED}


@_never_failing
def stages(session: Session) -> Iterable[str]:
    """The stages of the store, and the two words that mean all of a side."""
    with session.reading() as store:
        return ["design", "live", *(store.heads() if store is not None else ())]


@_never_failing
def operators(session: Session) -> Iterable[str]:
    """The operators of the store; before the first apply those of the specs."""
    from offerkit.workflow.who import operators

    with session.reading() as store:
        return operators(store) or _named(session, "operator")


@_never_failing
def spaces(session: Session) -> Iterable[str]:
    """The spaces of all environments."""
    return _named(session, "space")


@_never_failing
def live_spaces(session: Session) -> Iterable[str]:
    """The spaces of all environments as ``ENVIRONMENT/SPACE``."""
    from offerkit.address import parse_address

    places = [parse_address(address) for address in _addresses(session)]
    return [f"{place.environment}/{place.name}" for place in places if place.kind == "space"]


@_never_failing
def deliveries(session: Session) -> Iterable[str]:
    """The deliveries of the campaigns in live as ``CAMPAIGN/DELIVERY``."""
    from offerkit.workflow.catalogs import live
    from offerkit.workflow.delivery_order import delivery_names

    with session.reading() as store:
        return delivery_names(live(store)).values() if store is not None else []


def _named(session: Session, kind: str) -> list[str]:
    from offerkit.address import parse_address

    places = [parse_address(address) for address in _addresses(session)]
    return [place.name for place in places if place.kind == kind]
