"""The list of offers, the page of one offer: its state, preview, approvals and propositions; and of a proposition."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest
from textwrap import dedent
from typing import NamedTuple

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from offerkit.address import Address, Kind, Stage, environment_address, parse_address
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.engine.preview import Preview, SpacePreview
from offerkit.fingerprint import Json, json_map
from offerkit.plans.make import AddressPatterns
from offerkit.reports.explained import explained_text
from offerkit.reports.history import HistoryLine
from offerkit.reports.steps_html import steps_html
from offerkit.reports.values import inline
from offerkit.server.routing import Operation
from offerkit.server.ui.approvals import decidable, grouped
from offerkit.server.ui.pages import Facts, Pages, query_text
from offerkit.server.ui.steps import layout_of, page_of
from offerkit.server.ui.stops import stop_facts
from offerkit.state.changes import Entry
from offerkit.state.effective import filter_uses, filters_of, weight_filters
from offerkit.state.eligibility import Condition, eligibility
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import stage_view
from offerkit.usecases.awaited_approvals import decidable_by, list_approvals
from offerkit.usecases.contact_access import contact_rights, not_a_contact_reader
from offerkit.usecases.design_access import design_readable, visible
from offerkit.usecases.diff import difference
from offerkit.usecases.explain import explain_stored
from offerkit.usecases.history import history
from offerkit.usecases.list_propositions import PropositionFilter, list_propositions
from offerkit.usecases.open_engine import open_stage
from offerkit.usecases.preview import examples_of, preview
from offerkit.usecases.requests import PreviewRequest
from offerkit.usecases.review import review_tokens
from offerkit.usecases.session import Session, who_is
from offerkit.usecases.state_refs import state_named

MOST = 300
NEWEST = 20


@dataclass(frozen=True)
class OfferRow:
    """An offer in the list; ``state`` says how live and design compare, ``spaces`` where it is live."""

    address: str
    environment: str
    name: str
    label: str
    category: str
    state: str
    spaces: tuple[str, ...]


def routes(pages: Pages) -> list[Operation]:
    """The offers."""

    async def offers(request: Request) -> Response:
        q = query_text(request, "q")
        return await pages.show(request, "offers.html", lambda session: _offers(session, q.strip()[:200]))

    async def offer(request: Request) -> Response:
        address = f"{request.path_params['environment']}/offer.{request.path_params['name']}"
        stage, contact = query_text(request, "stage"), query_text(request, "contact").strip()[:500]
        example = query_text(request, "example").strip()[:200]
        return await pages.show(
            request, "offer.html", lambda session: _offer(session, address, stage, contact, example)
        )

    async def explain(request: Request) -> Response:
        id_ = query_text(request, "proposition").strip()[:200]
        return await pages.show(request, "explain.html", lambda session: _explanation(session, id_))

    return [
        Operation("GET", "/ui/offers", offers),
        Operation("GET", "/ui/offers/{environment}/{name}", offer),
        Operation("GET", "/ui/explain", explain),
    ]


def _explanation(session: Session, id_: str) -> Facts:
    """What ``offerkit explain`` says of a proposition, by section; nothing without an id."""
    found = explain_stored(session, id_) if id_ else None
    blocks = explained_text(found).strip().split("\n\n") if found is not None else []
    parts = (block.partition("\n") for block in blocks)
    return {"id": id_, "found": found, "sections": [(title, dedent(text)) for title, _, text in parts]}


def _offers(session: Session, q: str) -> Facts:
    with session.existing() as store:
        design, live = stage_view(store, Stage.DESIGN), stage_view(store, Stage.LIVE)
        addresses = sorted({*design.of_kind(Kind.OFFER), *live.of_kind(Kind.OFFER)})
        rows = [_row(address, design, live) for address in addresses]
    word = q.casefold()
    rows = [row for row in rows if any(word in text.casefold() for text in (row.address, row.label, row.category))]
    return {"rows": rows[:MOST], "left": max(0, len(rows) - MOST), "count": len(rows), "q": q}


def _row(address: Address, design: Snapshot, live: Snapshot) -> OfferRow:
    body = design(address) or live(address) or {}
    entry = live.entries.get(address)
    spaces = (entry.activation or ()) if entry is not None else ()
    return OfferRow(
        address,
        address.environment,
        address.name,
        str(body.get("label", "")),
        str(body.get("category", "")),
        _state(design.entries.get(address), entry),
        spaces,
    )


def _state(design: Entry | None, live: Entry | None) -> str:
    """How an offer stands, in a few words."""
    if live is None:
        return "not live yet"
    if live.activation == ():
        return "deactivated"
    if design is None:
        return "live, removed from design"
    return "live" if design.fingerprint == live.fingerprint else "live, changed in design"


def _offer(session: Session, text: str, stage: str, contact: str, example: str) -> Facts:
    address = _address(text)
    with session.existing() as store:
        design, live = stage_view(store, Stage.DESIGN), stage_view(store, Stage.LIVE)
        if address not in design.entries and address not in live.entries:
            to_them = visible(design, live, design_readable(session, store))
            known = filter(to_them, {*design.of_kind(Kind.OFFER), *live.of_kind(Kind.OFFER)})
            raise refuse(Code.NO_MATCH, f"there is no offer {address}", hint=suggestion(address, known))
        may = contact_rights(session, store).may_read(address.environment, _dimension(address, design, live))
        facts = {
            "may_read": may,
            "row": _row(address, design, live),
            "assets": _assets(address, design, live),
            "examples": _examples(address, design, live),
            "parts": condition_rows(address, live, design),
            "changes": _changes(session, store, address),
            "history": _history(session, store, address),
            "propositions": list_propositions(store, PropositionFilter(offer=address, limit=NEWEST), session.now)
            if may
            else [],
            **_approvals(session, store, address if address in design.entries else ""),
            **stop_facts(session, store, address, design, live),
        }
    stages = [str(s) for s, view in ((Stage.LIVE, live), (Stage.DESIGN, design)) if address in view.entries]
    chosen = [stage] if stage in stages else stages
    if contact and not may:
        refused = not_a_contact_reader(session.operator, "previews for a contact are", (address.environment,))
        looks: list[Looks] = []
        trouble = refused.diagnostics
    else:
        looks, trouble = _looks(session, address, chosen, contact, example)
    return {
        **facts,
        "looks": looks,
        "trouble": trouble,
        "stage": stage if stage in stages else "",
        "chosen": chosen,
        "stages": stages,
        "contact": contact,
        "example": example,
    }


class Looks(NamedTuple):
    """A space, and the offer on it in each of the chosen stages; None: there it is not meant for the space."""

    space: str
    channel: str
    sides: tuple[tuple[str, SpacePreview | None], ...]


def _looks(
    session: Session, address: Address, stages: list[str], contact: str, example: str
) -> tuple[list[Looks], tuple[Diagnostic, ...]]:
    """The offer on its spaces, stage beside stage; or why it cannot be shown, as when there is no such contact."""
    previews: dict[str, Preview] = {}
    troubles: list[Diagnostic] = []
    for stage in stages:
        shown, trouble = _shown(session, stage, PreviewRequest(address, contact=contact, example=example))
        troubles += [by_stage for by_stage in trouble if by_stage not in troubles]
        if shown is not None:
            previews[stage] = shown
    by_space: dict[str, dict[str, SpacePreview]] = {}
    for stage, shown_preview in previews.items():
        for space_preview in shown_preview.spaces:
            by_space.setdefault(space_preview.space, {})[stage] = space_preview
    looks = [
        Looks(space, next(iter(by_stage.values())).channel, tuple((stage, by_stage.get(stage)) for stage in previews))
        for space, by_stage in sorted(by_space.items())
    ]
    return looks, tuple(troubles)


def _dimension(address: Address, design: Snapshot, live: Snapshot) -> str:
    """The dimension whose contacts an offer's environment has; empty where its stages do not agree on one."""
    environment = environment_address(address.environment)
    dimensions = {str(body.get("dimension", "")) for view in (design, live) if (body := view(environment)) is not None}
    return dimensions.pop() if len(dimensions) == 1 else ""


