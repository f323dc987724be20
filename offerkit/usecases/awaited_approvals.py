"""What waits for whose decision: ``approvals``, and what an apply will make wait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from offerkit.address import Address, Kind, Stage
from offerkit.governance.approval_items import ApprovalItem
from offerkit.governance.approvals import Approval, Decision, Decisions, by_named_reviewers
from offerkit.governance.authors import Authors
from offerkit.governance.profiles import applied_profiles
from offerkit.governance.rights import Actor, approvers
from offerkit.governance.settings import environments_of, is_setting, keys_to_decide, named_reviewers, same_settings
from offerkit.plans.plan import ApprovalKey, Aspect, Plan
from offerkit.state.snapshot import BeforeAfter, Snapshot
from offerkit.store import Store
from offerkit.store.stage_snapshots import Stages
from offerkit.usecases.approve import matching_offers, reviewers_of
from offerkit.usecases.deadlines import BY_THEMSELVES, deadline_of, with_deadlines
from offerkit.usecases.requests import ApprovalRequest
from offerkit.usecases.settings_approval import waiting_settings


def list_approvals(store: Store, patterns: tuple[str, ...] = (), now: str = "") -> list[ApprovalItem]:
    """Every aspect of every offer in design (or of those that match) with its state, and its deadline at ``now``."""
    stages = Stages(store)
    design, live = stages.side(Stage.DESIGN), stages.side(Stage.LIVE)
    decisions = stages.effective_decisions()
    authors = Authors(store, design, lambda: live)
    gated = waiting_settings(stages)
    chosen = [*gated, *design.of_kind(Kind.OFFER)]
    if patterns:
        chosen = sorted(matching_offers(design, ApprovalRequest(patterns), gated))
    keys = {address: keys_to_decide(design, address) for address in chosen}
    rows = [item for address in chosen for item in _items(design, live, decisions, address, keys[address])]
    waiting = {row.address for row in rows if row.state == "waiting"}
    offers = (address for address in waiting if address.kind is Kind.OFFER)
    written = authors.of(key for a in offers for key in keys[a] if decisions.on(key) is None)
    written |= {address: authors.of_change(address) for address in waiting if address.kind is not Kind.OFFER}
    rows = [row._replace(authors=tuple(written[row.address])) if row.state == "waiting" else row for row in rows]
    return with_deadlines(stages, rows, now) if now else rows


def approvals_needed(stages: Stages, plan: Plan) -> list[ApprovalItem]:
    """What will wait for a decision once ``plan`` is applied to design, whose decision, and how long they will have.

    Without a store: everything that its changes affect.
    """
    effect = stages.effect(plan, Stage.DESIGN)
    after, live = effect.after, stages.side(Stage.LIVE) if stages.store is not None else Snapshot()
    former = {address: effect.origins.get(address, address) for address in _affected(effect)}
    former_decisions = stages.effective_decisions(former.values()) if stages.store is not None else Decisions()
    decisions = by_named_reviewers(former_decisions.for_view(after, {old: new for new, old in former.items()}), after)
    rows = _awaited_settings(effect, live)
    for address in sorted(former):
        old = former[address]
        before = set(map(_what, keys_to_decide(effect.before, old))) if old in effect.before.entries else set()
        keys = [
            key
            for key in keys_to_decide(after, address)
            if (_what(key) not in before or (address in effect.addresses and stages.store is not None))
            and decisions.on(replace(key, address=old)) is None
        ]
        for row in _items(after, live, Decisions(), address, keys):
            named = live.offer(old).reviewers(row.aspect) if old in live.entries else ()
            rows.append(row._replace(who=tuple(dict.fromkeys((*row.who, *named)))))
    return [row._replace(within=deadline_of(after, live, row.address)) for row in rows]


def _affected(effect: BeforeAfter) -> list[Address]:
    """The offers that a change may affect: those it names, or all of its environments."""
    if all(address.kind in (Kind.OFFER, *BY_THEMSELVES) for address in effect.addresses):
        return [a for a in effect.addresses if a.kind is Kind.OFFER and a in effect.after.entries]
    return [offer for name in effect.touched for offer in effect.after.of_kind(Kind.OFFER, name)]


def _what(key: ApprovalKey) -> tuple[Aspect, str, str]:
    return key.aspect, key.space, key.fingerprint


def _awaited_settings(effect: BeforeAfter, live: Snapshot) -> list[ApprovalItem]:
    """The changed settings that will differ from live and have named reviewers."""
    rows = []
    for address in sorted(a for a in effect.addresses if is_setting(a, effect.after, live)):
        former = effect.origins.get(address, address)
        names = environments_of(address, effect.after, live)
        who = dict.fromkeys(
            name for view in (effect.after, live) for env in names for name in named_reviewers(view, env)
        )
        if who and not same_settings(effect.after, address, live, former, {}):
            label = str((effect.after(address) or {}).get("label", ""))
            rows.append(
                ApprovalItem(address, label, Aspect.SETTINGS, (), "waiting", tuple(who), live=former in live.entries)
            )
    return rows


def decidable_by(items: Iterable[ApprovalItem], actor: Actor) -> list[ApprovalItem]:
    """The rows that ``actor`` may decide on."""
    if actor.automation:
        return []
    return [item for item in items if actor.name in item.who or actor.profile in item.who]


def _items(
    design: Snapshot, live: Snapshot, decisions: Decisions, address: Address, keys: Sequence[ApprovalKey]
) -> list[ApprovalItem]:
    label = str((design(address) or {}).get("label", ""))
    entry = live.entries.get(address)
    groups: dict[tuple[Aspect, str, Approval | None, str, tuple[str, ...]], list[str]] = {}
    named: dict[Aspect, tuple[str, ...]] = {}
    for key in keys:
        if key.aspect not in named:
            named[key.aspect] = approvers(
                reviewers_of(design, decisions, key), applied_profiles(design), address.environment
            )
        decision = decisions.on(key)
        state = decision.decision.value if decision is not None else "waiting"
        who = _who(decisions, key, named[key.aspect])
        comment = decision.comment if decision is not None else ""
        if unsigned := decisions.unsigned(key) if decision is None else None:
            comment = f"{unsigned.operator} approved it in revision {unsigned.revision} without a signature that counts"
        # Decisions of one revision that differ only in what they are on stand together.
        alike = replace(decision, key=ApprovalKey(address, key.aspect, "", "")) if decision is not None else None
        groups.setdefault((key.aspect, state, alike, comment, who), []).append(key.space)
    return [
        ApprovalItem(
            address,
            label,
            aspect,
            tuple(space for space in spaces if space),
            state,
            who,
            decided.operator if decided is not None else "",
            comment,
            live=entry is not None and (bool(entry.activation) or address.kind is not Kind.OFFER),
            revision=decided.revision if decided is not None else 0,
            time=decided.time if decided is not None else "",
        )
        for (aspect, state, decided, comment, who), spaces in groups.items()
    ]


def _who(decisions: Decisions, key: ApprovalKey, named: tuple[str, ...]) -> tuple[str, ...]:
    """Who can decide on ``key`` now: those whose agreement is missing, and design's reviewers if one of them must
    decide.
    """
    unmet = decisions.unmet(key)
    if not unmet:
        return named
    lacking = tuple(dict.fromkeys(name for demand in unmet for name in demand.names))
    agreed = any(row.decision is Decision.APPROVED and row.operator not in lacking for row in decisions.each(key))
    return lacking if agreed else tuple(dict.fromkeys((*named, *lacking)))
