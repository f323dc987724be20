"""What ``lint`` proves: conditions that no contact can meet, or that every contact does, and parts that add nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from offerkit.address import Kind
from offerkit.diagnostics import Code, and_list
from offerkit.engine.condition import BoundCondition, Path
from offerkit.engine.resources import CompiledOffer, LocatedCondition
from offerkit.prove.question import AllOf, AnyOf, DayRange, Formula, Holds
from offerkit.reports.escape import clip
from offerkit.rules.values import show
from offerkit.state.effective import origin
from offerkit.usecases.conditions import call_on, effective_condition
from offerkit.usecases.lint_findings import Agreed, LintFinding, LintPlace, LintScope, common_days, windows_of
from offerkit.usecases.lint_parts import (
    CLOCK,
    ConditionPart,
    ConditionParts,
    PartProofs,
    of_any_offer,
    of_one_offer,
    whole_part,
)
from offerkit.usecases.lint_structure import Standing

_QUOTED = 80
"""How many characters of a part are quoted."""


def condition_findings(
    scope: LintScope, standings: dict[int, Standing], parts: ConditionParts, proofs: PartProofs
) -> Iterator[LintFinding]:
    """All findings about conditions; offers that no contact can be eligible for are marked in ``standings``."""
    lint = _Conditions(scope, parts, proofs)
    yield from lint.environment()
    yield from lint.categories()
    for offer in scope.catalog.offers:
        if standings[offer.position] is Standing.OPEN:
            yield from lint.offer(offer, standings)
    yield from lint.rules()
    yield from lint.agreed.findings()


@dataclass(slots=True)
class _Known:
    """What holds around a condition, and whether it can hold at all."""

    parts: list[ConditionPart]
    possible: bool = True


class _Conditions:
    """The conditions of one environment, from the outermost to the innermost."""

    def __init__(self, scope: LintScope, parts: ConditionParts, proofs: PartProofs) -> None:
        self._scope, self._parts, self._proofs = scope, parts, proofs
        self._outermost = _Known(list(parts.all_of(scope.catalog.requirements)))
        self._categories: dict[str, _Known] = {"": self._outermost}
        self._seen: set[tuple[LintPlace, BoundCondition]] = set()
        self._asked: set[tuple[bool, LintPlace, BoundCondition]] = set()
        self.agreed = Agreed()

    def environment(self) -> Iterator[LintFinding]:
        """The environment's own filters and condition."""
        yield from self._conditions(self._scope.catalog.requirements, _Known([]), self._outermost)

    def categories(self) -> Iterator[LintFinding]:
        """The conditions of categories, parents first."""
        for path, category in self._scope.catalog.categories.items():
            above = self._categories[path.rpartition("/")[0]]
            known = _Known([*above.parts, *of_any_offer(self._parts.all_of(category.requirements))], above.possible)
            self._categories[path] = known
            yield from self._conditions(category.requirements, above, known)

    def rules(self) -> Iterator[LintFinding]:
        """The conditions on contacts of presentation rules."""
        for rule in self._scope.catalog.rules:
            known = _Known([*self._outermost.parts, *self._parts.of(rule.contacts)], self._outermost.possible)
            yield from self._condition(rule.contacts, self._outermost, known)

    def _conditions(
        self, conditions: Iterable[LocatedCondition], around: _Known, known: _Known
    ) -> Iterator[LintFinding]:
        """Conditions that must all hold inside of ``around``, each with those before it."""
        before = _Known(list(around.parts), around.possible)
        for condition in conditions:
            yield from self._condition(condition, before, known)
            before = _Known([*before.parts, *of_any_offer(self._parts.of(condition))], known.possible)

    def _condition(self, condition: LocatedCondition | None, around: _Known, known: _Known) -> Iterator[LintFinding]:
        """A condition that holds inside of ``around``; ``known`` is updated if no contact can meet both."""
        whole = self._parts.of(condition)
        own = of_any_offer(whole)
        if not own or not around.possible:
            return
        core = self._proofs.contradiction([*around.parts, *own])
        if core:
            known.possible = False
            yield self._nobody(core, own)
            return
        if condition is not None and condition.used_at is not None:  # a part of a filter can be needed elsewhere
            if own == whole and self._proofs.all_implied(own, around.parts):
                place = LintPlace(*condition.used_at)
                yield self._needless_filter(condition.name, own, around.parts, place, "Remove it from the list.")
            return
        for _, finding in self._superfluous(own, around.parts):
            if finding is not None:
                yield finding

    def _superfluous(
        self, own: Sequence[ConditionPart], around: Iterable[ConditionPart]
    ) -> Iterator[tuple[ConditionPart, LintFinding | None]]:
        """Each part of a condition, the last one first, and the finding if it can go; then it implies nothing."""
        outer, staying = list(around), list(own)
        for part in reversed(own):
            staying.remove(part)
            finding = self._needless(part, [*outer, *staying])
            if finding is None:
                staying.append(part)
            yield part, finding

    def _needless(self, part: ConditionPart, given: list[ConditionPart]) -> LintFinding | None:
        if self._proofs.implied(part, []):
            return self._everybody(part)
        return self._adds_nothing(part, given) if self._proofs.implied(part, given) else None

    # --- offers

    def offer(self, offer: CompiledOffer, standings: dict[int, Standing]) -> Iterator[LintFinding]:
        """Whether a contact can be eligible for an offer; what of its conditions, filters and weights is useless."""
        self._filters(offer)
        category = self._categories[offer.category]
        if not category.possible:
            standings[offer.position] = Standing.NEVER
            return
        of_it = [part for above in offer.chain for part in of_one_offer(self._parts.all_of(above.requirements))]
        around = [*category.parts, *of_it]
        requirements = [self._parts.of(requirement) for requirement in offer.requirements]
        impossible = False
        for requirement, own in zip(offer.requirements, requirements, strict=True):
            core = self._proofs.contradiction([*self._outermost.parts, *own]) if not requirement.condition.bound else []
            if core:
                impossible = True
                if (own[0].place, requirement.condition) not in self._seen:
                    self._seen.add((own[0].place, requirement.condition))
                    yield self._nobody(core, own)
        if impossible:
            standings[offer.position] = Standing.NEVER
            return
        whole = [*around, *(part for parts in requirements for part in parts), *self._periods(offer)]
        cores = self._unreachable(offer, whole)
        if cores:
            standings[offer.position] = Standing.NEVER
            self._keep(offer, requirements, [part for core in cores for part in core])
            yield self._unreachable_finding(offer, cores[-1])
            return
        self._requirements(offer, requirements, [*around, *self._periods(offer)])
        self._weights(offer, whole)

    def _periods(self, offer: CompiledOffer) -> list[ConditionPart]:
        """The days of the offer and its categories, as one part."""
        windows = windows_of(self._scope.catalog, offer)
        days = common_days(windows)
        if not windows:
            return []
        return [whole_part(DayRange(days.first, days.last), windows[-1].first, "the dates")]

    def _unreachable(self, offer: CompiledOffer, whole: list[ConditionPart]) -> list[list[ConditionPart]]:
        """The parts that exclude each other, for each space if they differ; empty if the offer is eligible on one."""
        core = self._proofs.contradiction(whole)
        if core:
            return [list(core)]
        cores: list[list[ConditionPart]] = []
        for space in sorted(offer.spaces):
            core = self._proofs.contradiction([*whole, *self._here(offer, space)])
            if not core:
                return []
            cores.append(list(core))
        return cores

    def _keep(
        self, offer: CompiledOffer, requirements: Sequence[Sequence[ConditionPart]], core: Sequence[ConditionPart]
    ) -> None:
        """Say that nothing of ``core`` can go: without it, the offer could be proposed. It may be a template's."""
        kept = {part.key for part in core}
        for index, parts in enumerate(requirements):
            if not kept.isdisjoint(part.key for part in parts):
                self.agreed.add(Code.ADDS_NOTHING, LintPlace(*offer.where(("eligible", "filters", index))), None)
        of_weights = [part for weight in offer.weights for part in self._parts.all_of(weight.requirements)]
        held = [part for parts in requirements for part in parts if part.key in kept]
        if any(not isinstance(part.formula, Holds | DayRange) for part in core):
            held += of_weights
        for part in held:
            for code in (Code.ADDS_NOTHING, Code.EVERYBODY_MEETS):
                self.agreed.add(code, part.place, None)

    def _here(self, offer: CompiledOffer, space: str) -> Iterator[ConditionPart]:
        """What else has to be true on a space: some weight is above 0, and no multiplier is 0."""
        if self._scope.catalog.call_facts:
            here = LintPlace(self._scope.catalog.spaces[space].address)
            yield whole_part(call_on(self._scope.catalog, space), here, "the space of the call")
        formula = effective_condition(self._scope.catalog, offer, space)
        weights = LintPlace(*offer.where(("weights",)))
        for part in formula.parts if isinstance(formula, AllOf) else ():
            if isinstance(part, AnyOf) and not any(_is_true(choice) for choice in part.parts):
                yield whole_part(part, weights, "the conditions of its weights")

    def _requirements(
        self, offer: CompiledOffer, requirements: Sequence[Sequence[ConditionPart]], around: list[ConditionPart]
    ) -> None:
        """The offer's own condition first, then each filter as a whole; what can go implies nothing afterwards."""
        filters = [index for index, requirement in enumerate(offer.requirements) if requirement.name]
        own = [index for index in range(len(requirements)) if index not in filters]
        staying = {index: list(parts) for index, parts in enumerate(requirements)}
        for index in own:
            others = [part for other in filters for part in staying[other]]
            for part, finding in self._superfluous(requirements[index], [*around, *others]):
                path = offer.requirements[index].path[:2]
                hinted = replace(finding, hint=_removal(offer, path)) if finding is not None else None
                self.agreed.add(Code.ADDS_NOTHING, part.place, hinted)
                if finding is not None:
                    staying[index].remove(part)
        for index in reversed(filters):
            others = [part for other, parts in staying.items() if other != index for part in parts]
            place = LintPlace(*offer.where(("eligible", "filters", index)))
            finding = None
            if requirements[index] and self._proofs.all_implied(requirements[index], [*around, *others]):
                removal = _removal(offer, ("eligible", "filters"))
                given = [*around, *others]
                finding = self._needless_filter(
                    offer.requirements[index].name, requirements[index], given, place, removal
                )
                staying[index] = []
            self.agreed.add(Code.ADDS_NOTHING, place, finding)

    def _filters(self, offer: CompiledOffer) -> None:
        """Each filter on its own, in the environment: all its uses with other values, wherever, are asked once."""
        of_all = self._scope.catalog.requirements
        conditions = [*of_all, *offer.requirements]
        conditions += [requirement for above in offer.chain for requirement in above.requirements]
        conditions += [requirement for weight in offer.weights for requirement in weight.requirements]
        for number, condition in enumerate(conditions):
            parts = self._parts.of(condition)
            around = self._outermost.parts if number >= len(of_all) else []  # it is one of the outermost itself
            if condition.name and parts and (bool(around), parts[0].place, condition.condition) not in self._asked:
                self._asked.add((bool(around), parts[0].place, condition.condition))
                for part, finding in self._superfluous(parts, around):
                    self.agreed.add(Code.EVERYBODY_MEETS, part.place, finding)

    def _weights(self, offer: CompiledOffer, whole: list[ConditionPart]) -> None:
        """The conditions of weights, for contacts that are eligible."""
        for weight in offer.weights:
            own = self._parts.all_of(weight.requirements)
            if not own:
                continue
            core = self._proofs.contradiction([*whole, *own])
            filters = self._parts.all_of(requirement for requirement in weight.requirements if requirement.name)
            when = own[len(filters) :]
            at = (when or own)[0].place
            self.agreed.add(Code.NOBODY_MEETS, at, self._nobody(core, own) if core else None)
            around = [*whole, *filters]
            for part, finding in self._superfluous(when, around) if not core else ((part, None) for part in when):
                self.agreed.add(Code.ADDS_NOTHING, part.place, finding)

    # --- messages

    def _nobody(self, core: Sequence[ConditionPart], own: Sequence[ConditionPart]) -> LintFinding:
        """No contact can meet ``core``, which has parts of ``own``."""
        at = next((part for part in reversed(core) if part in own), core[-1])
        others = [part for part in core if part is not at]
        texts = [_quoted(part) for part in core]
        summary = f"no contact can meet {'both ' if len(core) == 2 else ''}{and_list(texts)}"
        return LintFinding(
            Code.NOBODY_MEETS,
            f"{summary}{' together' if len(core) > 2 else ''}",
            at.place,
            f"{self._from(core)}The condition never holds.",
            "Change one of them." if others else "Change it, or remove what depends on it.",
            related=_related(others),
        )

    def _unreachable_finding(self, offer: CompiledOffer, core: Sequence[ConditionPart]) -> LintFinding:
        own = [part.place for part in core if part.place.address == offer.address]
        own = [part.place for part in core if part.place in own and isinstance(part.formula, Holds)] or own
        at = own[-1] if own else LintPlace(offer.address)
        texts = and_list([_quoted(part) for part in core])
        return LintFinding(
            Code.UNREACHABLE,
            f"no contact can be eligible for offer {offer.name} on any space",
            at,
            f"{self._from(core)}No contact can meet {texts}{' together' if len(core) > 1 else ''}.",
            "Change one of them, or remove the offer.",
            related=_related(part for part in core if part.place != at),
        )

    def _everybody(self, part: ConditionPart) -> LintFinding:
        return LintFinding(
            Code.EVERYBODY_MEETS,
            f"every contact meets {_quoted(part)}",
            part.place,
            f"{self._from([part])}It is true whatever is known about a contact.",
            "Remove it.",
        )

    def _adds_nothing(self, part: ConditionPart, given: list[ConditionPart]) -> LintFinding:
        by = self._smallest([part], given)
        verb = _implies(by)
        return LintFinding(
            Code.ADDS_NOTHING,
            f"{_quoted(part)} adds nothing: {and_list([_quoted(other) for other in by])} already {verb} it",
            part.place,
            f"{self._from([part, *by])}It is true of every contact for whom the rest is true.",
            "Remove it.",
            related=_related(by),
        )

    def _needless_filter(
        self, name: str, parts: Sequence[ConditionPart], given: list[ConditionPart], place: LintPlace, removal: str
    ) -> LintFinding:
        by = self._smallest(parts, given)
        verb = _implies(by)
        already = f": {and_list([_quoted(other) for other in by])} already {verb} it" if by else ""
        return LintFinding(
            Code.ADDS_NOTHING,
            f"filter {name} adds nothing here{already}",
            place,
            f"{self._from([*parts, *by])}Every contact for whom the rest is true meets it.",
            removal,
            related=_related([*by, parts[0]]),
        )

    def _smallest(self, parts: Sequence[ConditionPart], given: list[ConditionPart]) -> list[ConditionPart]:
        """A smallest choice of ``given`` that implies ``parts``."""
        same = [part for part in given if part.key == parts[0].key]
        if len(parts) == 1 and same:
            return same[:1]
        enough = given
        for other in given:
            fewer = [each for each in enough if each is not other]
            if self._proofs.all_implied(parts, fewer):
                enough = fewer
        return enough

    def _from(self, parts: Iterable[ConditionPart]) -> str:
        """From when on it holds, if that depends on the time."""
        clock = any(CLOCK in part.reads for part in parts)
        return f"At every moment from {self._scope.at:%Y-%m-%d %H:%M} on. " if clock else ""


