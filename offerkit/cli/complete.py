"""What the shell completes: addresses, states, revisions, operators, spaces, categories, fields of the project.

Every function is quick and never fails: what cannot be known, or not soon enough, is not completed.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from types import FrameType
from typing import TYPE_CHECKING, TypeAlias

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from offerkit.address import Address
    from offerkit.specs.record import Record
    from offerkit.usecases.session import Session

Complete: TypeAlias = Callable[[click.Context, click.Parameter, str], "list[str] | list[CompletionItem]"]
Names: TypeAlias = Callable[["Session", click.Context], Iterable[str]]
MOST = 500
"""More than anyone reads; a shell is slow with more."""
SECONDS = 1.5
"""How long whoever pressed the key waits at most; specs that take longer to read are completed from the store."""
_WEB = "web"


class _TooSlowError(BaseException):
    """Time is up. Not an Exception, so that nothing on the way takes it for a mistake that it knows."""


@contextlib.contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raises _TooSlowError inside of the block once ``seconds`` have passed."""

    def ring(_signal: int, _frame: FrameType | None) -> None:
        raise _TooSlowError

    before = signal.signal(signal.SIGALRM, ring)
    left, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left)  # of the block around this one, or none
        signal.signal(signal.SIGALRM, before)


def _session(ctx: click.Context) -> Session:
    from dataclasses import replace

    from offerkit.cli.shell import Shell
    from offerkit.specs.progress import no_progress

    root = ctx.find_root()
    given, typed = root.params, root.get_parameter_source("store") is click.core.ParameterSource.COMMANDLINE
    session = Shell(given.get("project"), given.get("store"), "nobody", store_typed=typed).session()
    return replace(session, progress=no_progress)


def _never_failing(names: Names, *, ordered: bool = False) -> Complete:
    """Completes the names that begin as the word does; ``ordered``: they come in an order that says something."""

    @wraps(names)
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        try:
            with _at_most(2 * SECONDS):
                unique = dict.fromkeys(names(_session(ctx), ctx))
        except (Exception, _TooSlowError):
            return []
        found = [name for name in unique if name.startswith(incomplete)]
        return (found if ordered else sorted(found))[:MOST]

    return complete


def _in_order(names: Names) -> Complete:
    return _never_failing(names, ordered=True)


def files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Files, as the shell itself completes them."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def _or_files(complete: Complete) -> Complete:
    """Names, and files where the word begins as no name does."""

    def either(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str] | list[CompletionItem]:
        return complete(ctx, param, incomplete) or files(ctx, param, incomplete)

    return either


def _records(session: Session) -> dict[Address, Record]:
    """The specs' resources; none when they cannot be read, or not in time."""
    from offerkit.diagnostics import Refused

    try:
        with _at_most(SECONDS):
            return session.load().records
    except (Refused, _TooSlowError):
        return {}


def _addresses(session: Session) -> Iterable[str]:
    """The addresses of the specs; of the store where the specs cannot be read."""
    records = _records(session)
    if records:
        return records
    with session.reading() as store:
        return [] if store is None else [a for stage in store.heads() for a in store.entries(stage)]


def _typed(ctx: click.Context, *names: str) -> list[str]:
    """What the line gives for the parameters ``names``; words that click did not come to place are looked at too."""
    given = [ctx.params.get(name) for name in names]
    flat = [one for value in given for one in (value if isinstance(value, tuple | list) else (value,)) if one]
    return [str(one) for one in (*flat, *ctx.args) if not str(one).startswith("-")]


def _environment(ctx: click.Context) -> str:
    """The environment that the line names so far; empty when it names none."""
    words = _typed(ctx, "environment", "offer", "place", "spaces", "names", "space")
    return next((word.partition("/")[0] for word in words if "/" in word or word == words[0]), "")


def _of_kind(session: Session, ctx: click.Context, kind: str) -> list[Record]:
    """The resources of a kind, in the environment that the line names, if it names one."""
    here = _environment(ctx)
    found = [record for record in _records(session).values() if record.kind == kind]
    return [record for record in found if record.environment == here] or found


def _dimensions(session: Session, ctx: click.Context) -> list[Record]:
    records = _records(session)
    targets = {ref.target for record in _of_kind(session, ctx, "environment") for ref in record.refs}
    return [records[target] for target in targets if target in records and records[target].kind == "dimension"]


@_never_failing
def addresses(session: Session, ctx: click.Context) -> Iterable[str]:
    """Addresses, and the patterns for all of an environment or of a kind in it."""
    from offerkit.address import SHARED, parse_address

    known = list(_addresses(session))
    places = [parse_address(address) for address in known]
    patterns = {f"{place.environment}/{place.kind}.*" for place in places if place.environment != SHARED}
    return [*known, *patterns, *(place.environment for place in places if place.environment != SHARED)]


@_never_failing
def stopped(session: Session, ctx: click.Context) -> Iterable[str]:
    """What is stopped by its name."""
    from offerkit.usecases import stop

    with session.reading() as store:
        return [] if store is None else [one.address for one in stop.list_stops(store)]


