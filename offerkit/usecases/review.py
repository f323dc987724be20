"""The subject of a decision: each aspect with its changes, the digest of all of it, and later changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from offerkit.address import Address, Kind, Stage
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse
from offerkit.fingerprint import JsonMap
from offerkit.governance.approval_items import ReviewedAspect
from offerkit.governance.approvals import Decision, Decisions, by_named_reviewers
from offerkit.governance.aspects import BoundValues, bound_values, images_below
from offerkit.governance.promotion_offers import waits_for_its_keys
from offerkit.governance.settings import keys_to_decide
from offerkit.plans.fields import field_changes
from offerkit.plans.plan import ApprovalKey, Aspect, FieldChange, Plan
from offerkit.reports.words import count
from offerkit.state.snapshot import Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages, stage_view
from offerkit.usecases.renames import renames_of_live

MOST = 300
"""How many aspects to show with their changes; the rest is only listed."""
_NAMED = 10
"""How many changed offers to name."""
_LOOKED_AT = 50
"""How many revisions to search for the state that a digest names."""
_OWN = ("code", "enabled", "eligible", "weights", "themes", "category")
_INHERITED = ("enabled", "eligible", "multiplier", "themes", "always_include")


def decision_digest(keys: Iterable[ApprovalKey], decision: Decision, decisions: Decisions) -> str:
    """The digest of what is to be decided: every requested aspect that the operator may decide, in its current state.

    Earlier opposite decisions are part of it: they would be reversed unseen.
    """
    lines = [decision.value]
    for key in sorted(keys, key=lambda key: (key.address, key.aspect, key.space)):
        last = decisions.on(key)
        other = last.operator if last is not None and last.decision is not decision else ""
        lines.append(f"{key.address} {key.aspect} {key.space} {key.fingerprint} {other}")
    return sha256("\n".join(lines).encode()).hexdigest()[:32]


def reviewed_aspects(keys: Sequence[ApprovalKey], stages: Stages) -> tuple[ReviewedAspect, ...]:
    """The aspects to be decided, the first :data:`MOST` with what they change in live."""
    if not keys:
        return ()
    assert stages.store is not None
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    former = {new: old for old, new in renames_of_live(stages.store, design, live).items()}
    looked_at = keys[:MOST]
    entries = {a: live.entries.get(former.get(a, a)) for a in dict.fromkeys(key.address for key in looked_at)}
    live_spaces = {a: frozenset(entry.activation or ()) for a, entry in entries.items() if entry is not None}
    no_spaces: frozenset[str] = frozenset()
    aspects = [_reviewed(key, design, live, former, live_spaces.get(key.address, no_spaces)) for key in looked_at]
    return (*aspects, *(ReviewedAspect(key, "") for key in keys[MOST:]))


def review_tokens(store: Store, offers: Iterable[Address]) -> dict[str, str]:
    """By offer, a token of everything to be approved in its current state in design."""
    design = stage_view(store, Stage.DESIGN)
    return {address: review_token(design, address) for address in offers}


def review_token(design: Snapshot, address: Address) -> str:
    """A token of an offer's eligibility and of its content on each space."""
    parts = (f"{key.aspect} {key.space} {key.fingerprint}" for key in keys_to_decide(design, address))
    return sha256("\n".join(parts).encode()).hexdigest()[:32]


def keys_in_plan(plan: Plan) -> dict[Address, set[ApprovalKey]]:
    """What the blocked entries of a saved promotion wait for, by offer.

    Raises Refused for a plan of format 1, which does not contain it, and for an entry whose text and keys differ.
    """
    if plan.format < 2:
        raise refuse(
            Code.NOT_AS_SHOWN,
            "the plan does not record what it showed of the offers that wait for approval",
            detail="It has format 1, made by an earlier version. A decision is about exactly what was shown.",
            hint="Plan the promotion again with “offerkit promote --out FILE”, read it, and decide.",
        )
    keys_by_offer: dict[Address, set[ApprovalKey]] = {}
    for blocked in plan.blocked:
        if not blocked.keys:
            continue
        if not waits_for_its_keys(blocked):
            raise refuse(
                Code.PLAN_EDITED,
                f"the plan contradicts itself about what {blocked.address} waits for",
                hint="Plan the promotion again.",
            )
        keys_by_offer.setdefault(blocked.address, set()).update(blocked.keys)
    return keys_by_offer


