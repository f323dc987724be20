"""``propose``, THE SECOND MAIN PATH: the offers for a contact on one or more spaces (domain.md §3).

identify → load profile and history → decide (offerkit.engine) → render → store in one transaction
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from time import time_ns
from types import MappingProxyType
from typing import NamedTuple

from offerkit import __version__
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.engine.answer import Answer, ProposedOffer, SpaceAnswer
from offerkit.engine.call import Call
from offerkit.engine.catalog import Catalog
from offerkit.engine.decide import decide
from offerkit.engine.decision import ChosenOffer, DecisionTrace, SpaceDecision
from offerkit.engine.evidence import evidence_of
from offerkit.engine.extra_data import ExtraData, product_row, stored_product
from offerkit.engine.history import PastProposition
from offerkit.engine.hook_tape import HookTape
from offerkit.engine.identify import IdentifiedBy
from offerkit.engine.reasons import NOT_ELIGIBLE, ExclusionReason, not_rendered
from offerkit.engine.report import Report
from offerkit.fingerprint import Json
from offerkit.models.status import Status
from offerkit.rules.types import Row
from offerkit.store import EvidenceRow, PropositionRow, Store
from offerkit.store.proposition_rows import past_of
from offerkit.templates.render import RenderError
from offerkit.times import common_zone, utc
from offerkit.usecases.catalogs import Catalogs
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.random_ids import random_hex
from offerkit.usecases.requests import ProposeRequest
from offerkit.usecases.space_calls import (
    ContactFinder,
    CookieReader,
    HistoryReader,
    SpaceCall,
    prepare_call,
    previews,
)

REFILLS = 5
"""How many times offers that cannot be rendered are replaced by the next best; after that, fewer offers are
returned.
"""

IdMaker = Callable[[], str]
"""Makes unique opaque ids for interactions and propositions."""


def new_id() -> str:
    """A new id that cannot be guessed: milliseconds since 1970 and 80 random bits, as 31 hexadecimal digits.

    Consecutive ids are neighbours in the store's index, which saves writes.
    """
    return f"{time_ns() // 1_000_000:011x}{random_hex(20)}"


class PendingWrite(NamedTuple):
    """What must be stored before an answer is returned: its propositions, the contacts that ``cookie`` now identifies,
    and what the decisions read, where spaces keep it.

    ``contacts``: (environment, key) pairs, and the ``time`` at which they called: in UTC, in the store's format.
    """

    rows: tuple[PropositionRow, ...]
    contacts: tuple[tuple[str, str], ...]
    cookie: str
    time: str
    evidence: tuple[EvidenceRow, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to store."""
        return bool(self.rows or self.contacts)


def propose(
    catalogs: Catalogs, sources: ContactSources, store: Store, ask: ProposeRequest, ids: IdMaker = new_id
) -> Answer:
    """Answer ``ask`` from what is live, storing the propositions first.

    Raises Refused with all mistakes in the call; then nothing is decided or stored.
    """
    answer, pending = decide_call(catalogs, sources, ask, store.contact_of, partial(history_of, store), ids)
    if pending:
        with store.recording():
            write_pending(store, [pending])
    return answer


def decide_call(
    catalogs: Catalogs,
    sources: ContactSources,
    ask: ProposeRequest,
    contact_of: CookieReader,
    pasts: HistoryReader,
    ids: IdMaker = new_id,
) -> tuple[Answer, PendingWrite]:
    """The answer to ``ask``, and what must be stored before it is returned. Writes nothing.

    All that ``contact_of`` and ``pasts`` read is read before anything is decided. Raises Refused with all mistakes in
    the call.
    """
    ask = ask if stores(catalogs, ask) == ask.store else ask._replace(store=False)
    calls = _prepared(catalogs, ContactFinder(catalogs, sources, contact_of), ask, pasts)
    contacts = _contacts_to_remember(calls) if ask.cookie and ask.store else ()
    cookie = _cookie(contact_of, ask.cookie, contacts) if contacts else ask.cookie
    interaction = ids()
    already_proposed: frozenset[str] = frozenset()
    answers: list[SpaceAnswer] = []
    rows: list[PropositionRow] = []
    evidence: list[EvidenceRow] = []
    for space_call in calls:
        answer, new_rows, read = _answered(space_call, ask, already_proposed, interaction, ids)
        if len(calls) > 1:
            already_proposed |= {proposed.offer for proposed in answer.proposed}
        answers.append(answer)
        rows += new_rows
        if read is not None:
            evidence.append(read)
    pending = PendingWrite(tuple(rows), contacts, cookie, utc(ask.at) if contacts else "", tuple(evidence))
    at, renewed = ask.at.astimezone(calls[0].catalog.zone), cookie if cookie != ask.cookie else ""
    return Answer(interaction, at, tuple(answers), renewed), pending


