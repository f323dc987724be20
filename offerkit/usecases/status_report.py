"""``report``: how many propositions were made, and their statuses, by groups. The database counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal

from offerkit.address import Address, Kind, Stage, StageRef, ancestors, environment_address
from offerkit.batch.segments import beside
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.engine.status_report import StatusCounts, StatusReport, StatusRow
from offerkit.fingerprint import Json
from offerkit.models.status import NUMBERED
from offerkit.rules.values import show
from offerkit.state.former_names import FormerNames, former_names
from offerkit.state.names import NameHistory
from offerkit.state.snapshot import Snapshot
from offerkit.store import PropositionQuery, Store, errors
from offerkit.store.proposition_report import DATE, ReportQuery
from offerkit.store.proposition_rows import keepable
from offerkit.store.stage_snapshots import environments, stage_view
from offerkit.times import display_time, utc
from offerkit.usecases.argument_values import DAY_BEGINS, known_environments, parse_time, zone_of_stage
from offerkit.usecases.design_access import design_readable
from offerkit.usecases.requests import StatusReportRequest
from offerkit.usecases.session import Session

STORED = ("date", "environment", "space", "channel", "campaign", "delivery", "offer")
"""Groups that propositions have themselves."""
OF_OFFERS = ("category", "theme")
"""Groups of offers as they are live now; so is ``offer.FIELD``."""
NO_VALUE, NOT_LIVE, NO_DELIVERY = "(none)", "(no longer live)", "(no delivery)"
MOST_GROUPS = 200_000


@dataclass(frozen=True)
class _Axis:
    """A group of a report: the name of what the database groups by, and the values that this value stands for."""

    stored: str
    values: Callable[[str], Sequence[str]]


def status_report(session: Session, request: StatusReportRequest) -> StatusReport:
    """The report, from the local store or a server's. Raises Refused for all that is wrong with the request."""
    return session.backend.report(session, request)


def status_report_here(session: Session, request: StatusReportRequest) -> StatusReport:
    """:func:`status_report` where the store is. No group is a contact's, so every operator may see it."""
    with session.existing() as store:
        return _report(store, request, session.now, design_readable(session, store))


def _report(store: Store, request: StatusReportRequest, now: str, may_read: Callable[[str], bool]) -> StatusReport:
    known, findings = environments(store), list[Diagnostic]()
    asked = [request.environment] if request.environment else []
    with _collecting(findings):
        known_environments(asked, known)
    used = [name for name in known if store.propositions(PropositionQuery(name), limit=1)]
    names = [name for name in asked if name in known] or used or known
    by = _groups(request.by, len(names) > 1)
    zone = zone_of_stage(store, Stage.LIVE, names)
    since, until = _span(request, zone, now, findings)
    live = stage_view(store, Stage.LIVE, names)
    readable = [name for name in names if may_read(name)]
    design = stage_view(store, Stage.DESIGN, readable) if readable else Snapshot()
    findings += _unknown(store, (live, design), names, by, request)
    if findings:
        raise Refused(findings)
    counts: dict[tuple[str, ...], StatusCounts] = {}
    total, gone = StatusCounts(), set[str]()
    for name in names:
        offers = _LiveOffers(live, name)
        former = former_names(NameHistory(store.moves(StageRef(name, Stage.LIVE))), live, live, name)
        spaces = [Address(name, Kind.SPACE, each) for text in request.spaces if (each := _own(text, name))]
        wanted = [Address(name, Kind.OFFER, each) for text in request.offers if (each := _own_offer(text, name))]
        query = ReportQuery(
            name,
            (),
            zone,
            utc(since) if since else "",
            utc(until) if until else "",
            _present(former, live, spaces) if request.spaces else None,
            _present(former, live, wanted) if request.offers else None,
            former,
        )
        for values, status, count in _counted(store, query, by, request, offers):
            total.add(NUMBERED[status], count)
            for group in values:
                if group not in counts and len(counts) == MOST_GROUPS:
                    raise _too_many()
                counts.setdefault(group, StatusCounts()).add(NUMBERED[status], count)
        gone |= offers.gone
    rows = [StatusRow(list(values), counted) for values, counted in counts.items()]
    day = by.index(DATE) if DATE in by else None
    rows.sort(key=lambda row: (row.values[day] if day is not None else "", -row.counts.proposed, row.values))
    return StatusReport(
        by,
        rows if by else [],
        total,
        getattr(zone, "key", "UTC"),
        display_time(since, zone) if since else "",
        display_time(until, zone) if until else "",
        _filters(request),
        sorted(gone),
        "theme" in by,
    )


