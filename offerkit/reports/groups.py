"""The order in which reports list things: steps by stage, kind and action; blocked resources by their reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from offerkit.address import KIND_ORDER, Address, Kind, StageRef
from offerkit.diagnostics import Position, or_list
from offerkit.plans.plan import Blocked, Step, shown_as
from offerkit.reports.words import SIGNS, count_kind, names, plural, singular
from offerkit.state.changes import Action

PLACEHOLDER = "ADDRESS"
"""Placeholder in advice that several resources share."""
_ACTION_ORDER = {action: place for place, action in enumerate(SIGNS)}


class Bunch(NamedTuple):
    """The steps with one action and kind in one stage: the ones to show, and the total number."""

    kind: Kind
    action: Action
    steps: tuple[Step, ...]
    total: int

    @property
    def sign(self) -> str:
        """The action's sign."""
        return SIGNS[self.action]

    @property
    def more(self) -> str:
        """``… and 1,800 more offers``, or empty when all are shown."""
        rest = self.total - len(self.steps)
        return f"… and {rest:,} more {singular(self.kind) if rest == 1 else plural(self.kind)}" if rest else ""


class KindGroup(NamedTuple):
    """All that happens to one kind of resource in one stage."""

    kind: Kind
    bunches: tuple[Bunch, ...]

    @property
    def title(self) -> str:
        """``12 categories``."""
        return count_kind(sum(bunch.total for bunch in self.bunches), self.kind)


class Section(NamedTuple):
    """All that happens in one stage (in a diff: in one environment)."""

    title: str
    groups: tuple[KindGroup, ...]


def sections(
    steps: Iterable[Step], limit: int, *, by_stage: bool = True, across: tuple[str, str] | None = None
) -> list[Section]:
    """``steps`` in the order of reading, at most ``limit`` of one action and kind.

    ``across``: two environments that were compared; their names then stand in the title, not in each address.
    """
    steps_by_title: dict[str, dict[Kind, dict[Action, list[tuple[str, Step]]]]] = {}
    for step in steps:
        address = step.address
        title = step.stage if by_stage else address.environment
        if across is not None:
            title = " → ".join(across)
            step = shown_as(step, local_name(step.address))
        kinds = steps_by_title.setdefault(title, {})
        kinds.setdefault(address.kind, {}).setdefault(step.action, []).append((address.name, step))
    return [
        Section(title, _kind_groups(steps_by_title[title], limit))
        for title in sorted(steps_by_title, key=_shared_first)
    ]


def local_name(address: Address) -> str:
    """An address without its environment: ``offer.canada-rockies``, ``environment``."""
    return f"{address.kind}.{address.name}" if address.kind is not Kind.ENVIRONMENT else address.kind.value


def _shared_first(title: str) -> tuple[bool, str]:
    return (not title.startswith("shared"), title)


def _kind_groups(kinds: dict[Kind, dict[Action, list[tuple[str, Step]]]], limit: int) -> tuple[KindGroup, ...]:
    groups = []
    for kind in sorted(kinds, key=KIND_ORDER.__getitem__):
        bunches = []
        for action in sorted(kinds[kind], key=_ACTION_ORDER.__getitem__):
            named = sorted(kinds[kind][action], key=lambda pair: pair[0])
            shown = tuple(step for _, step in named[:limit])
            bunches.append(Bunch(kind, action, shown, len(named)))
        groups.append(KindGroup(kind, tuple(bunches)))
    return tuple(groups)


class BlockReason(NamedTuple):
    """One reason why something is blocked."""

    code: str
    why: str
    how: str
    who: tuple[str, ...]

    @property
    def lifted_by(self) -> str:
        """``brand or anna can lift it``; empty where nobody is known who can."""
        return f"{or_list(self.who)} can lift it" if self.who else ""


class BlockedGroup(NamedTuple):
    """Resources of one kind in one stage that are blocked for the same reasons."""

    stage: StageRef
    kind: Kind
    addresses: tuple[str, ...]
    obstacles: tuple[BlockReason, ...]
    live: bool
    source: Position | None = None

    @property
    def environment(self) -> str:
        """The environment of the stage."""
        return self.stage.environment

    @property
    def outcome(self) -> str:
        """What happens to the resources for now."""
        return "stays live as it is" if self.live else f"not yet in {self.stage}"

    @property
    def position(self) -> str:
        """``file:line`` of a single resource, or empty."""
        return f"{self.source.file}:{self.source.line}" if self.source else ""

    def head(self, most: int) -> tuple[str, str]:
        """The one address, or ``12 offers`` and the first ``most`` of their names."""
        if len(self.addresses) == 1:
            return self.addresses[0], ""
        word, _, listed = names(self.addresses, self.environment, most).partition(" ")
        return f"{len(self.addresses):,} {word}", listed


def blocked_groups(blocked: Sequence[Blocked]) -> list[BlockedGroup]:
    """Blocked resources, grouped by their reasons, the largest groups first."""
    by_address: dict[tuple[StageRef, Address], list[Blocked]] = {}
    for item in blocked:
        by_address.setdefault((item.stage, item.address), []).append(item)
    alike: dict[tuple[StageRef, Kind, tuple[BlockReason, ...], bool], list[list[Blocked]]] = {}
    for (stage, address), items in by_address.items():
        obstacles = tuple(dict.fromkeys(_obstacle(item, PLACEHOLDER) for item in items))
        key = (stage, address.kind, obstacles, any(item.live for item in items))
        alike.setdefault(key, []).append(items)
    groups = [_blocked_group(key, members) for key, members in alike.items()]
    return sorted(groups, key=lambda g: (g.stage, -len(g.addresses), KIND_ORDER[g.kind], g.addresses))


def _blocked_group(
    key: tuple[StageRef, Kind, tuple[BlockReason, ...], bool], members: list[list[Blocked]]
) -> BlockedGroup:
    stage, kind, obstacles, live = key
    addresses = tuple(sorted(items[0].address for items in members))
    if len(members) > 1:
        return BlockedGroup(stage, kind, addresses, obstacles, live)
    own = tuple(dict.fromkeys(_obstacle(item, item.address) for item in members[0]))
    return BlockedGroup(stage, kind, addresses, own, live, members[0][0].source)


def _obstacle(item: Blocked, address: str) -> BlockReason:
    """The reason, with ``address`` in place of the resource's own."""
    why, how = (_renamed(text, item.address, address) for text in (item.why, item.how))
    return BlockReason(item.code, why, how, item.who)


def _renamed(text: str, old: str, new: str) -> str:
    """``text`` with ``new`` for ``old``, except where ``old`` is part of another address."""
    shown, *rest = text.split(old)
    for part in rest:
        inside = any(sign.isalnum() or sign in "-_/" for sign in (shown[-1:], part[:1]) if sign)
        shown += (old if inside else new) + part
    return shown