def _contacts_to_remember(calls: Sequence[SpaceCall]) -> tuple[tuple[str, str], ...]:
    """The contacts identified by key, as (environment, key). Visitors are identified by their cookie anyway."""
    contacts = {
        (call.who.environment, call.who.key)
        for call in calls
        if call.who.how is IdentifiedBy.EXPLICIT and not call.catalog.anonymous
    }
    return tuple(sorted(contacts))


def _cookie(contact_of: CookieReader, sent_cookie: str, contacts: Sequence[tuple[str, str]]) -> str:
    """The cookie that identifies ``contacts`` from now on: the one sent if it already does, otherwise a new one.

    Others may know the cookie that was sent: a page on a subdomain, or anybody on the path of a request without https,
    can set a visitor's cookie. Accepting it would let them be answered as that contact (session fixation, CWE-384).
    """
    is_theirs = all(contact_of(environment, sent_cookie) == key for environment, key in contacts)
    return sent_cookie if is_theirs else random_hex(32)


def write_pending(store: Store, answers: Sequence[PendingWrite]) -> None:
    """Store what ``answers`` need; call inside :meth:`Store.recording`. Raises Refused if it cannot be stored."""
    rows = [row for pending in answers for row in pending.rows]
    if rows:
        store.add_propositions(rows)
    evidence = [row for pending in answers if pending.evidence for row in pending.evidence]
    if evidence:
        store.evidence.add(evidence)
    for pending in answers:
        for environment, key in pending.contacts:
            store.remember(environment, pending.cookie, key, pending.time)


def zone_of(catalogs: Catalogs, spaces: Sequence[str]) -> tzinfo:
    """The spaces' common time zone, or UTC if they have several. Environments that are not live are reported later."""
    names = (space.partition("/")[0] for space in spaces)
    return common_zone(catalogs[name].zone for name in names if name in catalogs)


def _prepared(catalogs: Catalogs, finder: ContactFinder, ask: ProposeRequest, pasts: HistoryReader) -> list[SpaceCall]:
    """All spaces of the call, checked. Raises Refused with the mistakes in all of them."""
    diagnostics: list[Diagnostic] = []
    calls: list[SpaceCall] = []
    if not ask.spaces:
        raise refuse(Code.UNKNOWN_SPACE, "no space given", hint="Name one: --space ENVIRONMENT/SPACE.")
    for place in ask.places:
        try:
            calls.append(prepare_call(catalogs, finder, ask, place, pasts))
        except Refused as refused:
            diagnostics += [d for d in refused.diagnostics if d not in diagnostics]
    if diagnostics:
        raise Refused(diagnostics)
    return calls


def stores(catalogs: Catalogs, ask: ProposeRequest) -> bool:
    """Whether the call may store anything; a preview of one of its spaces stores nothing of any."""
    if not (ask.store and ask.explain):
        return ask.store
    names = (request.space.partition("/") for request in ask.places)
    return not any(name in catalogs and previews(ask, catalogs[name], space) for name, _, space in names)


def history_of(store: Store, catalog: Catalog, key: str, now: datetime) -> tuple[PastProposition, ...]:
    """The propositions of a contact that rules and conditions may count."""
    if not key or not catalog.reads_history:
        return ()
    read = store.past_with_data if catalog.seldom_read else store.past
    return tuple(read(catalog.environment, key, utc(history_start(catalog, now)), catalog.former_names))


