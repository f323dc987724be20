"""``explain``: what decided a stored proposition, and who had approved it; the decision repeated from its evidence."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from offerkit import __version__
from offerkit.address import Address, Kind, Stage, StageRef
from offerkit.diagnostics import Code, refuse
from offerkit.engine.call import MAX_COUNT, Call, CallContext
from offerkit.engine.catalog import Catalog
from offerkit.engine.check_call import make_call
from offerkit.engine.condition import CallFacts, facts_at
from offerkit.engine.decide import decide
from offerkit.engine.decision import ChosenOffer, DecisionTrace, SpaceDecision
from offerkit.engine.evidence import ReadDecision, UnreadableEvidenceError, read_evidence, unread, values_kept
from offerkit.engine.explained import ExplainedProposition, PastApproval, PastRevision, Repetition
from offerkit.engine.extra_data import stored_product
from offerkit.engine.history import GroupedHistory
from offerkit.fingerprint import Json
from offerkit.rules.types import Row
from offerkit.rules.values import show
from offerkit.store import EvidenceRow, PropositionQuery, PropositionRow, RevisionRow, Store, errors
from offerkit.store.backups import ACTION as RESTORE
from offerkit.store.proposition_rows import weight_text
from offerkit.templates.render import RenderError
from offerkit.times import check_utc, instant, shift, utc
from offerkit.usecases.catalogs import Catalogs, HookLoader
from offerkit.usecases.contact_access import contact_rights, not_a_contact_reader
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.explained_rules import RuleMoment, rules_of
from offerkit.usecases.installed_hooks import load_hooks
from offerkit.usecases.past_live import PastLive
from offerkit.usecases.propose import REFILLS, history_of
from offerkit.usecases.session import Session

_WHAT = "what decided a proposition is"
_OF_A_CALL = 10_000
"""The most propositions of a contact at one time that are searched for those of a call."""


class _Case(NamedTuple):
    """A proposition with the catalogs that decided it."""

    row: PropositionRow
    past: PastLive
    catalogs: Catalogs
    offer: Address
    replaced: bool

    @property
    def catalog(self) -> Catalog:
        return self.catalogs[self.row.environment]

    @property
    def known(self) -> bool:
        """Whether the store still has what was live then: a restored backup can lack it."""
        return (
            not self.replaced
            and self.row.environment in self.catalogs
            and self.row.space in self.catalog.spaces
            and self.row.space in self._spaces
        )

    @property
    def _spaces(self) -> Collection[str]:
        """The spaces on which the offer was live."""
        at = self.catalog.position_of.get(self.row.offer)
        return () if at is None else self.catalog.offers[at].spaces


def explain_stored(session: Session, id_: str, *, present: bool = False) -> ExplainedProposition:
    """Explain a stored proposition. ``present``: also decide again with the contact as it is now.

    Raises Refused if it does not exist, or through a server unless the operator may read its environment's contacts.
    """
    return session.backend.explain(session, id_, present=present)


def explain_here(session: Session, id_: str, *, present: bool) -> ExplainedProposition:
    """:func:`explain_stored` where the store is."""
    with session.existing() as store, store.reading():
        rights = contact_rights(session, store)
        if not rights.all and not rights.named:
            raise not_a_contact_reader(session.operator, _WHAT, ())
        case = _case(store, id_, load_hooks)
        if not rights.may_read(case.row.environment, case.catalog.dimension.name if case.known else ""):
            raise not_a_contact_reader(session.operator, _WHAT, [case.row.environment])
        if not case.known:
            return _history_gone(store, case)
        explained = _explained(store, case)
        if not present or (not case.row.contact and explained.repeated is None):  # of an erased contact nothing is left
            return explained
        with ContactSources(case.catalogs, session.project.root, session.environ) as people:
            return replace(explained, present=_with_present_contact(store, case, people))


def explain_proposition(store: Store, id_: str, hooks: HookLoader) -> ExplainedProposition:
    """Everything that is known of what decided the proposition with that id. Raises Refused if it does not exist.

    ``hooks`` says which hooks the catalog names; none is called: what they answered is in the evidence, or not known.
    """
    with store.reading():
        case = _case(store, id_, hooks)
        return _explained(store, case) if case.known else _history_gone(store, case)


def _case(store: Store, id_: str, hooks: HookLoader) -> _Case:
    row = store.proposition(id_)
    if row is None:
        raise refuse(
            Code.UNKNOWN_PROPOSITION,
            f"there is no proposition “{id_[:80]}”",
            detail="It was never stored, or its retention is over.",
            hint="List a contact's propositions: offerkit propositions --contact KEY",
        )
    _check(store, row)
    past = PastLive(store, row.revision)
    # A restore gave the numbers of the revisions that it dropped to others.
    restored = store.revisions(action=RESTORE)
    replaced = any(one.serial <= row.revision and one.time > row.time for one in restored)
    return _Case(row, past, past.catalogs(hooks), Address(row.environment, Kind.OFFER, row.offer), replaced)


def _check(store: Store, row: PropositionRow) -> None:
    """Raise Refused if the proposition was edited so that nothing can be said about it."""
    try:
        check_utc(row.time)
        instant(row.time)
    except ValueError:
        raise errors.damaged(store.database.name, "A proposition was edited: it has an invalid time") from None


def _explained(store: Store, case: _Case) -> ExplainedProposition:
    row, evidence = case.row, store.evidence.of(case.row)
    read = _read(case, evidence)
    decided_by = _revision(store.revision(row.revision))
    offer = case.catalog.offers[case.catalog.position_of[row.offer]]
    decision = None if read is None else decide(case.catalog, read.call, read.history)
    facts = None if read is None or decision is None else _facts(case.catalog, read, decision)
    delivery = _delivery(store, row)
    moment = RuleMoment(instant(row.time), row.space, row.weight, facts, () if read is None else read.history)
    content = {name: str(text) for name, text in case.past.view.offer(case.offer).content(row.space).items()}
    made = replace(
        _plain(row),
        label=str(offer.row["label"] or ""),
        delivery=delivery,
        decided_by=decided_by,
        promoted_by=_promoted_by(store, case),
        content=content,
        approvals=tuple(_approvals(store, case)),
        rules=tuple(rules_of(case.catalog, offer, moment)),
        unknown=tuple(_unknown(case, decided_by, evidence, delivered=bool(delivery))),
    )
    if read is None or evidence is None or decision is None:
        return made
    repeated = _repeated(store, case, read, decision, evidence)
    shown = {} if repeated.differences else _shown(case, read, decision, evidence)
    return replace(made, shown=shown, repeated=repeated)


def _delivery(store: Store, row: PropositionRow) -> str:
    runs = (run for run in store.deliveries(row.environment) if run.id == row.interaction)
    return next((f"{run.campaign}/{run.delivery}" for run in runs), "")


def _plain(row: PropositionRow) -> ExplainedProposition:
    return ExplainedProposition(
        id=row.id,
        time=row.time,
        environment=row.environment,
        space=row.space,
        channel=row.channel,
        contact=row.contact,
        interaction=row.interaction,
        offer=row.offer,
        label="",
        category=row.category,
        rank=row.rank,
        weight=show(row.weight),
        status=row.status.value,
        changed=row.changed,
        revision=row.revision,
        product=row.product,
        delivery="",
        decided_by=None,
        promoted_by=None,
        content={},
        shown={},
        approvals=(),
        rules=(),
        unknown=(),
    )


def _history_gone(store: Store, case: _Case) -> ExplainedProposition:
    """Of a proposition that the store's history does not explain: a backup was restored, or a record was edited."""
    row = case.row
    if store.revision(row.revision) is None:
        now = "the store has no such revision"
    elif case.replaced:
        now = "the store has another history since a restore"
    else:
        now = "the offer was not live on the space then, so the stored proposition or the history was edited"
    gone = f"What was live in revision {row.revision}, its approvals and rules: {now}."
    return replace(_plain(row), unknown=(gone,))


