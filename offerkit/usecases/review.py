"""What a decision is about: each aspect with what it changes, the name of all of it, and what is different by now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.fingerprint import JsonMap
from offerkit.governance.approval_items import ReviewedAspect
from offerkit.governance.approvals import Decision, Decisions, by_named_reviewers
from offerkit.governance.promotion_offers import waits_for_its_keys
from offerkit.governance.settings import keys_to_decide
from offerkit.plans.fields import field_changes
from offerkit.plans.plan import ApprovalKey, Aspect, FieldChange, Plan
from offerkit.reports.words import count
from offerkit.state.effective import EffectiveOffer
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages, stage_view
from offerkit.usecases.renames import renames_of_live

MOST = 300
"""Aspects whose changes are worked out; of all others it is only said that they are decided as well."""
_NAMED = 10
"""Offers that are named as different."""
_LOOKED_AT = 50
"""Revisions that are looked at for the state that a digest names."""
_OWN = ("code", "enabled", "eligible", "weights", "themes", "category")
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")


def decision_digest(keys: Iterable[ApprovalKey], decision: Decision, decisions: Decisions) -> str:
    """The name of what is to be decided: everything asked for that the operator may decide, as it stands.

    What was decided the other way since is another state as well: it would be taken back unseen.
    """
    lines = [decision.value]
    for key in sorted(keys, key=lambda key: (key.address, key.aspect, key.space)):
        last = decisions.on(key)
        other = last.operator if last is not None and last.decision is not decision else ""
        lines.append(f"{key.address} {key.aspect} {key.space} {key.fingerprint} {other}")
    return sha256("\n".join(lines).encode()).hexdigest()[:32]


def reviewed_aspects(keys: Sequence[ApprovalKey], stages: Stages) -> tuple[ReviewedAspect, ...]:
    """What is to be decided, each with what it changes in live; of the first :data:`MOST`."""
    if not keys:
        return ()
    assert stages.store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    former = {new: old for old, new in renames_of_live(stages.store, design, live).items()}
    looked_at = keys[:MOST]
    entries = {a: live.entries.get(former.get(a, a)) for a in dict.fromkeys(key.address for key in looked_at)}
    on = {a: frozenset(entry.activation or ()) for a, entry in entries.items() if entry is not None}
    none: frozenset[str] = frozenset()
    found = [_reviewed(key, design, live, former, on.get(key.address, none)) for key in looked_at]
    return (*found, *(ReviewedAspect(key, "") for key in keys[MOST:]))


def review_tokens(store: Store, offers: Iterable[Address]) -> dict[str, str]:
    """By offer, the name of all that is to be approved of it as it is in design now."""
    design = stage_view(store, Stage.DESIGN)
    return {address: review_token(design, address) for address in offers}


def review_token(design: Snapshot, address: Address) -> str:
    """The name of an offer's eligibility, and of its content on each space."""
    parts = (f"{key.aspect} {key.space} {key.fingerprint}" for key in keys_to_decide(design, address))
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def keys_in_plan(plan: Plan) -> dict[Address, set[ApprovalKey]]:
    """What the blocked entries of a saved promotion wait for, by offer.

    Raises Refused: a plan of format 1, which does not say it; an entry that shows something else than it carries.
    """
    if plan.format < 2:
        raise refuse(
            Code.NOT_AS_SHOWN,
            "the plan does not say which state of what it lacks it showed",
            detail="It has format 1, made by an earlier version; a decision is about exactly what was shown.",
            hint="Plan the promotion again with “offerkit promote --out FILE”, read it, and decide then.",
        )
    found: dict[Address, set[ApprovalKey]] = {}
    for blocked in plan.blocked:
        if not blocked.keys:
            continue
        if not waits_for_its_keys(blocked):
            raise refuse(
                Code.PLAN_EDITED,
                f"the plan cannot be right: what {blocked.address} waits for is not what it carries",
                hint="Plan the promotion again.",
            )
        found.setdefault(blocked.address, set()).update(blocked.keys)
    return found


def changed_since_plan(design: Snapshot, shown: Mapping[Address, set[ApprovalKey]]) -> Iterator[Diagnostic]:
    """A finding for each offer of which something is not there any more as a plan showed it."""
    for address, keys in sorted(shown.items()):
        offer = address.kind is Kind.OFFER
        there = set(keys_to_decide(design, address)) if address in design.entries or not offer else set()
        gone = sorted(_what(key) for key in keys - there)
        if gone:
            yield Diagnostic(
                Code.NOT_AS_SHOWN,
                f"{address} is not as the plan shows it: its {gone[0]} is another now",
                "It was changed since, and a decision is about what the plan showed.",
                "Plan the promotion again with “offerkit promote --out FILE”, and look at what is different.",
                address,
            )


@dataclass(frozen=True)
class ExpectedDecision:
    """What was expected to be decided, by its digest, where something else stands now."""

    digest: str
    decision: Decision
    chosen: Callable[[Snapshot, Decisions], list[ApprovalKey]]
    """What is asked for in a state of design, as far as the operator may decide it."""

    def check(self, stages: Stages, keys: Sequence[ApprovalKey], decisions: Decisions) -> None:
        """Raise Refused, with what is different, unless ``keys`` are what was expected."""
        if decision_digest(keys, self.decision, decisions) == self.digest:
            return
        then = self._then(stages)
        found = list(_different(stages.side(Stage.DESIGN), keys, *then)) if then is not None else []
        if not found:
            found = [
                Diagnostic(
                    Code.NOT_AS_SHOWN,
                    f"what would be {self.decision} is not what {self.digest[:64]} names",
                    f"It is {count(len(keys), 'aspect')} of {count(len({k.address for k in keys}), 'offer')} now.",
                    "See with --show what it is now, and give the digest that is printed there.",
                )
            ]
        raise Refused(found)

    def _then(self, stages: Stages) -> tuple[Snapshot, list[ApprovalKey]] | None:
        """The latest state of design that the digest names, and what was to be decided in it; None when none does."""
        store = stages.store
        assert store is not None
        every = store.approvals()
        for revision in store.revisions(limit=_LOOKED_AT):
            serial = revision.serial - 1
            design = design_at(stages, store, serial)
            given = Decisions((row for row in every if row.revision <= serial), stages.names)
            decisions = by_named_reviewers(given, design)
            keys = self.chosen(design, decisions)
            if decision_digest(keys, self.decision, decisions) == self.digest:
                return design, keys
        return None


