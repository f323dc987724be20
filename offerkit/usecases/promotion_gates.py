"""The gates that a promotion must pass: rules and texts are valid in live, and decision cases succeed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache

from offerkit.address import Address, Kind, Stage, StageRef, environment_address
from offerkit.diagnostics import Code, Diagnostic, Refused
from offerkit.engine.case_results import CaseOutcome
from offerkit.engine.catalog import Catalog
from offerkit.engine.extra_data import ExtraData
from offerkit.engine.report import Report
from offerkit.fingerprint import Json, JsonMap, path_text
from offerkit.governance.cases import contacts_fingerprint, names_contacts, names_stored_contact, promotion_setting
from offerkit.governance.stops import stop_revision
from offerkit.models.campaign import Campaign
from offerkit.models.expression_scopes import (
    CALL_FACTS,
    OFFER_VARIABLES,
    PROPOSITION_VARIABLES,
    ExpressionRole,
)
from offerkit.models.space import Space
from offerkit.plans.sentences import excused_case_note
from offerkit.rules.check import RuleError, check
from offerkit.rules.types import ExpectedResult
from offerkit.specs.campaigns import SLOTS, message_bodies, slots_by_delivery
from offerkit.specs.cases import RawCase
from offerkit.specs.facts import expressions
from offerkit.state.effective import EffectiveOffer
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.templates.inspection import inspect
from offerkit.templates.space import SpaceLayout, is_path
from offerkit.usecases.applied_cases import RequiredCases, case_file, contacts_digest, required_cases
from offerkit.usecases.catalogs import Catalogs, catalogs_as_live
from offerkit.usecases.contact_access import contact_rights
from offerkit.usecases.contact_sources import ContactSources
from offerkit.usecases.plan_effect import PlanEffect
from offerkit.usecases.run_cases import failures, run_cases
from offerkit.usecases.session import Session

_BROAD = (Kind.DIMENSION, Kind.ENVIRONMENT, Kind.FILTER)
"""Changes of these may break rules and texts of resources that do not change."""


def check_gates(session: Session, store: Store, effect: PlanEffect) -> list[str]:
    """Raise Refused if a promotion would leave invalid rules or texts in live, or if decision cases fail.

    Only promotions are checked: a rollback returns to what was live before, and must be possible at any time. Cases
    that fail only because of stops do not block; each is returned as a note for the plan.
    """
    excused: list[str] = []
    diagnostics = [*_broken(effect), *_failing(session, store, effect, excused)]
    if diagnostics:
        raise Refused(diagnostics)
    return excused


def _broken(effect: PlanEffect) -> Iterator[Diagnostic]:
    """The rules that the plan breaks, except those that were broken before."""
    changed: set[Address] = {step.address for step in effect.changes}
    broad = any(address.kind in _BROAD for address in changed)
    coming, before = effect.catalogs_after, catalogs_as_live(effect.before)
    if not broad:
        coming, before = _only(coming, changed), _only(before, changed)
    for name in effect.touched if not broad else coming.names:
        if name not in coming:
            continue
        known_problems = set(_problems(before, name)) if name in before else set[Report]()
        for report in _problems(coming, name):
            if report not in known_problems:
                rule = report.code is Code.BROKEN_RULE
                what = "an invalid rule in live" if rule else "a reference in live to something that does not exist"
                yield Diagnostic(
                    report.code,
                    f"the promotion would leave {what}: {report.message.rstrip('.')}",
                    "It refers to something that would not be live.",
                    "Also promote what it refers to, or change the reference first.",
                    report.where.partition(":")[0],
                )


def _only(catalogs: Catalogs, changed: set[Address]) -> Catalogs:
    """``catalogs`` without unchanged offers, which a narrow change cannot break."""
    entries = {
        address: entry
        for address, entry in catalogs.snapshot.entries.items()
        if address in changed or address.kind is not Kind.OFFER
    }
    return replace(catalogs, snapshot=catalogs.snapshot.with_entries(entries), _compiled={})


def _problems(catalogs: Catalogs, name: str) -> tuple[Report, ...]:
    """Everything that is invalid in an environment, but in deactivated offers, which are kept for the history only.

    It is the same in a state with the same entries, so it is found once.
    """
    view = catalogs.snapshot
    key = "problems", name, view.digest
    if key not in view.derived:
        kept = {str(offer) for offer in view.of_kind(Kind.OFFER, name) if view.entries[offer].activation == ()}
        rules = (report for report in catalogs[name].problems if report.where not in kept)
        view.derived[key] = (*rules, *unknown_names(catalogs, name))
    found: tuple[Report, ...] = view.derived[key]
    return found


def _failing(session: Session, store: Store, effect: PlanEffect, excused: list[str]) -> Iterator[Diagnostic]:
    """The decision cases that would fail in live, in environments that require them; details only for contact readers.

    An environment requires them if live, before or after, or design says so: a change cannot lift a gate that it must
    pass itself. The cases are those that were applied, never those in a folder; of both live and design. A stop must
    not block later promotions: a case that would succeed without stops goes to ``excused``.
    """
    coming = effect.catalogs_after
    touched = [name for name in effect.touched if name in coming]
    stages = Stages(store)
    design = stages.snapshot((StageRef(name, Stage.DESIGN) for name in touched), Kind.ENVIRONMENT, Kind.CASES)
    requiring = [
        name for name in touched if any(promotion_setting(state, name, "tests") for state in (*effect.pair, design))
    ]
    if not requiring:
        return
    reads = contact_rights(session, store)
    show_details = reads.all or all(reads.may_read(name, coming[name].dimension.name) for name in coming.names)
    contacts = _CaseContacts(session, stages, effect.after)
    running = cache(lambda: _without_stops(effect, store, stages))
    with ContactSources(coming, session.project.root, session.environ) as sources:
        for name in requiring:
            chosen = [*required_cases(effect, design, name)]
            if not chosen:
                yield _no_cases(name)
            for required in chosen:
                changed = contacts.changed(required)
                if changed is not None:
                    yield changed
                    continue
                file = case_file(required.state, required.address)
                failed = failures(run_cases(coming, sources, [file], contacts.can_ask))
                passing_without_stops: set[str] = set()
                if failed and stages.stops:
                    rerun = run_cases(running(), sources, [file], contacts.can_ask)
                    passing_without_stops = {outcome.name for outcome in rerun if outcome.passed}
                for outcome in failed:
                    if outcome.name in passing_without_stops:
                        excused.append(excused_case_note(required.address, outcome.name))
                    else:
                        yield _failed(required, outcome, show_details=show_details)


def _without_stops(effect: PlanEffect, store: Store, stages: Stages) -> Catalogs:
    """Live after the plan, with everything that stops took out of it back in place."""
    spaces_lost = {
        address: _stopped_spaces(effect, store, stages, address) for address in effect.after.of_kind(Kind.OFFER)
    }
    coming = effect.catalogs_after
    return replace(
        coming,
        stops=None,
        activated=lambda address: tuple(sorted({*coming.activated(address), *spaces_lost[address]})),
        _compiled={},
        _spaces={},
    )


def _stopped_spaces(effect: PlanEffect, store: Store, stages: Stages, offer: Address) -> set[str]:
    """The spaces that current stops took an offer off, by the names that they have in live."""
    old = effect.origins.get(offer, offer)
    stopped = (
        {stop_revision(row) for row in stages.stops.about(effect.before, old)} if old in effect.before.entries else ()
    )
    spaces_lost: set[str] = set()
    for serial in stopped:
        stage = old.stage(Stage.LIVE)
        renamed_since = store.renames_since(stage, serial)
        spaces = {former.name: now.name for now, former in renamed_since.items() if now.kind is Kind.SPACE}
        for row in store.changes_of(stage, [renamed_since.get(old, old)]):
            if row.serial == serial and row.before is not None and row.after is not None:
                lost = set(row.before.activation or ()) - set(row.after.activation or ())
                spaces_lost |= {spaces.get(space, space) for space in lost}
    renamed = {former.name: now.name for now, former in effect.origins.items() if now.kind is Kind.SPACE}
    return {renamed.get(space, space) for space in spaces_lost}


class _CaseContacts:
    """Whether the contacts that cases name are in the same file as when the cases were applied.

    If a server has the contacts, the server checks that when the promotion is applied there.
    """

    def __init__(self, session: Session, stages: Stages, after: Snapshot) -> None:
        self._elsewhere = session.backend.history_only
        self._kept = stages.contacts_kept
        self._lifted = stages.cases_lifted
        self._now = cache(lambda name: contacts_digest(after, name, session.project.root, session.environ))

    def can_ask(self, case: RawCase) -> bool:
        return not (self._elsewhere and names_stored_contact(case.value))

    def changed(self, required: RequiredCases) -> Diagnostic | None:
        """The finding that the file has changed, or None."""
        if self._elsewhere or not names_contacts(required.state(required.address) or {}):
            return None
        digest = self._now(required.address.environment)
        if all(digest == self._kept(required.address, side) for side in required.sides):
            return None
        if self._lifted(
            required.address, contacts_fingerprint(required.state.entries[required.address].fingerprint, digest)
        ):
            return None
        return Diagnostic(
            Code.CONTACTS_OTHER,
            f"the contact file that {required.address} uses has changed since it was applied",
            "What a case expects of a stored contact is only known for the file that was there then.",
            f"Restore that file, or let a second operator accept the new one: offerkit override {required.address}"
            " --message TEXT. Cases that spell out their contacts do not depend on a file.",
            required.address,
        )


def _no_cases(environment: str) -> Diagnostic:
    return Diagnostic(
        Code.NO_CASES,
        f"{environment} requires decision cases for promotions (promotion: tests), and none were applied",
        "Only applied cases count, not those in a folder.",
        "Write them in cases/*.yaml and apply them: offerkit apply.",
        environment_address(environment),
    )


def _failed(required: RequiredCases, outcome: CaseOutcome, *, show_details: bool) -> Diagnostic:
    hint = "Change the offers, or change the case and apply it; “offerkit test” runs the cases on the specs."
    if required.sides == (Stage.LIVE,):
        hint = (
            "Live has this case; design has changed or removed it. Change the offers, or let a second operator accept"
            f" the change: offerkit override {required.address} --message TEXT."
        )
    return Diagnostic(
        Code.CASE_FAILED,
        f"the case “{outcome.name[:120]}” would fail in live",
        (outcome.error or " ".join(outcome.mismatches)) if show_details else "",
        hint,
        required.address,
    )


def unknown_names(catalogs: Catalogs, environment: str) -> Iterator[Report]:
    """Names in an environment's resources that the stage does not have; of offers, only those that are activated.

    These are names in texts, rendering functions, identification, stored data and campaigns; conditions report theirs
    themselves (``Catalog.problems``). All were valid when the specs were read, but a dimension or environment may go
    live with a field less while an offer that names the field stays live unchanged.
    """
    catalog = catalogs[environment]
    common = {
        *OFFER_VARIABLES,
        *(f"{catalog.dimension.name}.{field}" for field in catalog.dimension.fields),
        *(f"interaction.{field}" for field in (*CALL_FACTS, *catalog.call_data)),
        *(f"offer.{field}" for field in catalog.offer_fields),
        *(f"product.{field}" for field in catalog.product_fields),
    }
    for address in catalogs.snapshot.of_kind(Kind.SPACE, environment):
        yield from _space(catalog, address, Space.model_validate(catalogs.snapshot(address)), common)
    images = _images(catalogs.snapshot, environment)
    for address in catalogs.snapshot.of_kind(Kind.OFFER, environment):
        activated = catalogs.activated(address)
        yield from _offer(catalogs.snapshot.offer(address), activated, common, images) if activated else ()
    for address in catalogs.snapshot.of_kind(Kind.CAMPAIGN, environment):
        yield from _campaign(catalog, address, catalogs.snapshot(address) or {}, common)


def _space(catalog: Catalog, address: Address, space: Space, common: set[str]) -> Iterator[Report]:
    own = {*common, *PROPOSITION_VARIABLES, *(field.name for field in space.fields)}
    for output, text in space.render:
        yield from _text(address, f"render.{output}", text, own)
    for key in space.identification.keys:
        if key not in catalog.dimension.fields:
            message = f"{address} › identification.keys names “{key}”, which {catalog.dimension.name} does not have"
            yield Report(Code.UNKNOWN_FIELD, message, address)
    for moment, expressions_ in space.storage.data:
        yield from ExtraData(catalog, address, ".".join(moment), expressions_).reports


def _offer(
    offer: EffectiveOffer, activated: Iterable[str], common: set[str], images: Mapping[str, Collection[str]]
) -> Iterator[Report]:
    checked: set[tuple[str, Json]] = set()
    for space in activated:
        for field, text in offer.content(space).items():
            if (field, text) not in checked:
                checked.add((field, text))
                yield from _text(offer.address, f"{field} on {space}", text, common)
                if field in images.get(space, ()) and is_path(str(text)):
                    message = f"{offer.address} › {field} on {space} is a path, and its environment has no assets"
                    yield Report(Code.BAD_VALUE, message, offer.address)


def _images(view: Snapshot, environment: str) -> dict[str, frozenset[str]]:
    """By space, the fields of images; none if the environment has an address below which paths of images lie."""
    if (view(environment_address(environment)) or {}).get("assets"):
        return {}
    spaces = {address.name: SpaceLayout.of(view(address) or {}) for address in view.of_kind(Kind.SPACE, environment)}
    return {name: frozenset(f.name for f in look.fields if f.is_image) for name, look in spaces.items()}


def _text(address: Address, where: str, text: Json, known: set[str]) -> Iterator[Report]:
    if isinstance(text, str):
        for name in inspect(text).variables:
            if name not in known:
                yield Report(
                    Code.UNKNOWN_VARIABLE, f"{address} › {where} names “{name}”, which does not exist", address
                )


def _campaign(catalog: Catalog, address: Address, body: JsonMap, common: set[str]) -> Iterator[Report]:
    names = catalog.scope(ExpressionRole.TARGET)
    campaign = Campaign.model_validate(body)
    for expression in expressions(Kind.CAMPAIGN, campaign):
        try:
            check(expression.text, names, ExpectedResult(expression.expected))
        except RuleError as error:
            message = f"{address} › {path_text(expression.path)} is not valid: {error.problems[0].summary}"
            yield Report(Code.BROKEN_RULE, message, address)
    slots = slots_by_delivery(campaign)
    for (_, delivery, _, output), text in message_bodies(campaign).items():
        own = {f"{SLOTS}.{slot}" for slot in slots[str(delivery)]}
        yield from _text(address, f"deliveries.{delivery}.body.{output}", text, (common - {*OFFER_VARIABLES}) | own)
    for delivery, model in campaign.deliveries.items():
        for name in model.data:
            if name not in catalog.call_data:
                message = f"{address} › deliveries.{delivery}.data names “{name}”, which {catalog.environment} lacks"
                yield Report(Code.UNKNOWN_VARIABLE, message, address)