def _revision(row: RevisionRow | None) -> PastRevision | None:
    return None if row is None else PastRevision(row.serial, row.action, row.actor, row.time, row.message)


def _promoted_by(store: Store, case: _Case) -> PastRevision | None:
    changes = store.changes_of(StageRef(case.row.environment, Stage.LIVE), [case.offer])
    serials = [change.serial for change in changes if change.serial <= case.row.revision]
    return _revision(store.revision(serials[-1])) if serials else None


def _approvals(store: Store, case: _Case) -> Iterator[PastApproval]:
    for key, approval in case.past.approvals_of(case.offer, case.row.space):
        if approval is None:
            yield PastApproval(key.address, key.aspect.value, key.space)
            continue
        revision = _revision(store.revision(approval.revision))
        yield PastApproval(key.address, key.aspect.value, key.space, approval.operator, approval.comment, revision)


def _read(case: _Case, evidence: EvidenceRow | None) -> ReadDecision | None:
    """The decision from its evidence; None if it was not kept."""
    if evidence is None or "not_kept" in evidence.body:
        return None
    row = case.row
    try:
        return read_evidence(case.catalog, row.space, row.contact, row.time, evidence.body)
    except UnreadableEvidenceError as error:
        raise refuse(
            Code.EVIDENCE_UNREADABLE,
            f"the evidence of proposition {row.id} cannot be read: {error}",
            hint="Use the version of offerkit that wrote it, or a backup of the store.",
        ) from None