@_never_failing
def offers(session: Session, ctx: click.Context) -> Iterable[str]:
    """The addresses of offers."""
    return [address for address in _addresses(session) if "/offer." in address]


@_never_failing
def offer_patterns(session: Session, ctx: click.Context) -> Iterable[str]:
    """The addresses of offers, and the pattern for all of an environment."""
    known = [address for address in _addresses(session) if "/offer." in address]
    return [*known, *(f"{address.partition('.')[0]}.*" for address in known)]


@_never_failing
def environments(session: Session, ctx: click.Context) -> Iterable[str]:
    """The environments of the specs and of the store."""
    from offerkit.address import SHARED, parse_address

    return {parse_address(address).environment for address in _addresses(session)} - {SHARED}


@_never_failing
def held_stages(session: Session, ctx: click.Context) -> Iterable[str]:
    """The stages that can be rolled back: all those of the store."""
    with session.reading() as store:
        return [] if store is None else list(store.heads())


@_never_failing
def stages(session: Session, ctx: click.Context) -> Iterable[str]:
    """The stages of the store, and “design” and “live”, which stand for all stages of that kind."""
    with session.reading() as store:
        return ["design", "live", *(store.heads() if store is not None else ())]


@_never_failing
def _states(session: Session, ctx: click.Context) -> Iterable[str]:
    """What can be compared: the specs, the specs at a commit, and the stages."""
    with session.reading() as store:
        return ["specs", "git:", "design", "live", *(store.heads() if store is not None else ())]


@_never_failing
def touched(session: Session, ctx: click.Context) -> Iterable[str]:
    """What a history can be of: the stages of the store, and addresses."""
    with session.reading() as store:
        return [*(store.heads() if store is not None else ()), *_addresses(session)]


@_in_order
def revisions(session: Session, ctx: click.Context) -> Iterable[str]:
    """The revisions of the stage that the line names, newest first; the one that stands is left out."""
    with session.reading() as store:
        stage = next(iter(_typed(ctx, "stage")), "")
        if store is None or (stage and stage not in store.heads()):
            return []
        return [str(row.serial) for row in store.revisions(stage=stage, limit=MOST)][1:]


@_never_failing
def operators(session: Session, ctx: click.Context) -> Iterable[str]:
    """The operators of the store; before the first apply those of the specs."""
    from offerkit.usecases.session import operators

    with session.reading() as store:
        return operators(store) or [record.name for record in _records(session).values() if record.kind == "operator"]


@_never_failing
def spaces(session: Session, ctx: click.Context) -> Iterable[str]:
    """The spaces, by name."""
    return [record.name for record in _of_kind(session, ctx, "space")]


@_never_failing
def live_spaces(session: Session, ctx: click.Context) -> Iterable[str]:
    """The spaces that one contact is asked on, as ``ENVIRONMENT/SPACE``; to explain, also those of deliveries."""
    found = _of_kind(session, ctx, "space")
    if not ctx.params.get("explain"):
        found = [one for one in found if "unitary" in one.facts.flags]
    return [f"{one.environment}/{one.name}" for one in found]


@_never_failing
def web_spaces(session: Session, ctx: click.Context) -> Iterable[str]:
    """The spaces of web pages, as ``ENVIRONMENT/SPACE``."""
    found = (one for one in _records(session).values() if one.kind == "space")
    return [f"{one.environment}/{one.name}" for one in found if {"unitary", _WEB} <= set(one.facts.flags)]


@_never_failing
def categories(session: Session, ctx: click.Context) -> Iterable[str]:
    """The categories' paths."""
    return [record.name for record in _of_kind(session, ctx, "category")]


@_never_failing
def anonymous_categories(session: Session, ctx: click.Context) -> Iterable[str]:
    """The paths of the categories of anonymous environments."""
    records = _records(session).values()
    anonymous = {one.name for one in records if one.kind == "environment" and "anonymous" in one.facts.flags}
    return [one.name for one in records if one.kind == "category" and one.environment in anonymous]


@_never_failing
def themes(session: Session, ctx: click.Context) -> Iterable[str]:
    """The themes that offers and categories carry."""
    carriers = [*_of_kind(session, ctx, "offer"), *_of_kind(session, ctx, "category")]
    return [theme for record in carriers for theme, _ in record.facts.themes]


@_never_failing
def axes(session: Session, ctx: click.Context) -> Iterable[str]:
    """The fields of contacts, as ``recipient.country``."""
    return [f"{one.name}.{field}" for one in _dimensions(session, ctx) for field in one.facts.fields]


@_never_failing
def simulation_axes(session: Session, ctx: click.Context) -> Iterable[str]:
    """What a simulation can count by: the fields of contacts, and what offers have."""
    fields = [f"{one.name}.{field}" for one in _dimensions(session, ctx) for field in one.facts.fields]
    return [*fields, "offer.category", "offer.theme", *_offer_fields(session)] if fields else []