_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)


def history_start(catalog: Catalog, now: datetime) -> datetime:
    """The earliest time of propositions that may count at ``now``."""
    return max(now - catalog.longest_period, _EARLIEST) if catalog.longest_period else now


def _answered(
    space_call: SpaceCall, ask: ProposeRequest, already_proposed: frozenset[str], interaction: str, ids: IdMaker
) -> tuple[SpaceAnswer, list[PropositionRow], EvidenceRow | None]:
    """Decide and render; offers that cannot be rendered are reported and replaced by the next best."""
    if space_call.who.how is IdentifiedBy.NOBODY:
        return _answer(space_call, (), (_nobody(space_call),), None), [], None
    keeps_evidence = space_call.keep and space_call.form.evidence is not None
    reports: list[Report] = []
    failed: dict[str, str] = {}
    for _ in range(REFILLS):
        excluded = already_proposed | failed.keys()
        call = space_call.call._replace(exclude=excluded) if excluded else space_call.call
        if keeps_evidence:
            call = call._replace(hooks=space_call.catalog.hooks.taped(HookTape()))
        decision = decide(space_call.catalog, call, space_call.history, explain=ask.explain)
        shown: list[ProposedOffer] = []
        for chosen in decision.chosen:
            try:
                id_ = ids() if space_call.keep else ""
                shown.append(_proposed(space_call, decision, chosen, len(shown) + 1, id_))
            except RenderError as error:
                failed[chosen.offer] = str(error)
                where = f"{space_call.catalog.environment}/offer.{chosen.offer}"
                reports.append(Report(Code.NOT_RENDERED, f"{where} is left out: {error}.", where))
        if len(shown) == len(decision.chosen):
            break
    extra = space_call.form.live_space.proposed_data
    rows = _rows(space_call, shown, decision.data, interaction, extra) if space_call.keep else []
    all_reports = (*decision.reports, *reports, *(extra.reports if rows else ()))
    trace = _unrendered(decision.trace, failed) if failed else decision.trace
    evidence = _evidence(space_call, call, decision, failed, rows) if keeps_evidence and rows else None
    return _answer(space_call, tuple(shown), all_reports, decision, trace), rows, evidence


def _evidence(
    space_call: SpaceCall,
    call: Call,
    decision: SpaceDecision,
    failed: Collection[str],
    rows: Sequence[PropositionRow],
) -> EvidenceRow:
    """What ``decision`` read, to be stored with its propositions."""
    assert space_call.form.evidence is not None
    first = rows[0]
    body: dict[str, Json] = {
        **evidence_of(space_call.catalog, call, space_call.history, decision, space_call.form.evidence),
        "engine": __version__,
        "revision": first.revision,
        "identified": str(space_call.who.how),
        "propositions": [row.id for row in rows],
    }
    if failed:
        body["failed"] = [*sorted(failed)]
    if space_call.form.renderer.status_base:
        body["tracked"] = space_call.form.renderer.status_base
    return EvidenceRow(first.environment, first.contact, first.time, first.id, first.interaction, first.space, body)


def _unrendered(trace: DecisionTrace | None, failed: Mapping[str, str]) -> DecisionTrace | None:
    """``trace`` with the offers that could not be rendered; the last decision knew them only as excluded."""
    if trace is None:
        return None
    verdicts = tuple(
        replace(verdict, out=not_rendered(verdict.out.address, failed[verdict.offer]))
        if verdict.offer in failed and verdict.out is not None
        else verdict
        for verdict in trace.offers
    )
    return replace(trace, offers=verdicts)


def _answer(
    space_call: SpaceCall,
    shown: tuple[ProposedOffer, ...],
    reports: Sequence[Report],
    decision: SpaceDecision | None,
    trace: DecisionTrace | None = None,
) -> SpaceAnswer:
    return SpaceAnswer(
        asked=space_call.name,
        environment=space_call.who.environment,
        space=space_call.who.space,
        how=space_call.who.how,
        contact=space_call.who.key,
        revision=space_call.catalog.revision,
        proposed=shown,
        reports=tuple(dict.fromkeys((_preview(space_call), *reports) if space_call.form.batch else reports)),
        trace=trace,
        stored=space_call.keep and bool(shown),
        excluded=_excluded(decision, len(shown), reports),
    )