def changed_since_plan(design: Snapshot, shown: Mapping[Address, set[ApprovalKey]]) -> Iterator[Diagnostic]:
    """A finding for each offer that has changed since the plan showed it."""
    for address, keys in sorted(shown.items()):
        is_offer = address.kind is Kind.OFFER
        current_keys = set(keys_to_decide(design, address)) if address in design.entries or not is_offer else set()
        changed = sorted(_what(key) for key in keys - current_keys)
        if changed:
            yield Diagnostic(
                Code.NOT_AS_SHOWN,
                f"{address} has changed since the plan was made: its {changed[0]} is different now",
                "A decision is about what the plan showed.",
                "Plan the promotion again with “offerkit promote --out FILE”, and look at the changes.",
                address,
            )


def changed_since_shown(design: Snapshot, offers: Iterable[Address], shown: Mapping[str, str]) -> Iterator[Diagnostic]:
    """A finding for each offer that is not as it was ``shown``."""
    for address in offers:
        if shown.get(address) != review_token(design, address):
            yield Diagnostic(
                Code.NOT_AS_SHOWN,
                f"{address} has changed since it was shown to you",
                "A decision is about what you saw.",
                "Open the offer again, look at the changes, and decide.",
                address,
            )


@dataclass(frozen=True)
class ExpectedDecision:
    """The decision that the operator expects, by its digest."""

    digest: str
    decision: Decision
    chosen: Callable[[Snapshot, Decisions], list[ApprovalKey]]
    """Returns what the request covers in a state of design, as far as the operator may decide it."""

    def check(self, stages: Stages, keys: Sequence[ApprovalKey], decisions: Decisions) -> None:
        """Raise Refused with the differences unless ``keys`` are what was expected."""
        if decision_digest(keys, self.decision, decisions) == self.digest:
            return
        expected_state = self._expected_state(stages)
        diagnostics = (
            list(_different(stages.side(Stage.DESIGN), keys, *expected_state)) if expected_state is not None else []
        )
        if not diagnostics:
            diagnostics = [
                Diagnostic(
                    Code.NOT_AS_SHOWN,
                    f"what would be {self.decision} does not match the digest {self.digest[:64]}",
                    f"It is {count(len(keys), 'aspect')} of {count(len({k.address for k in keys}), 'offer')} now.",
                    "Use --show to see what it is now, and pass the digest printed there.",
                )
            ]
        raise Refused(diagnostics)

    def _expected_state(self, stages: Stages) -> tuple[Snapshot, list[ApprovalKey]] | None:
        """The latest state of design that matches the digest, and what it covers; None if none matches."""
        store = stages.store
        assert store is not None
        approvals = store.approvals()
        for revision in store.revisions(limit=_LOOKED_AT):
            serial = revision.serial - 1
            design = design_at(stages, store, serial)
            earlier_decisions = Decisions((row for row in approvals if row.revision <= serial), stages.names)
            decisions = by_named_reviewers(earlier_decisions, design)
            keys = self.chosen(design, decisions)
            if decision_digest(keys, self.decision, decisions) == self.digest:
                return design, keys
        return None


def _different(
    design: Snapshot, keys: Sequence[ApprovalKey], then: Snapshot, shown: Sequence[ApprovalKey]
) -> Iterator[Diagnostic]:
    """A finding for each offer whose aspects to be decided changed, up to a limit."""
    before = {(key.address, key.aspect, key.space): key for key in shown}
    after = {(key.address, key.aspect, key.space): key for key in keys}
    subjects = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    by_offer: dict[Address, list[str]] = {}
    for subject in subjects:
        old, new = before.get(subject), after.get(subject)
        sentences = by_offer.setdefault(subject[0], [])
        if old is None or new is None:
            sentences.append(f"its {_what(old or new)} {'is new' if old is None else 'no longer needs a decision'}")  # type: ignore[arg-type]
        elif len(by_offer) <= _NAMED:
            changes = _changes(_values(then, old), _values(design, new))
            sentences.append(
                f"its {_what(new)} changed" + (f": {', '.join(c.path for c in changes[:5])}" if changes else "")
            )
    for address, texts in list(by_offer.items())[:_NAMED]:
        yield Diagnostic(
            Code.NOT_AS_SHOWN,
            f"{address} has changed since it was shown: {texts[0]}"
            + (f" (and {len(texts) - 1} more)" if texts[1:] else ""),
            "; ".join(texts[1:5]),
            "Use --show to see what it is now, and pass the digest printed there.",
            address,
        )
    if len(by_offer) > _NAMED:
        yield Diagnostic(Code.NOT_AS_SHOWN, f"{count(len(by_offer) - _NAMED, 'more offer')} changed")


