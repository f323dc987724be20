"""One script in the solver: checks of goals, examples from its models, and what refines opaque parts."""

from __future__ import annotations

from datetime import datetime

from offerkit.prove.encode import Encoder, Opaque
from offerkit.prove.result import Existence, Witness
from offerkit.prove.smt import NoEncodingError, app, conj, neg
from offerkit.prove.solver import Plain, Solver, values_in
from offerkit.prove.terms import Term, microseconds, read, written
from offerkit.rules.flatten import nodes_of
from offerkit.rules.nodes import CheckedExpression, FieldNode
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, Row, Value


class Inquiry:
    """A script that is asked about. Formulas are encoded first (``encoder``), then :meth:`begin`, then checks."""

    def __init__(self, solver: Solver, at: datetime, *, later: bool) -> None:
        """``at``: the wall clock; ``later``: the clock is anything from then on."""
        self.encoder = Encoder(at, later=later)
        self.why = ""
        """Why the last check was not decided."""
        self._solver, self._at = solver, at
        self._text: str | None = None
        self._pushed = False

    @property
    def text(self) -> str:
        """The script; no formula can be encoded from then on."""
        if self._text is None:
            self._text = self.encoder.finish()
        return self._text

    @property
    def opaque_names(self) -> tuple[str, ...]:
        """The functions of the parts without an encoding."""
        return tuple(sorted({part.name for part in self.encoder.opaque.values()}))

    def begin(self) -> None:
        """Give the script to the solver. Raises SolverError."""
        self._solver.begin(self.text)
        self._pushed = False

    def check(self, goal: str) -> Existence:
        """Whether ``goal``, a term of the script, can be true. Raises SolverError.

        Its model stays for :meth:`witness` until the next check.
        """
        if goal == "false":
            return Existence.NONE
        output = self._solver.tell(f"{'(pop)' if self._pushed else ''}(push)\n(assert {goal})\n(check-sat)")
        self._pushed = True
        match output.split():
            case ["sat", *_]:
                return Existence.SOME
            case ["unsat", *_]:
                return Existence.NONE
            case _:
                self.why = "it needs more steps than the solver may take"
                return Existence.UNDECIDED

    def require(self, term: str) -> None:
        """Add a constraint for all further checks."""
        self._solver.tell(f"{'(pop)' if self._pushed else ''}(assert {term})")
        self._pushed = False

    def witness(self) -> Witness:
        """The contact and the moment of the last check's model. Raises SolverError."""
        fields = self.encoder.fields
        names = [name for variable in fields.values() for name in (variable.null, variable.value)]
        members = [name for variable in fields.values() for name in variable.members.values()]
        clock = [self.encoder.clock()[0]] if self.encoder.clock_is_free else []
        plain = self._values([*names, *members, *clock])
        values: dict[tuple[str, str], Value] = {}
        for key, variable in fields.items():
            base = variable.type.base
            if plain[variable.null] is True:
                values[key] = None
            elif base is BaseType.LIST:
                entries = [entry for entry, member in variable.members.items() if plain[member] is True]
                values[key] = _filled(entries, int(plain[variable.value]), set(variable.members))
            else:
                values[key] = read(plain[variable.value], base)
        moment = read(plain[clock[0]], BaseType.TIMESTAMP) if clock else self._at
        assert isinstance(moment, datetime)
        return Witness(values, moment)

    def _values(self, names: list[str]) -> dict[str, Plain]:
        if not names:
            return {}
        output = self._solver.tell(f"(get-value ({' '.join(names)}))")
        return dict(zip(names, values_in(output), strict=True))

    def refine(self, witness: Witness) -> bool:
        """Say what the opaque parts are for the fields of ``witness``; whether there is any to say."""
        lemmas = [self._lemma(part, witness) for part in self.encoder.opaque.values()]
        for lemma in filter(None, lemmas):
            self.require(lemma)
        return any(lemmas)

    def _lemma(self, part: Opaque, witness: Witness) -> str:
        """The value of an opaque part if the fields that it reads, and the clock, are as in ``witness``."""
        reads = {
            (node.namespace, node.name)
            for node in nodes_of(part.node)
            if isinstance(node, FieldNode) and node.namespace not in part.bound
        }
        try:
            premises = [self._equals(key, witness.values[key]) for key in sorted(reads)]
            value = evaluated(part, witness)
            said = part.term.null if value is None else conj(neg(part.term.null), _is(part.term, value))
        except NoEncodingError:
            return ""
        if self.encoder.clock_is_free:
            premises.append(app("=", self.encoder.clock()[0], str(microseconds(witness.moment))))
        return app("=>", conj(*premises), said)

    def _equals(self, key: tuple[str, str], value: Value) -> str:
        """Whether a field has a value."""
        variable = self.encoder.fields[key]
        if value is None:
            return variable.null
        if isinstance(value, tuple):
            raise NoEncodingError("a list")
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
    while len(result) < min(length, len(entries) + 20):
        number += 1
        if f"entry {number}" not in others:
            result.append(f"entry {number}")
    return tuple(result)