def _excluded(decision: SpaceDecision | None, shown: int, reports: Sequence[Report]) -> dict[str, int]:
    if decision is None:
        return {}
    if decision.because is not None:
        return {decision.because: 1}
    counts = decision.considered
    failed = sum(report.code == Code.NOT_RENDERED for report in reports) if reports else 0
    return {
        NOT_ELIGIBLE: counts["slice"] - counts["eligible"],
        ExclusionReason.PRESENTATION_RULE: counts["eligible"] - counts["presentable"],
        ExclusionReason.NOT_RENDERED: failed,
        ExclusionReason.BEYOND_N: max(counts["presentable"] - shown - failed, 0),
    }


def _preview(space_call: SpaceCall) -> Report:
    why = "is for deliveries: this previews what one would give this contact, and nothing of the call is stored."
    return Report(Code.BATCH_PREVIEW, f"The space “{space_call.who.space}” {why}", space_call.name)


def _nobody(space_call: SpaceCall) -> Report:
    without = "" if space_call.form.batch else " and the space has no fallback"
    why = f"No contact was identified{without}, so nothing is proposed."
    return Report(Code.NOBODY, why, space_call.name)


def _proposed(
    space_call: SpaceCall, decision: SpaceDecision, chosen: ChosenOffer, rank: int, id_: str
) -> ProposedOffer:
    catalog, form = space_call.catalog, space_call.form
    fields, rendered = form.renderer.constant(chosen.offer, chosen.product, form.outputs), _NOTHING
    if fields is None:
        about: Row = {"id": id_ or None, "rank": rank, "weight": chosen.weight, "space": form.space}
        fields, rendered = form.renderer.show(
            chosen.offer, chosen.product, space_call.call.contact, decision.data, about, form.outputs
        )
    offer = catalog.offers[catalog.position_of[chosen.offer]]
    return ProposedOffer(
        id=id_,
        offer=chosen.offer,
        label=str(offer.row["label"] or ""),
        category=chosen.category,
        rank=rank,
        weight=chosen.weight,
        status=form.status,
        fields=fields,
        rendered=rendered,
        product=chosen.product,
        product_fields=_declared_values(catalog, chosen) if chosen.product else _NOTHING,
    )


_NOTHING: Mapping[str, str] = MappingProxyType({})


def _declared_values(catalog: Catalog, chosen: ChosenOffer) -> Row:
    """The known values of a product that the environment declares, for every caller."""
    return {name: value for name, value in product_row(catalog, chosen.product).items() if value is not None}


def _rows(
    space_call: SpaceCall, shown: Sequence[ProposedOffer], data: Row, interaction: str, extra: ExtraData
) -> list[PropositionRow]:
    """What is stored of ``shown``, with the values of ``extra``."""
    catalog, call, form, who = space_call.catalog, space_call.call, space_call.form, space_call.who
    time, status, channel = utc(call.now), Status(form.status), form.channel
    rows = [
        PropositionRow(
            id=proposed.id,
            environment=who.environment,
            contact=who.key,
            space=who.space,
            channel=channel,
            offer=proposed.offer,
            category=proposed.category,
            interaction=interaction,
            rank=proposed.rank,
            weight=proposed.weight,
            status=status,
            time=time,
            changed=time,
            revision=catalog.revision,
            product=stored_product(proposed.product),
        )
        for proposed in shown
    ]
    if not extra:
        return rows
    offers = [catalog.offers[catalog.position_of[proposed.offer]].row for proposed in shown]
    products = [product_row(catalog, proposed.product) for proposed in shown]
    pasts = [past_of(row)._replace(status=status.value) for row in rows]
    return [
        row._replace(proposed=extra.values(call.contact, data, offer, past, call.now, product))
        for row, offer, past, product in zip(rows, offers, pasts, products, strict=True)
    ]