def design_at(stages: Stages, store: Store, serial: int) -> Snapshot:
    """Design, in all environments, right after revision ``serial``."""
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
    current = _values(design, key)
    if not on or (key.space and not _is_live_on_space(on, former, key)):
        return ReviewedAspect(key, label, _changes({}, current), new=True)
    former_space = former.get(key.address.beside(Kind.SPACE, key.space)) if key.space else None
    live_key = replace(key, address=old, space=former_space.name if former_space is not None else key.space)
    changes = _changes(_values(live, live_key), current)
    changes += _of_what_is_read(bound_values(live, live_key), bound_values(design, key), current)
    if key.aspect is Aspect.CONTENT:
        changes += _of_space(live, live_key, design, key)
        changes += _changes(_images(live, live_key), _images(design, key))
    return ReviewedAspect(key, label, changes)


def _is_live_on_space(on: frozenset[str], former: Mapping[Address, Address], key: ApprovalKey) -> bool:
    space = key.address.beside(Kind.SPACE, key.space)
    return former.get(space, space).name in on


def _values(view: Snapshot, key: ApprovalKey) -> JsonMap:
    """The values that an aspect of an offer covers, own and inherited, with those of the declared fields it reads."""
    offer = view.offer(key.address)
    if key.aspect is Aspect.CONTENT:
        values = offer.content(key.space)
    else:
        values = offer.pick(_OWN)
        for name in offer.every_filter:
            body = offer.around.filter(name)[1] or {}
            values[f"filter {name}"] = {part: body[part] for part in ("when", "parameters") if part in body}
        for layer in offer.categories:
            own: JsonMap = {part: layer.body[part] for part in _INHERITED if part in layer.body}
            if own:
                values[f"category {layer.name}"] = own
    read = {f"offer.{name}": value for name, (_, value) in bound_values(view, key).fields.items()}
    return {**values, **read}


def _of_what_is_read(before: BoundValues, after: BoundValues, covered: JsonMap) -> tuple[FieldChange, ...]:
    """Changes of an offer's names and of declarations that an aspect reads; ``covered`` are its own values."""
    both = before.fields.keys() & after.fields.keys()
    return _changes(*(_read(bound, both, covered) for bound in (before, after)))


def _read(bound: BoundValues, fields: Iterable[str], covered: JsonMap) -> JsonMap:
    return {
        **{f"offer.{name}": value for name, value in bound.names.items() if name not in covered},
        **{f"environment.offer_fields.{name}.type": bound.fields[name][0] for name in fields},
        **{f"environment.product_fields.{name}": value for name, value in bound.products.items()},
    }


def _of_space(live: Snapshot, live_key: ApprovalKey, design: Snapshot, key: ApprovalKey) -> tuple[FieldChange, ...]:
    """Changes of the fields and rendering functions of the space on which a content is shown."""
    bodies: list[JsonMap] = [
        {part: body[part] for part in ("fields", "render") if part in body}
        for view, view_key in ((live, live_key), (design, key))
        if (body := view(view_key.address.beside(Kind.SPACE, view_key.space))) is not None
    ]
    if len(bodies) < 2:
        return ()
    return tuple(replace(change, path=f"space {key.space}.{change.path}") for change in _changes(*bodies))


def _images(view: Snapshot, key: ApprovalKey) -> JsonMap:
    """Where the images lie that a content names by a path."""
    assets = images_below(view, key.address, key.space)
    return {"environment.assets": assets} if assets else {}


def _changes(before: JsonMap, after: JsonMap) -> tuple[FieldChange, ...]:
    return field_changes(before, after) if before != after else ()


def _what(key: ApprovalKey) -> str:
    return f"content on {key.space}" if key.space else key.aspect.value