def _different(
    design: Snapshot, keys: Sequence[ApprovalKey], then: Snapshot, shown: Sequence[ApprovalKey]
) -> Iterator[Diagnostic]:
    """A finding for each offer of which other aspects are to be decided than were shown ``then``, up to a number."""
    before = {(key.address, key.aspect, key.space): key for key in shown}
    after = {(key.address, key.aspect, key.space): key for key in keys}
    places = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    by_offer: dict[Address, list[str]] = {}
    for place in places:
        was, will = before.get(place), after.get(place)
        said = by_offer.setdefault(place[0], [])
        if was is None or will is None:
            said.append(f"its {_what(was or will)} {'is new' if was is None else 'is not to be decided any more'}")  # type: ignore[arg-type]
        elif len(by_offer) <= _NAMED:
            changes = _changes(_said(then.offer(was.address), was), _said(design.offer(will.address), will))
            said.append(
                f"its {_what(will)} changed" + (f": {', '.join(c.path for c in changes[:5])}" if changes else "")
            )
    for address, texts in list(by_offer.items())[:_NAMED]:
        yield Diagnostic(
            Code.NOT_AS_SHOWN,
            f"{address} is not as it was shown: {texts[0]}" + (f" (and {len(texts) - 1} more)" if texts[1:] else ""),
            "; ".join(texts[1:5]),
            "See with --show what it is now, and give the digest that is printed there.",
            address,
        )
    if len(by_offer) > _NAMED:
        yield Diagnostic(Code.NOT_AS_SHOWN, f"{count(len(by_offer) - _NAMED, 'more offer')} not as shown")


def design_at(stages: Stages, store: Store, serial: int) -> Snapshot:
    """Design of all environments as it was right after revision ``serial``."""
    entries = {
        address: entry
        for stage in stages.stages
        if stage.stage is Stage.DESIGN
        for address, entry in store.entries_at(stage, serial).items()
    }
    stages.bodies.fetch(entry.fingerprint for entry in entries.values())
    return stages.side(Stage.DESIGN).with_entries(entries)


def _reviewed(
    key: ApprovalKey, design: Snapshot, live: Snapshot, former: Mapping[Address, Address], on: frozenset[str]
) -> ReviewedAspect:
    """``on``: the spaces where the offer is live."""
    old = former.get(key.address, key.address)
    label = str((design(key.address) or {}).get("label", ""))
    if key.aspect is Aspect.SETTINGS:
        before, after = live(old), design(key.address)
        return ReviewedAspect(key, label, tuple(field_changes(before or {}, after or {})), new=before is None)
    now = _said(design.offer(key.address), key)
    if not on or (key.space and not _shown_there(on, former, key)):
        return ReviewedAspect(key, label, _changes({}, now), new=True)
    place = former.get(key.address.beside(Kind.SPACE, key.space)) if key.space else None
    there = replace(key, address=old, space=place.name if place is not None else key.space)
    changes = _changes(_said(live.offer(old), there), now)
    if key.aspect is Aspect.CONTENT:
        changes += _of_space(live, there, design, key)
    return ReviewedAspect(key, label, changes)


def _shown_there(on: frozenset[str], former: Mapping[Address, Address], key: ApprovalKey) -> bool:
    space = key.address.beside(Kind.SPACE, key.space)
    return former.get(space, space).name in on


def _said(offer: EffectiveOffer, key: ApprovalKey) -> JsonMap:
    """What an aspect of an offer says, its own and what it inherits."""
    if key.aspect is Aspect.CONTENT:
        return offer.content(key.space)
    said = offer.pick(_OWN)
    for name in offer.filters:
        body = offer.around.filter(name)[1] or {}
        said[f"filter {name}"] = {part: body[part] for part in ("when", "parameters") if part in body}
    for layer in offer.categories:
        own: JsonMap = {part: layer.body[part] for part in _INHERITED if part in layer.body}
        if own:
            said[f"category {layer.name}"] = own
    return said


def _of_space(live: Snapshot, there: ApprovalKey, design: Snapshot, key: ApprovalKey) -> tuple[FieldChange, ...]:
    """What changes of the fields and the rendering of the space that a content is shown on."""
    bodies: list[JsonMap] = [
        {part: body[part] for part in ("fields", "render") if part in body}
        for view, one in ((live, there), (design, key))
        if (body := view(one.address.beside(Kind.SPACE, one.space))) is not None
    ]
    if len(bodies) < 2:
        return ()
    return tuple(replace(change, path=f"space {key.space}.{change.path}") for change in _changes(*bodies))


def _changes(before: JsonMap, after: JsonMap) -> tuple[FieldChange, ...]:
    return field_changes(before, after) if before != after else ()


def _what(key: ApprovalKey) -> str:
    return f"content on {key.space}" if key.space else key.aspect.value