@contextmanager
def _collecting(findings: list[Diagnostic]) -> Iterator[None]:
    """What is refused meanwhile, beside other mistakes."""
    try:
        yield
    except Refused as refused:
        findings += refused.diagnostics


def _span(
    request: StatusReportRequest, zone: tzinfo, now: str, findings: list[Diagnostic]
) -> tuple[datetime | None, datetime | None]:
    """The times from which and up to which is counted; None: no limit. Adds mistakes to ``findings``."""
    since = until = None
    with _collecting(findings):
        since = parse_time(request.since, zone, now, DAY_BEGINS) if request.since else None
    with _collecting(findings):
        until = parse_time(request.until, zone, now, DAY_BEGINS) if request.until else None
    if since is not None and until is not None and since >= until:
        hint = "--until is the first moment that is left out."
        findings.append(Diagnostic(Code.LISTING_OPTIONS, "--since is not before --until", hint=hint))
    return since, until


def _counted(
    store: Store,
    query: ReportQuery,
    by: Sequence[str],
    request: StatusReportRequest,
    offers: _LiveOffers,
) -> Iterator[tuple[list[tuple[str, ...]], int, int]]:
    """The groups that propositions belong to, their status and how many; only offers that the request asks for."""
    axes = [_axis(name, offers) for name in by]
    stored = list(dict.fromkeys(axis.stored for axis in axes))
    if request.categories and "offer" not in stored:
        stored.append("offer")
    categories = [_plain(text, Kind.CATEGORY) for text in request.categories]
    places = [stored.index(axis.stored) for axis in axes]
    asked = replace(query, groups=stored)
    for part in store.report(asked):
        for texts, status, count in part:
            if status not in NUMBERED:
                raise errors.damaged(store.database.name, "A proposition has a status that is never written")
            if request.categories and not offers.below(texts[stored.index("offer")], categories):
                continue
            groups: list[tuple[str, ...]] = [()]
            for axis, place in zip(axes, places, strict=True):
                groups = [(*group, value) for group in groups for value in axis.values(texts[place])]
            yield groups, status, count


def _present(former: FormerNames, live: Snapshot, resources: Sequence[Address]) -> list[str]:
    """The names now of the resources that have these addresses in live, or had them last."""
    names = []
    for address in resources:
        had = {each.until: each.now for each in former if (each.kind, each.name) == (address.kind, address.name)}
        names.append(address.name if address in live.entries or not had else had[max(had)])
    return names


class _LiveOffers:
    """What offers of an environment have as they are live now; ``gone``: those that are not there any more."""

    def __init__(self, live: Snapshot, environment: str) -> None:
        self._live, self._environment = live, environment
        self._known: dict[tuple[str, str], Sequence[str]] = {}
        self.gone: set[str] = set()

    def values(self, offer: str, name: str) -> Sequence[str]:
        """Its category, themes or the value of a field (``offer.FIELD``)."""
        if (offer, name) not in self._known:
            self._known[offer, name] = self._read(offer, name)
        return self._known[offer, name]

    def _read(self, offer: str, name: str) -> Sequence[str]:
        address = Address(self._environment, Kind.OFFER, offer)
        if self._live(address) is None:
            self.gone.add(str(address))
            return (NOT_LIVE,)
        effective = self._live.offer(address)
        if name == "category":
            return (effective.category or NO_VALUE,)
        if name == "theme":
            return sorted(effective.themes) or (NO_VALUE,)
        value = effective.fields.get(name.removeprefix("offer."))
        return (NO_VALUE if value is None else beside(field_text(value), NO_VALUE, NOT_LIVE),)

    def below(self, offer: str, categories: Sequence[str]) -> bool:
        """Whether the offer is live in one of ``categories`` or below."""
        (category,) = self.values(offer, "category")
        return not set(categories).isdisjoint(ancestors(category))


