"""The consequences of a step: where it is live, which approvals it resets, which resources it affects."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from offerkit.address import Address
from offerkit.diagnostics import and_list
from offerkit.governance.settings import SETTING_KINDS
from offerkit.plans.plan import ApprovalReset, Aspect, Reason, Step
from offerkit.reports.style import Layout
from offerkit.reports.words import count, listing, names
from offerkit.state.changes import Action


class Fact(NamedTuple):
    """A labelled sentence: ``resets`` | ``content on email, web-home; eligibility``."""

    label: str
    text: str


def facts(step: Step, layout: Layout) -> list[Fact]:
    """The facts about a step, in reading order."""
    environment = step.stage.partition("@")[0]
    activation = _activation(step, layout)
    activation += [Fact("resets", text) for text in _resets(step, environment, layout)]
    # Where two environments are compared, a step has a name instead of an address.
    kind = step.address.kind if isinstance(step.address, Address) else None
    if kind in SETTING_KINDS and step.reason in (Reason.RIDES_ALONG, Reason.REMOVED_FROM_DESIGN):
        activation.append(Fact("affects", _reached(step, environment, layout)))
    elif step.dependents:
        activation.append(Fact("affects", names(step.dependents, environment, layout.names)))
    return activation + [Fact("note", note) for note in step.notes]


def _reached(step: Step, environment: str, layout: Layout) -> str:
    """How many live offers a change of settings affects, and which."""
    if not step.dependents:
        return "no live offer"
    named = names(step.dependents, environment, layout.names)
    return f"{count(len(step.dependents), 'live offer')}: {named.removeprefix('offers ').removeprefix('offer ')}"


def _activation(step: Step, layout: Layout) -> list[Fact]:
    """Where a live offer is shown, and how that changes."""
    before = (step.before.activation if step.before else None) or ()
    after = (step.after.activation if step.after else None) or ()
    if not before and not after:
        return []
    if step.action is Action.DEACTIVATE or not after:
        return [Fact("no longer live on", listing(before, layout.names))]
    if step.action is Action.CREATE:
        return [Fact("live on", listing(after, layout.names))]
    was, will = set(before), set(after)
    changed = [f"+ {space}" for space in after if space not in was]
    changed += [f"- {space}" for space in before if space not in will]
    text = listing(after, layout.names)
    return [Fact("live on", f"{text}  ({', '.join(changed)})" if changed else text)]


def _resets(step: Step, environment: str, layout: Layout) -> list[str]:
    """The step's own approvals first, then those of other resources, grouped by what they lose."""
    by_address: dict[str, list[ApprovalReset]] = {}
    for reset in step.approvals_reset:
        by_address.setdefault(reset.address, []).append(reset)
    own = by_address.pop(step.address, []) + by_address.pop(step.moved_from, [])
    texts = [_aspects(own, with_giver=True)] if own else []
    by_loss: dict[str, list[str]] = {}
    for address, resets in sorted(by_address.items()):
        by_loss.setdefault(_aspects(resets), []).append(address)
    for loss, addresses in sorted(by_loss.items()):
        whose = names(addresses, environment, layout.names)
        many = f"{len(addresses):,} " if len(addresses) > 1 else ""
        texts.append(f"{loss} of {many}{whose}" if not many else f"{loss} of {_counted(addresses, whose)}")
    return texts


def _counted(addresses: list[str], whose: str) -> str:
    """``12 offers: a, b and 10 more``."""
    word, space, rest = whose.partition(" ")
    return f"{len(addresses):,} {word}: {rest}" if space else count(len(addresses), "offer")


def _aspects(resets: Iterable[ApprovalReset], *, with_giver: bool = False) -> str:
    """``content on email, web-home; eligibility``; ``with_giver`` adds who approved it."""
    spaces: dict[tuple[Aspect, str], list[str]] = {}
    for reset in resets:
        spaces.setdefault((reset.aspect, reset.by if with_giver else ""), []).append(reset.space)
    parts = []
    for (aspect, by), found in sorted(spaces.items()):
        on = [space for space in sorted(set(found)) if space]
        text = f"{aspect} on {and_list(on)}" if on else aspect.value
        parts.append(f"{text} (by {by})" if by else text)
    return ", ".join(parts) if not any(" on " in part for part in parts) else "; ".join(parts)