def _removal(offer: CompiledOffer, path: Path) -> str:
    """How to remove a part of what is written at ``path``, below which a template may have something else."""
    by = [layer.address for layer in offer.layers if origin([layer], path) is not None]
    return f"Remove it. If nothing is left there, {by[1]} applies instead." if len(by) > 1 else "Remove it."


def _is_true(formula: Formula) -> bool:
    return isinstance(formula, AllOf) and not formula.parts


def _quoted(part: ConditionPart) -> str:
    if not isinstance(part.formula, Holds):
        return part.text
    bound = [
        f"{namespace}.{name} is {'unknown' if value is None else clip(show(value), _QUOTED)}"
        for namespace, row in part.formula.bound
        for name, value in row.items()
    ]
    return f"“{clip(' '.join(part.text.split()), _QUOTED)}”" + (f" ({', '.join(bound)})" if bound else "")


def _implies(by: Sequence[ConditionPart]) -> str:
    return "implies" if len(by) == 1 and isinstance(by[0].formula, Holds) else "imply"


def _related(parts: Iterable[ConditionPart]) -> tuple[tuple[str, LintPlace], ...]:
    return tuple((f"{_quoted(part)}, of {_owner(part.place)}", part.place) for part in parts)


def _owner(place: LintPlace) -> str:
    kind = place.address.kind
    return f"the {kind}" if kind is Kind.ENVIRONMENT else f"{kind} {place.address.name}"