def _facts(catalog: Catalog, read: ReadDecision, decision: SpaceDecision) -> CallFacts:
    """What conditions read then, with what target loading had added."""
    facts = facts_at(read.call.now, catalog.zone, read.call.contact, decision.data or read.call.data)
    return facts._replace(past=GroupedHistory(read.history, read.call.now))


def _repeated(
    store: Store, case: _Case, read: ReadDecision, decision: SpaceDecision, evidence: EvidenceRow
) -> Repetition:
    """``decision``, made again from ``evidence``, compared with what was stored."""
    catalog, row = case.catalog, case.row
    explained = decide(catalog, read.call, read.history, explain=True)
    chosen = [one for one in decision.chosen if one.offer not in read.failed]
    ids = evidence.body.get("propositions")
    stored = [store.proposition(str(id_)) for id_ in (ids if isinstance(ids, list) else ())]
    reads = case.catalogs.space(row.environment, row.space).reads
    differences = (*_elsewhere(case, stored, evidence), *unread(catalog, evidence.body, reads))
    return Repetition(
        (*differences, *_unrecorded(store, row), *_differences(stored, chosen)),
        engine=str(evidence.body.get("engine", "")),
        now=__version__,
        read=values_kept(catalog, evidence.body),
        trace=_on_the_space(explained.trace, catalog, row.space),
    )


def _elsewhere(case: _Case, stored: Sequence[PropositionRow | None], evidence: EvidenceRow) -> Iterator[str]:
    """Where stored propositions say another space, channel or revision than what decided."""
    revision = evidence.body.get("revision")
    channel = case.catalog.spaces[case.row.space].channel
    for row in filter(None, stored):
        if (row.environment, row.space) != (evidence.environment, evidence.space):
            there = f"{evidence.environment}/{evidence.space}"
            yield f"rank {row.rank}: stored on {row.environment}/{row.space}; its evidence is of {there}"
        if row.channel != channel:
            yield f"rank {row.rank}: stored for the channel {row.channel}; the space's was {channel}"
        if row.revision != revision:
            yield f"rank {row.rank}: stored as decided by revision {row.revision}; its evidence is of {revision}"
        if (row.contact, row.time, row.interaction) != (evidence.contact, evidence.time, evidence.interaction):
            yield f"rank {row.rank}: stored for another contact, time or call than its evidence is of"


def _unrecorded(store: Store, row: PropositionRow) -> Iterator[str]:
    """Propositions of the call on the space that no evidence of the call names: they were added, or moved there."""
    named = {id_ for one in store.evidence.of_call(row) for id_ in one.ids}
    for other in _of_the_call(store, row):
        if other.id not in named:
            yield f"rank {other.rank}: {other.offer} is stored for this call and space; its evidence has no such answer"


def _of_the_call(store: Store, row: PropositionRow) -> list[PropositionRow]:
    """What the call of ``row`` stored on its space."""
    own = PropositionQuery(
        row.environment,
        contact=row.contact,
        space=row.space,
        since=row.time,
        until=utc(shift(instant(row.time), timedelta(microseconds=1))),
    )
    rows = store.propositions(own, limit=_OF_A_CALL)
    return [one for one in rows if (one.time, one.interaction) == (row.time, row.interaction)]


def _with_present_contact(store: Store, case: _Case, people: ContactSources) -> Repetition:
    """The decision on what was live then, with the contact's fields and history, and hooks, as they are now."""
    row, catalog = case.row, case.catalog
    contact = people.by_key(row.environment, row.contact) if row.contact else None
    stored = _of_the_call(store, row)
    who = CallContext(contact, row.contact, instant(row.time), anonymous=catalog.anonymous, many=True)
    call = make_call(catalog, row.space, who=who, n=min(len(stored), MAX_COUNT))
    earlier = [past for past in history_of(store, catalog, row.contact, call.now) if past.time < call.now]
    for _ in range(REFILLS):
        decision = decide(catalog, call, earlier)
        failed = [one.offer for one in decision.chosen if not _renders(case, one, call, decision.data)]
        if not failed:
            break
        call = call._replace(exclude=call.exclude.union(failed))
    explained = decide(catalog, call, earlier, explain=True)
    trace = _on_the_space(explained.trace, catalog, row.space)
    differences = tuple(_differences(stored, decision.chosen, "now"))
    return Repetition(differences, engine="", now=__version__, read={}, trace=trace, evidence=False)