def _assets(address: Address, *views: Snapshot) -> set[str]:
    """The addresses below which an offer's images lie, in each stage."""
    environment = environment_address(address.environment)
    return {str(body["assets"]) for view in views if (body := view(environment)) is not None and body.get("assets")}


def _examples(address: Address, *views: Snapshot) -> list[str]:
    """The call-data examples of an offer's environment, in either stage."""
    environment = environment_address(address.environment)
    return sorted({name for view in views for name in examples_of(view(environment))})


def _address(text: str) -> Address:
    try:
        return parse_address(text)
    except ValueError as error:
        raise refuse(Code.BAD_ADDRESS, str(error)) from None


def _changes(session: Session, store: Store, address: str) -> Markup:
    """What design has against live."""
    sides = [state_named(session, store, str(stage)) for stage in (Stage.LIVE, Stage.DESIGN)]
    diff = difference(session, sides[0], sides[1], AddressPatterns.of((address,)))
    layout = layout_of(len(diff.steps), full=True)
    return Markup(steps_html(diff.steps, diff.bodies, layout, by_stage=False, page_of=page_of))  # noqa: S704 - escaped there


def _history(session: Session, store: Store, address: Address) -> list[HistoryLine]:
    """The newest revisions that changed the offer; for readers of its environment alone, without what may name more."""
    lines = history(store, "", address, NEWEST)
    if design_readable(session, store)(""):
        return lines
    own = {str(address.stage(stage)) for stage in Stage}
    return [
        replace(line, summary="", message="", override="", stages=tuple(own.intersection(line.stages)))
        for line in lines
    ]