def field_text(value: Json) -> str:
    """The value of a declared field, as a body has it, in the words of a simulation by the same field."""
    if isinstance(value, list):
        return show(tuple(map(str, value)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return show(Decimal(str(value)))
    return show(value) if isinstance(value, bool | str) else str(value)


def _axis(name: str, offers: _LiveOffers) -> _Axis:
    if name in OF_OFFERS or name.startswith("offer."):
        return _Axis("offer", lambda offer: offers.values(offer, name))
    if name in ("campaign", "delivery"):
        return _Axis(name, lambda value: (value or NO_DELIVERY,))
    return _Axis(name, lambda value: (value or NO_VALUE,))


def _groups(by: Sequence[str], several: bool) -> list[str]:
    """The names of the groups as they are shown, each once; that of environments if there are several."""
    names = [part.strip() for text in by for part in text.split(",") if part.strip()]
    names = [name.removeprefix("offer.") if name in ("offer.category", "offer.theme") else name for name in names]
    if several:
        names = ["environment", *names]
    return list(dict.fromkeys(names))


def _unknown(
    store: Store, views: Sequence[Snapshot], names: Sequence[str], by: Sequence[str], request: StatusReportRequest
) -> list[Diagnostic]:
    """Every group, space, offer and category that does not exist in these environments.

    ``views``: live, and of design what the operator may know.
    """
    fields = {field for name in names for field in _fields(views[0], name)}
    groups = (*STORED, *OF_OFFERS, *(f"offer.{name}" for name in sorted(fields)))
    findings = [
        Diagnostic(
            Code.UNKNOWN_GROUP,
            f"a report cannot be grouped by “{name[:80]}”",
            hint=suggestion(name, groups, f"One of: {', '.join(groups)}."),
        )
        for name in by
        if name not in groups
    ]
    for kind, option, texts in (
        (Kind.SPACE, "space", request.spaces),
        (Kind.OFFER, "offer", request.offers),
        (Kind.CATEGORY, "category", request.categories),
    ):
        known = {address.name for name in names for view in views for address in view.of_kind(kind, name)}
        for text in texts:
            plain = _plain(text, kind)
            found = plain in known or (kind is Kind.CATEGORY and any(path.startswith(f"{plain}/") for path in known))
            if not found and not (kind is Kind.OFFER and _proposed(store, names, plain)):
                findings.append(
                    Diagnostic(
                        Code.NO_MATCH,
                        f"there is no {option} “{text[:80]}” in design or live",
                        hint=suggestion(plain, known),
                    )
                )
    return findings


def _proposed(store: Store, names: Sequence[str], offer: str) -> bool:
    """Whether propositions of an offer exist that no stage has any more."""
    return keepable([offer]) and any(store.propositions(PropositionQuery(name, offer=offer), limit=1) for name in names)


def _fields(live: Snapshot, environment: str) -> Mapping[str, object]:
    body = live(environment_address(environment)) or {}
    declared = body.get("offer_fields")
    return declared if isinstance(declared, dict) else {}


def _plain(text: str, kind: Kind) -> str:
    """A name without its environment: ``ENVIRONMENT/SPACE``, or an offer's address."""
    if kind is Kind.SPACE:
        return text.rpartition("/")[2]
    return text.rpartition("/offer.")[2] if kind is Kind.OFFER else text.strip("/")


def _own(text: str, environment: str) -> str:
    named, slash, name = text.rpartition("/")
    return name if not slash or named == environment else ""


def _own_offer(text: str, environment: str) -> str:
    named, dot, name = text.rpartition("/offer.")
    return name if not dot or named == environment else ""


def _filters(request: StatusReportRequest) -> Mapping[str, Sequence[str]]:
    given = {
        "environment": [request.environment] if request.environment else [],
        "space": list(request.spaces),
        "offer": list(request.offers),
        "category": list(request.categories),
    }
    return {name: values for name, values in given.items() if values}


def _too_many() -> Refused:
    return refuse(
        Code.LISTING_OPTIONS,
        f"the report has more than {MOST_GROUPS:,} groups",
        hint="Group by less, or narrow it: --since, --until, --space, --offer, --category.",
    )
