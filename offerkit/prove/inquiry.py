"""One script in the solver: checks of goals, examples from its models, and what refines opaque parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from hashlib import sha256
from typing import TypeAlias

from offerkit.diagnostics import and_list
from offerkit.prove.encode import Encoder, Opaque
from offerkit.prove.examples import variants
from offerkit.prove.result import Existence, Witness
from offerkit.prove.smt import NoEncodingError, app, conj, disj, neg
from offerkit.prove.solver import Plain, Solver, SolverError, values_in
from offerkit.prove.terms import DAY, Term, microseconds, read, written
from offerkit.rules.flatten import nodes_of
from offerkit.rules.nodes import CheckedExpression, FieldNode
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, Row, Value

Confirmation: TypeAlias = Callable[[Witness], bool]
_CHEAP = 30_000
"""The most steps for what only makes an answer nicer."""
_REFINEMENTS = 6
"""How often an opaque part may be pinned to its value for one more contact."""


class Inquiry:
    """A script that is asked about. Formulas are encoded first (``encoder``), then :meth:`begin`, then checks."""

    def __init__(self, solver: Solver, at: datetime, *, later: bool) -> None:
        """``at``: the wall clock; ``later``: the clock is anything from then on."""
        self.encoder = Encoder(at, later=later)
        self.why = ""
        """Why the last check was not decided."""
        self.unreplayed = 0
        """How many examples were not confirmed although every part has an encoding: each is a fault of it."""
        self._solver, self._at = solver, at
        self._text: str | None = None
        self._pushed = self._otherwise = False
        self._required: list[str] = []
        """The constraints that were added since the beginning."""
        self._slow: list[list[str]] = []
        """The constraints that are left out so far, in the steps in which they are added."""

    @property
    def text(self) -> str:
        """The script; no formula can be encoded from then on."""
        if self._text is None:
            self._text = self.encoder.finish()
            self._slow = [step for step in self.encoder.script.slow if step]
        return self._text

    @property
    def key(self) -> object:
        """Equal for scripts that mean the same: fields and opaque parts have only numbers in the text.

        A key is kept for each question, and texts are long: it has the text's digest.
        """
        fields = tuple((key, variable.type) for key, variable in self.encoder.fields.items())
        return sha256(self.text.encode()).digest(), fields, tuple(self.encoder.opaque)

    @property
    def opaque_names(self) -> tuple[str, ...]:
        """The functions of the parts without an encoding."""
        return tuple(sorted({part.name for part in self.encoder.opaque.values()}))

    def begin(self, *, otherwise: bool = False) -> None:
        """Give the script to the solver; ``otherwise`` for another order of search. Raises SolverError."""
        self._solver.begin("\n".join([self.text, *self._required]), otherwise=otherwise)
        self._otherwise, self._pushed = otherwise, False

    def exists(
        self, goal: str, confirmed: Confirmation, elsewhere: Callable[[], Witness | None] | None = None
    ) -> tuple[Existence, Witness | None]:
        """Whether ``goal``, a term of the script, can be true, with an example that ``confirmed`` says is one.

        The constraints that are slow, and what opaque parts give, are added only where an example is not confirmed.
        ``elsewhere`` looks for one in other ways, and is asked once, as soon as there may be any. Raises SolverError.
        """
        if goal == "false":
            return Existence.NONE, None
        refinements = 0
        while True:
            answer = self._check(goal)
            witnesses = self._witnesses() if answer is Existence.SOME else []
            if answer is not Existence.NONE and elsewhere is not None:
                example, elsewhere = elsewhere(), None
                if example is not None:
                    return Existence.SOME, example
            if answer is not Existence.SOME:
                return answer, None
            for witness in witnesses:
                for variant in [witness, *variants(witness)] if self.encoder.opaque else [witness]:
                    if variant.moment >= self._at and confirmed(variant):
                        return Existence.SOME, variant
            if self._slow:
                example = self._at_its_moment(goal, witnesses[0].moment)
                if example is not None and confirmed(example):
                    return Existence.SOME, example
                self._require(*self._slow.pop(0))
            elif refinements == _REFINEMENTS or not self._refine(witnesses[-1]):
                break
            else:
                refinements += 1
        if not self.encoder.opaque:
            self.unreplayed += 1
        self.why = _about(self.opaque_names) or "an example could not be confirmed"
        return Existence.UNDECIDED, None

    def is_never(self, goal: str) -> bool:
        """Whether ``goal`` is certainly never true; asked with few steps."""
        if goal == "false":
            return True
        limit = self._solver.limits.resources
        cheap = (f"(set-option :rlimit {min(limit, _CHEAP)})", f"(set-option :rlimit {limit})")
        output = self._solver.tell(
            f"{'(pop)' if self._pushed else ''}(push)\n(assert {goal})\n{cheap[0]}\n(check-sat)\n{cheap[1]}"
        )
        self._pushed = True
        return output.split()[:1] == ["unsat"]

    def matters(self, goal: str, values: Mapping[tuple[str, str], Value], key: tuple[str, str]) -> bool:
        """Whether the goal can be false for another value of the field ``key`` than in ``values``."""
        try:
            others = [self.equals(each, value) for each, value in values.items() if each != key]
        except NoEncodingError:
            return True
        return not self.is_never(conj(*others, neg(goal)))

    def _at_its_moment(self, goal: str, moment: datetime) -> Witness | None:
        """An example with all constraints at a fixed moment, which the solver finds much faster than the moment."""
        clock = self.encoder.clock() if self.encoder.clock_is_free else ()
        day = self.encoder.parts_of(clock[1], BaseType.DATE) if clock else None
        if not clock or day is None or moment < self._at:
            return None
        fixed = {clock[0]: microseconds(moment), clock[1]: moment.toordinal()}
        fixed |= {day.year: moment.year, day.month: moment.month, day.day: moment.day}
        pins = (f"(assert (= {name} {value}))" for name, value in fixed.items())
        answer = self._check(goal, *(line for step in self._slow for line in step), *pins)
        return self._witnesses()[-1] if answer is Existence.SOME else None

    def _check(self, goal: str, *commands: str) -> Existence:
        answer = self._checked(goal, *commands)
        if answer is Existence.UNDECIDED:
            self.begin(otherwise=not self._otherwise)
            answer = self._checked(goal, *commands)
        return answer

    def _checked(self, goal: str, *commands: str) -> Existence:
        lines = ["(pop)" if self._pushed else "", "(push)", *commands, f"(assert {goal})", "(check-sat)"]
        output = self._solver.tell("\n".join(lines))
        self._pushed = True
        match output.split():
            case ["sat", *_]:
                return Existence.SOME
            case ["unsat", *_]:
                return Existence.NONE
            case _:
                self.why = "it needs more steps than the solver may take"
                return Existence.UNDECIDED

    def _require(self, *commands: str) -> None:
        """Add constraints for all further checks."""
        self._required += commands
        self._solver.tell("\n".join(["(pop)" if self._pushed else "", *commands]))
        self._pushed = False

    def _witnesses(self) -> list[Witness]:
        """The contact and the moment of the last check's model. Raises SolverError.

        Without the slow constraints, a date's number and its year, month and day can differ: then there are two.
        """
        encoder = self.encoder
        variables = list(encoder.fields.values())
        clock = [encoder.clock()[0]] if encoder.clock_is_free else []
        moments = [(each.value, each.type.base) for each in variables] + [(name, BaseType.TIMESTAMP) for name in clock]
        parts = {value: day for value, base in moments if (day := encoder.parts_of(value, base)) is not None}
        names = [name for each in variables for name in (each.null, each.value)]
        lists = [each.entries for each in variables]
        names += [name for each in lists for name in (*each.fixed.values(), *each.texts, *each.texts.values())]
        names += [name for day in parts.values() for name in (day.year, day.month, day.day)]
        plain = self._values([*names, *clock])
        witnesses = [self._witness(plain, clock)]
        for value, day in parts.items():
            with suppress(ValueError):
                number = date(*(int(plain[name]) for name in (day.year, day.month, day.day))).toordinal()
                is_timestamp = value in clock or value in {
                    each.value for each in variables if each.type.base is BaseType.TIMESTAMP
                }
                plain[value] = number * DAY + int(plain[value]) % DAY if is_timestamp else number
        if parts and self._slow:
            witnesses.insert(0, self._witness(plain, clock))
        return witnesses

    def _witness(self, plain: Mapping[str, Plain], clock: list[str]) -> Witness:
        values: dict[tuple[str, str], Value] = {}
        for key, variable in self.encoder.fields.items():
            base = variable.type.base
            if plain[variable.null] is True:
                values[key] = None
            elif base is BaseType.LIST:
                fixed, texts = variable.entries.fixed, variable.entries.texts
                entries = [entry for entry, member in fixed.items() if plain[member] is True]
                entries += [str(plain[text]) for text, member in texts.items() if plain[member] is True]
                others = {*fixed, *(str(plain[text]) for text in texts)}
                values[key] = _filled(list(dict.fromkeys(entries)), int(plain[variable.value]), others)
            else:
                values[key] = read(plain[variable.value], base)
        moment = read(plain[clock[0]], BaseType.TIMESTAMP) if clock else self._at
        assert isinstance(moment, datetime)
        return Witness(values, moment)

    def _values(self, names: list[str]) -> dict[str, Plain]:
        if not names:
            return {}
        output = self._solver.tell(f"(get-value ({' '.join(names)}))")
        try:
            return dict(zip(names, values_in(output), strict=True))
        except (IndexError, ValueError):
            raise SolverError("the solver's example cannot be read") from None

    def _refine(self, witness: Witness) -> bool:
        """Say what the opaque parts are for the fields of ``witness``; whether there is any to say."""
        lemmas = [self._lemma(part, witness) for part in self.encoder.opaque.values()]
        self._require(*(f"(assert {lemma})" for lemma in lemmas if lemma))
        return any(lemmas)

    def _lemma(self, part: Opaque, witness: Witness) -> str:
        """The value of an opaque part if the fields that it reads, and the clock, are as in ``witness``."""
        reads = {
            (node.namespace, node.name)
            for node in nodes_of(part.node)
            if isinstance(node, FieldNode) and node.namespace not in part.bound
        }
        try:
            premises = [self.equals(key, witness.values[key]) for key in sorted(reads)]
            value = evaluated(part, witness)
            said = part.term.null if value is None else conj(neg(part.term.null), _is(part.term, value))
        except NoEncodingError:
            return ""
        if self.encoder.clock_is_free:
            premises.append(app("=", self.encoder.clock()[0], str(microseconds(witness.moment))))
        return app("=>", conj(*premises), said)

    def equals(self, key: tuple[str, str], value: Value) -> str:
        """Whether a field has a value; of a list, whether it has its length and its entries.

        Raises NoEncodingError for texts that SMT-LIB does not have.
        """
        variable = self.encoder.fields[key]
        if value is None:
            return variable.null
        if isinstance(value, tuple):
            entries = variable.entries
            same = [member if text in value else neg(member) for text, member in entries.fixed.items()]
            for text, member in entries.texts.items():
                same.append(app("=", member, disj(*(app("=", text, written(each)) for each in value))))
            return conj(neg(variable.null), app("=", variable.value, str(len(value))), *same)
        return conj(neg(variable.null), app("=", variable.value, written(value)))


def evaluated(part: Opaque, witness: Witness) -> Value:
    """The value of an opaque part for a contact."""
    keys = sorted({(node.namespace, node.name) for node in nodes_of(part.node) if isinstance(node, FieldNode)})
    spaces = tuple(dict.fromkeys(space for space, _ in keys))
    rows: list[Row] = [
        part.bound[space]
        if space in part.bound
        else {name: witness.values.get((space, name)) for each, name in keys if each == space}
        for space in spaces
    ]
    expression = CheckedExpression("", part.node, part.node.type, tuple(keys), False)
    value: Value = compile_one(expression, spaces)(*rows, witness.moment, witness.moment.date())
    return value


def _is(term: Term, value: Value) -> str:
    if isinstance(value, bool):
        return term.value if value else neg(term.value)
    return app("=", term.value, written(value))


def _filled(entries: list[str], length: int, others: set[str]) -> tuple[str, ...]:
    """A list with these entries and as many invented ones as its length needs."""
    number = 0
    result = list(entries)
    while len(result) < length:
        number += 1
        if f"entry {number}" not in others:
            result.append(f"entry {number}")
    return tuple(result)


def _about(names: tuple[str, ...]) -> str:
    """Why opaque parts leave something undecided; empty if there are none."""
    return f"nothing is known about what {and_list(names)} gives there" if names else ""