def _approvals(session: Session, store: Store, address: str) -> Facts:
    rows = list_approvals(store, (address,), session.now) if address else []
    own = set(decidable_by(rows, who_is(session, store))) if session.operator else set()
    return {"offers": grouped(rows, decidable(session, own), review_tokens(store, {row.address for row in own}))}


def _shown(session: Session, stage: str, request: PreviewRequest) -> tuple[Preview | None, tuple[Diagnostic, ...]]:
    """The offer on its spaces; or why it cannot be shown, as when there is no such contact."""
    try:
        with open_stage(session, stage) as engine:
            return preview(engine, request, session.now), ()
    except Refused as refused:
        return None, refused.diagnostics


_WHAT = {
    "time_zone": "Time zone",
    "enabled": "Switched on",
    "when": "Condition",
    "filter": "Filter",
    "history": "History of the contact",
    "from": "From",
    "until": "Until",
    "spaces": "Spaces",
    "weights": "Weight",
    "weight filter": "Filter of a weight",
    "multiplier": "Multiplier",
    "themes": "Themes",
    "fields": "Field",
}
"""The parts by name, in the order in which they are shown."""


class _ShownCondition(NamedTuple):
    what: str
    origin: Address
    text: str


@dataclass(frozen=True)
class PartRow:
    """One part of what decides, as it is written in each stage (empty: it is not there), and what says it."""

    what: str
    origin: Address
    live: str
    design: str

    @property
    def same(self) -> bool:
        """Whether promoting design would leave it as it is."""
        return self.live == self.design


def condition_rows(address: Address, live: Snapshot, design: Snapshot) -> list[PartRow]:
    """The parts of an offer in both stages beside each other."""
    sides = [list(_parts(view, address)) if address in view.entries else [] for view in (live, design)]
    order = list(_WHAT.values())
    keys = dict.fromkeys((condition.what, condition.origin) for condition in sides[1] + sides[0])
    rows = []
    for what, origin in sorted(keys, key=lambda key: order.index(key[0])):
        texts = ([condition.text for condition in side if condition[:2] == (what, origin)] for side in sides)
        rows += [PartRow(what, origin, *pair) for pair in zip_longest(*texts, fillvalue="")]
    return rows


def _parts(view: Snapshot, address: Address) -> Iterator[_ShownCondition]:
    offer = view.offer(address)
    conditions = eligibility(view, address)
    of_weights = {*weight_filters(offer.get("weights"))}.difference(
        offer.filters, *(filters_of(layer.body) for layer in offer.categories)
    )
    for condition in conditions:
        limits_weight = condition.part == "filter" and json_map(condition.value).get("filter") in of_weights
        for text in _texts(condition):
            yield _ShownCondition(_WHAT["weight filter" if limits_weight else condition.part], condition.origin, text)
    if not any(condition.part == "weights" for condition in conditions):
        yield _ShownCondition("Weight", address, "1")
    yield _ShownCondition("Spaces", offer.origin(("spaces",)), ", ".join(offer.shown_on) or "none")
    for name, value in offer.fields.items():
        shown = value if isinstance(value, str) else inline(value)
        yield _ShownCondition("Field", offer.field_origin(name) or address, f"{name}: {shown}")


def _texts(condition: Condition) -> Iterator[str]:
    """The values of a condition, each as it is read: one for each weight."""
    match condition.part, condition.value:
        case "weights", list(weights):
            yield from (_weight(weight) for weight in weights if isinstance(weight, dict))
        case "multiplier", dict(body):
            yield f"× {inline(body.get('factor'))}{_period(body)}"
        case "filter", dict(body):
            arguments = f" with {inline(body['with'])}" if body.get("with") else ""
            yield f"{body.get('when') or '?'}{arguments}"
        case "enabled", value:
            yield "yes" if value else "no"
        case _, str(text):
            yield text
        case "themes", list(names):
            yield ", ".join(map(str, names))
        case _, value:
            yield inline(value)


def _weight(body: dict[str, Json]) -> str:
    value = str(body["formula"]) if body.get("formula") else inline(body.get("weight"))
    label = f" ({body['label']})" if body.get("label") else ""
    spaces = body.get("spaces")
    more = [f"on {', '.join(map(str, spaces))}"] if isinstance(spaces, list) and spaces else []
    filters = [f"filter {use['filter']}" for use in filter_uses(body.get("filters"))]
    conditions = [*filters, *([str(body["when"])] if body.get("when") else [])]
    more += [f"where {' and '.join(conditions)}"] if conditions else []
    more += [f"products of {body['dynamic']}"] if body.get("dynamic") else []
    return value + label + _period(body) + "".join(f", {text}" for text in more)


def _period(body: dict[str, Json]) -> str:
    return "".join(f" {bound} {body[bound]}" for bound in ("from", "until") if body.get(bound))
