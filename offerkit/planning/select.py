"""Targeting and excluding: a part of the changes that leaves nothing dangling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from offerkit.address import Pattern, Stage, parse_address
from offerkit.diagnostics import Code, Refused, refuse, suggestion
from offerkit.planning.plan import Blocked
from offerkit.state.changes import Action, Delta, chains
from offerkit.state.references import closure


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
    attempt = _Attempt({d.address: d for d in deltas}, patterns, after, before)
    moves = {d.moved_from: d for d in deltas if d.moved_from}
    passed_on = [names for names in chains({old: d.address for old, d in moves.items()}) if len(names) > 2]
    for names in passed_on:
        out = [name for name in names if patterns.excluded(name)]
        if out:
            attempt.hold_chain([moves[old] for old in names[:-1]], names, out[0], "is excluded")
    while True:
        attempt.run()
        grew = attempt.hold_what_lacks_something()
        for names in passed_on:  # they go together, or all of them stay
            together = [moves[old] for old in names[:-1]]
            left = [d.address for d in together if d.address not in attempt.chosen]
            if not left or len(left) == len(together):
                continue
            grew = True
            held = [address for address in left if address in attempt.held]
            if held:
                attempt.hold_chain(together, names, held[0], "stays")
            else:
                attempt.along |= {address: " → ".join(names) for address in left}
        if not grew:
            return attempt.selection(deltas)


class _Attempt:
    """What goes, as far as is known what has to stay (``held``) and what comes along with names (``along``)."""

    def __init__(
        self,
        deltas: dict[str, Delta],
        patterns: Patterns,
        after: Mapping[str, Iterable[str]],
        before: Callable[[str], Iterable[str]],
    ) -> None:
        self._deltas, self._patterns, self._after, self._before = deltas, patterns, after, before
        self._asked = {
            d.address
            for d in deltas.values()
            if patterns.targeted(d.address, d.moved_from) and not patterns.excluded(d.address, d.moved_from)
        }
        self._in_chain: set[str] = set()
        self._notes: list[str] = []
        self.chosen: dict[str, Delta] = {}
        self.held: dict[str, Blocked] = {}
        self.along: dict[str, str] = {}

    def run(self) -> None:
        """Choose anew."""
        self._notes = [
            f"{address} comes along because names are passed on: {names}."
            for address, names in self.along.items()
            if address not in self._asked
        ]
        wanted = self._asked | self.along.keys()
        self.chosen = {a: d for a, d in self._deltas.items() if a in wanted and a not in self.held}
        for address in sorted(self.chosen):
            self._with_needed(address)
        self._with_dependents()

    def selection(self, deltas: list[Delta]) -> Selection:
        """What goes, in the order of ``deltas``, and what has to stay."""
        blocked = [
            found for address, found in self.held.items() if address in self._asked or address not in self._in_chain
        ]
        return Selection([d for d in deltas if d.address in self.chosen], self._notes, blocked)

    def hold(self, address: str, why: str, how: str) -> None:
        """Let a change stay."""
        self.chosen.pop(address, None)
        stage = self._deltas[address].stage
        self.held.setdefault(address, Blocked(address, stage, Code.PLAN_EMPTY_TARGET, why, how))

    def hold_chain(self, together: list[Delta], names: list[str], first: str, how: str) -> None:
        """Let all stay that pass names on, since ``first`` does."""
        for d in together:
            if d.address not in self.held:
                self._in_chain.add(d.address)
                self.hold(
                    d.address, f"names are passed on ({' → '.join(names)}), and {first} {how}", f"Take {first} in."
                )

    def hold_what_lacks_something(self) -> bool:
        """Let stay what needs something that was chosen first, and then had to stay; whether there is any."""
        lacking = {}
        for address in self.chosen if self.held else ():
            missing = [
                t for t in self._needed(address) if t in self.held and self._deltas[t].action is not Action.UPDATE
            ]
            if missing:
                lacking[address] = missing[0]
        for address, target in lacking.items():
            self.hold(address, f"it needs {target}, which stays", f"Take {target} in.")
        return bool(lacking)

    def _needed(self, address: str) -> list[str]:
        # A campaign goes to live and relies on what is live, whatever design is about to become.
        delta = self._deltas[address]
        if delta.after is None or delta.stage.endswith(f"@{Stage.LIVE}"):
            return []
        found = sorted(closure(self._after, address))
        return [t for t in found if t in self._deltas and self._deltas[t].after is not None]

    def _with_needed(self, address: str) -> None:
        needed = self._needed(address)
        for target in needed:
            stays = "is excluded" if self._patterns.excluded(target) else "stays" if target in self.held else ""
            if stays and self._deltas[target].action is not Action.UPDATE:
                self.hold(address, f"it needs {target}, which {stays}", f"Take {target} in.")
                return
        for target in needed:
            if target not in self.chosen and target not in self.held and not self._patterns.excluded(target):
                self.chosen[target] = self._deltas[target]
                self._notes.append(f"{target} comes along because {address} needs it.")

    def _with_dependents(self) -> None:
        """A deletion (or rename) takes along the changes of those that still name what goes, and what these need."""
        grew = True
        while grew:
            grew = False
            gone = {d.moved_from or d.address: d for d in self.chosen.values() if d.after is None or d.moved_from}
            for other in [d for d in self._deltas.values() if d.address not in self.chosen and d.before is not None]:
                # A campaign lives in live, where what design gives up goes only by promotion.
                same = {address for address, going in gone.items() if going.stage == other.stage}
                named = sorted(same & set(self._before(other.moved_from or other.address)))
                if not named:
                    continue
                grew = True
                excluded = self._patterns.excluded(other.address)
                if excluded or other.address in self.held:
                    why = f"{other.address}, which {'is excluded' if excluded else 'stays'}, still names {named[0]}"
                    self.hold(gone[named[0]].address, why, f"Take {other.address} in.")
                    break
                self.chosen[other.address] = other
                self._with_needed(other.address)
                if other.address in self.chosen:
                    self._notes.append(f"{other.address} comes along because it names {named[0]}, which goes.")
