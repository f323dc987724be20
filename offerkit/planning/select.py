"""Targeting and excluding: a part of the changes that leaves nothing dangling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from offerkit.address import Pattern, Stage, parse_address
from offerkit.diagnostics import Code, Refused, refuse, suggestion
from offerkit.graph.digraph import closure
from offerkit.planning.delta import Delta, chains
from offerkit.planning.plan import Action, Blocked


@dataclass
class Selection:
    """The changes to make, what was pulled in or left out with the reason, and what cannot be made alone."""

    chosen: list[Delta]
    notes: list[str] = field(default_factory=list)
    blocked: list[Blocked] = field(default_factory=list)


@dataclass(frozen=True)
class Patterns:
    """What a run is narrowed to."""

    targets: tuple[Pattern, ...] = ()
    excludes: tuple[Pattern, ...] = ()

    @classmethod
    def of(cls, targets: Iterable[str] = (), excludes: Iterable[str] = ()) -> Patterns:
        """The patterns that the texts stand for."""
        return cls(tuple(map(Pattern, targets)), tuple(map(Pattern, excludes)))

    def targeted(self, *addresses: str) -> bool:
        """Whether one of the targets takes in one of ``addresses``; no targets: all."""
        return not self.targets or any(p.matches(parse_address(a)) for p in self.targets for a in addresses if a)

    def excluded(self, *addresses: str) -> bool:
        """Whether an exclude takes in one of ``addresses``."""
        return any(p.matches(parse_address(a)) for p in self.excludes for a in addresses if a)

    def check_known(self, known: Iterable[str]) -> None:
        """Refuse patterns that match nothing that exists, so that a typing mistake is not an empty plan."""
        places = [parse_address(address) for address in known]
        found = []
        for pattern in (*self.targets, *self.excludes):
            if not any(pattern.matches(place) for place in places):
                hint = suggestion(pattern.text, map(str, places), "“offerkit graph” lists every address.")
                found.append(no_match(pattern.text, hint).diagnostics[0])
        if found:
            raise Refused(found)


def no_match(pattern: str, hint: str) -> Refused:
    """The refusal of a pattern that matches nothing."""
    return refuse(Code.PLAN_EMPTY_TARGET, f"nothing matches “{pattern[:120]}”", hint=hint)


def select(
    deltas: list[Delta],
    patterns: Patterns,
    after: Mapping[str, Iterable[str]],
    before: Callable[[str], Iterable[str]],
) -> Selection:
    """The part of ``deltas`` that ``patterns`` choose, with all it cannot do without.

    ``after`` has the references of each resource as desired; ``before`` gives those of a resource as it is.
    """
    if not patterns.targets and not patterns.excludes:
        return Selection(deltas)
    by_address = {d.address: d for d in deltas}
    result = Selection([])
    chosen = {
        d.address: d
        for d in deltas
        if patterns.targeted(d.address, d.moved_from) and not patterns.excluded(d.address, d.moved_from)
    }
    _whole_chains(deltas, patterns, chosen, result)
    for address in sorted(chosen):
        # A campaign goes to live and relies on what is live, whatever design is about to become.
        if chosen[address].after is not None and not chosen[address].stage.endswith(f"@{Stage.LIVE}"):
            _with_needed(address, by_address, patterns, after, chosen, result)
    _with_dependents(by_address, patterns, (after, before), chosen, result)
    result.chosen = [d for d in deltas if d.address in chosen]
    return result


def _whole_chains(deltas: list[Delta], patterns: Patterns, chosen: dict[str, Delta], result: Selection) -> None:
    """Names that are passed on (a → b, b → a) go together, or all of them stay."""
    moves = {d.moved_from: d for d in deltas if d.moved_from}
    for names in chains({old: d.address for old, d in moves.items()}):
        together = [moves[old] for old in names[:-1]]
        if len(together) < 2 or not any(d.address in chosen for d in together):
            continue
        out = [name for name in names if patterns.excluded(name)]
        for d in together:
            if not out and d.address not in chosen:
                chosen[d.address] = d
                result.notes.append(f"{d.address} comes along because names are passed on: {' → '.join(names)}.")
            elif out and chosen.pop(d.address, None) is not None:
                why = f"names are passed on ({' → '.join(names)}), and {out[0]} is excluded"
                result.blocked.append(Blocked(d.address, d.stage, Code.PLAN_EMPTY_TARGET, why, f"Take {out[0]} in."))


def _with_needed(
    address: str,
    deltas: dict[str, Delta],
    patterns: Patterns,
    after: Mapping[str, Iterable[str]],
    chosen: dict[str, Delta],
    result: Selection,
) -> None:
    needed = [t for t in sorted(closure(after, address)) if t in deltas and deltas[t].after is not None]
    refused = [t for t in needed if patterns.excluded(t) and deltas[t].action is not Action.UPDATE]
    if refused:
        delta = chosen.pop(address)
        why = f"it needs {refused[0]}, which is excluded"
        result.blocked.append(Blocked(address, delta.stage, Code.PLAN_EMPTY_TARGET, why, f"Take {refused[0]} in."))
        return
    for target in needed:
        if target not in chosen and not patterns.excluded(target):
            chosen[target] = deltas[target]
            result.notes.append(f"{target} comes along because {address} needs it.")


def _with_dependents(
    deltas: dict[str, Delta],
    patterns: Patterns,
    references: tuple[Mapping[str, Iterable[str]], Callable[[str], Iterable[str]]],
    chosen: dict[str, Delta],
    result: Selection,
) -> None:
    """A deletion (or rename) takes along the changes of those that still name what goes, and what these need."""
    after, before = references
    grew = True
    stays: set[str] = set()
    while grew:
        grew = False
        gone = {d.moved_from or d.address: d for d in chosen.values() if d.after is None or d.moved_from}
        for other in [d for d in deltas.values() if d.address not in chosen and d.before is not None]:
            # A campaign lives in live, where what design gives up goes only by promotion.
            same = {address for address, going in gone.items() if going.stage == other.stage}
            named = sorted(same & set(before(other.moved_from or other.address)))
            if not named:
                continue
            grew = True
            if patterns.excluded(other.address) or other.address in stays:
                delta = chosen.pop(gone[named[0]].address)
                stays.add(delta.address)
                how = "is excluded" if patterns.excluded(other.address) else "stays"
                why = f"{other.address}, which {how}, still names {named[0]}"
                blocked = Blocked(delta.address, delta.stage, Code.PLAN_EMPTY_TARGET, why, f"Take {other.address} in.")
                result.blocked.append(blocked)
                break
            chosen[other.address] = other
            if other.after is not None:
                _with_needed(other.address, deltas, patterns, after, chosen, result)
            if other.address in chosen:
                result.notes.append(f"{other.address} comes along because it names {named[0]}, which goes.")
            else:
                stays.add(other.address)