def _differences(
    stored: Sequence[PropositionRow | None], chosen: Sequence[ChosenOffer], again: str = "repeated"
) -> Iterator[str]:
    """Where the answer that was made ``again`` differs from the stored one, by rank."""
    if None in stored:
        yield "Some propositions of the call are no longer stored, so the whole answer cannot be compared."
    rows = {row.rank: row for row in stored if row is not None}
    for rank, one in enumerate(chosen, 1):
        row = rows.pop(rank, None)
        new = _words(one.offer, weight_text(one.weight), one.category, stored_product(one.product))
        if row is None:
            if None not in stored:
                yield f"rank {rank}: nothing was stored; {again}: {new}"
            continue
        then = _words(row.offer, weight_text(row.weight), row.category, row.product)
        if then != new:
            yield f"rank {rank}: stored {then}; {again}: {new}"
    for rank, row in sorted(rows.items()):
        yield f"rank {rank}: stored {row.offer}; {again}: nothing"


def _words(offer: str, weight: str, category: str, product: Mapping[str, Json] | None) -> str:
    of = f", product {dict(sorted(product.items()))}" if product is not None else ""
    return f"{offer} in {category} with weight {weight}{of}"


def _on_the_space(trace: DecisionTrace | None, catalog: Catalog, space: str) -> DecisionTrace | None:
    """``trace`` with the offers that were live on the space: only what these read was kept."""
    if trace is None:
        return None
    live = {offer.name for offer in catalog.offers if space in offer.spaces}
    return replace(trace, offers=tuple(one for one in trace.offers if one.offer in live))


def _renders(case: _Case, chosen: ChosenOffer, call: Call, data: Row) -> bool:
    """Whether an offer can be shown to the contact of ``call``."""
    return _fields(case, chosen, call, data) is not None


def _shown(case: _Case, read: ReadDecision, decision: SpaceDecision, evidence: EvidenceRow) -> Mapping[str, str]:
    """The fields of the offer as the contact saw them; none if they cannot be rendered."""
    row = case.row
    chosen = next((one for one in decision.chosen if one.offer == row.offer), None)
    if chosen is None:
        return {}
    return _fields(case, chosen, read.call, decision.data, str(evidence.body.get("tracked", ""))) or {}


def _fields(case: _Case, chosen: ChosenOffer, call: Call, data: Row, status_base: str = "") -> Mapping[str, str] | None:
    """The fields of an offer as the contact of ``call`` sees them; None if they cannot be rendered."""
    row = case.row
    about: Row = {"id": row.id, "rank": chosen.rank, "weight": chosen.weight, "space": row.space}
    renderer = case.catalogs.space(row.environment, row.space).renderer(status_base)
    try:
        fields, _ = renderer.show(chosen.offer, chosen.product, call.contact, data, about, ())
    except RenderError:
        return None
    return fields


def _unknown(
    case: _Case, decided_by: PastRevision | None, evidence: EvidenceRow | None, *, delivered: bool
) -> Iterator[str]:
    """What can no longer be known, a sentence each."""
    row, catalog = case.row, case.catalog
    if decided_by is not None and decided_by.time > row.time:
        yield (
            f"Whether revision {row.revision} was live at that time: it is newer than the proposition. The call asked"
            " for a past time, or the history was replaced since."
        )
    if evidence is not None and "not_kept" not in evidence.body:
        return
    if evidence is not None:
        yield f"The evidence of this decision was not kept: {evidence.body['not_kept']}."
    elif case.catalogs.space(row.environment, row.space).evidence is not None:
        yield (
            "What this decision read: the space kept evidence then, but none of this proposition is stored. Its"
            " retention is over, the contact was erased, or the stored record was edited."
        )
    if not row.contact:
        yield "For whom: a visitor without a key, or a contact that was erased since."
    reads = case.catalogs.space(row.environment, row.space).reads
    if reads.contact:
        fields = ", ".join(f"{catalog.dimension.name}.{name}" for name in sorted(reads.contact))
        yield f"The contact's fields then, which decisions on this space read: {fields}."
    if reads.data:
        yield f"The call data: {', '.join(f'interaction.{name}' for name in sorted(reads.data))}."
    if not delivered:
        yield "What the call asked for: the number of offers, categories, themes, and the seed."
    if catalog.reads_history:
        yield "The contact's history then: propositions may have been purged since, and statuses have changed."
    hooks = sorted(_hooks(case))
    if hooks:
        yield f"What hooks answered: {', '.join(hooks)}."
    if not delivered:
        yield "By which key or cookie the contact was identified."


def _hooks(case: _Case) -> set[str]:
    space = case.catalog.spaces.get(case.row.space)
    names = {space.target_loading, space.post_processing} if space is not None else set[str]()
    offers = (offer for offer in case.catalog.offers if case.row.space in offer.spaces)
    return {*names, *(weight.dynamic for offer in offers for weight in offer.weights)} - {""}