def _offer_fields(session: Session) -> Iterable[str]:
    """The fields that environments declare for offers, as ``offer.margin``."""
    from offerkit.address import Kind, Stage
    from offerkit.store.stage_snapshots import stage_view

    with session.reading() as store:
        live = stage_view(store, Stage.LIVE) if store is not None else None
        bodies = [live(address) or {} for address in live.of_kind(Kind.ENVIRONMENT)] if live is not None else []
    declared = [body.get("offer_fields") for body in bodies]
    return {f"offer.{name}" for fields in declared if isinstance(fields, dict) for name in fields}


@_never_failing
def report_groups(session: Session, ctx: click.Context) -> Iterable[str]:
    """What a report can be grouped by."""
    from offerkit.usecases.status_report import OF_OFFERS, STORED

    return [*STORED, *OF_OFFERS, *_offer_fields(session)]


@_never_failing
def kept_simulations(session: Session, ctx: click.Context) -> Iterable[str]:
    """The names of kept simulations."""
    with session.reading() as store:
        return [] if store is None else [run.name for run in store.simulations()]


@_never_failing
def contact_fields(session: Session, ctx: click.Context) -> Iterable[str]:
    """The fields by which a contact is found, as ``email=``."""
    return [f"{field}=" for one in _dimensions(session, ctx) for field in one.facts.fields]


@_never_failing
def call_data(session: Session, ctx: click.Context) -> Iterable[str]:
    """The call data that environments declare, as ``page=``."""
    return [f"{name}=" for record in _of_kind(session, ctx, "environment") for name in record.facts.fields]


@_never_failing
def call_data_examples(session: Session, ctx: click.Context) -> Iterable[str]:
    """The names of the call-data examples that environments declare."""
    return [name for record in _of_kind(session, ctx, "environment") for name in record.facts.keys]


@_never_failing
def brought_templates(session: Session, ctx: click.Context) -> Iterable[str]:
    """The templates that init brings."""
    from offerkit.usecases.init_templates import DEFAULT_NAMES

    return DEFAULT_NAMES


@_never_failing
def deliveries(session: Session, ctx: click.Context) -> Iterable[str]:
    """The deliveries of the campaigns in live as ``CAMPAIGN/DELIVERY``."""
    from offerkit.usecases.catalogs import live_catalogs
    from offerkit.usecases.planned_delivery import delivery_names

    with session.reading() as store:
        return delivery_names(live_catalogs(store)).values() if store is not None else []


@_never_failing
def tokens(session: Session, ctx: click.Context) -> Iterable[str]:
    """The ids of tokens that count."""
    with session.reading() as store:
        return [] if store is None else [row.id for row in store.tokens() if not row.revoked]


@_never_failing
def dead_events(session: Session, ctx: click.Context) -> Iterable[str]:
    """The ids of events of webhooks that were given up."""
    from offerkit.governance.notices import OutboxState
    from offerkit.usecases.webhooks import list_events

    with session.reading() as store:
        return [] if store is None else [row.id for row in list_events(store, (OutboxState.DEAD,), MOST)]


@_never_failing
def scheduled_promotions(session: Session, ctx: click.Context) -> Iterable[str]:
    """The revisions that scheduled promotions which still wait."""
    from offerkit.store import scheduled

    with session.reading() as store:
        return [] if store is None else [str(one.serial) for one in scheduled.scheduled(store.database)]


@_never_failing
def statuses(session: Session, ctx: click.Context) -> Iterable[str]:
    """The statuses of propositions."""
    from offerkit.models.expression_scopes import STATUSES

    return STATUSES


@_in_order
def next_statuses(session: Session, ctx: click.Context) -> Iterable[str]:
    """The statuses that the proposition of the line may take; for one that is not known, all that follow another."""
    from offerkit.models.status import NUMBERED, next_statuses

    with session.reading() as store:
        given = next(iter(_typed(ctx, "proposition")), "")
        row = store.proposition(given) if store is not None and given else None
    if row is not None:
        return next_statuses(row.status)
    return [after for after in NUMBERED.values() if any(after in next_statuses(before) for before in NUMBERED.values())]


def folder_environments(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The environments that the folder to import from declares."""
    from pathlib import Path

    try:
        declared = Path(_typed(ctx, "folder")[0], "environments").glob("*.y*ml")
        return sorted(path.stem for path in declared if path.stem.startswith(incomplete))[:MOST]
    except (OSError, IndexError, ValueError):
        return []


addresses_or_files = _or_files(addresses)


def states(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str] | list[CompletionItem]:
    """What can be compared; behind the colon of a stage its revisions, newest first; files otherwise."""
    stage, colon, _ = incomplete.partition(":")
    if not colon or stage == "git":
        return _or_files(_states)(ctx, param, incomplete)

    @_in_order
    def revisions_of(session: Session, ctx: click.Context) -> Iterable[str]:
        with session.reading() as store:
            if store is None:
                return []
            sides = [name for name in store.heads() if name == stage or name.endswith(f"@{stage}")]
            rows = (row for name in sides for row in store.revisions(stage=name, limit=MOST))
            return [f"{stage}:{serial}" for serial in sorted({row.serial for row in rows}, reverse=True)]

    return revisions_of(ctx, param, incomplete)
