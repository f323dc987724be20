"""Writes formulas as SMT-LIB, with the exact meaning of the rule language (docs/rules.md).

Each part of a tree becomes a :class:`~offerkit.prove.terms.Term`: whether it is unknown, and its value otherwise. A
part without an exact encoding becomes an *opaque* value, named by the sub-expression: any value of its type, the same
wherever the same sub-expression stands. So "nobody" stays true, and an example must be replayed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from offerkit.prove import encode_text
from offerkit.prove.encode_lists import ListEntries, ListTerm, chosen, fixed_list
from offerkit.prove.encode_numbers import numeric
from offerkit.prove.encode_time import Calendar, CalendarDay
from offerkit.prove.question import AllOf, AnyOf, DayRange, Fixed, Formula, Holds
from offerkit.prove.smt import NoEncodingError, Script, app, conj, disj, ite, neg, number
from offerkit.prove.terms import Term, default_of, in_range, literal, microseconds, sort_of, written
from offerkit.rules.flatten import parts_of
from offerkit.rules.nodes import CallNode, CaseNode, CheckedExpression, FieldNode, Interval, Literal, Node, asks_clock
from offerkit.rules.python import compile_one
from offerkit.rules.types import BaseType, FieldType, Row, Value

Bound = Mapping[str, Row]
"""The rows of the namespaces that are no contact's."""
_TEXT = ("length", "substring", "concat", "replace")
_TEXT_TESTS = ("starts_with", "ends_with", "contains", "like")
_MAPPINGS = ("lower", "upper", "trim")
_NUMERIC = ("add", "sub", "mul", "div", "neg", "mod", "abs", "round", "floor", "ceil", "to_decimal")
_TIME = ("to_timestamp", "date_add", "date_trunc", "date_diff", "extract", "age_in_years", "days_since", "days_until")
_SIGNS = {"eq": "=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TURNED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_TEXT_SIGNS = {"lt": "str.<", "le": "str.<="}


class UnprovableError(Exception):
    """A question that cannot be asked at all; the message says why."""


@dataclass
class Variable:
    """A contact's (or call's) field in the script. ``value``: for a list, its length."""

    type: FieldType
    null: str
    value: str
    entries: ListEntries


@dataclass(frozen=True)
class Opaque:
    """A part without an encoding, with the rows that are bound in it, and the term that stands for it."""

    node: CallNode | CaseNode
    bound: Bound
    term: Term
    name: str


class Encoder:
    """One question: its script, its fields and its opaque parts.

    ``at``: the wall clock of the question; ``later``: the clock is anything from then on instead.
    """

    def __init__(self, at: datetime, *, later: bool) -> None:
        self.script = Script()
        self.fields: dict[tuple[str, str], Variable] = {}
        self.opaque: dict[object, Opaque] = {}
        self.uses_clock = False
        self._at, self._later = at, later
        self._calendar = Calendar(self.script)
        self._known: dict[object, Term] = {}
        self._clock: tuple[str, str] | None = None
        self._finished = False

    # Formulas

    def formula(self, formula: Formula) -> str:
        """Whether the formula is true. Raises UnprovableError."""
        match formula:
            case Fixed():
                return "true" if formula.value else "false"
            case DayRange():
                today = self.clock()[1] if formula.first or formula.last else ""
                first = formula.first and f"(<= {number(formula.first.toordinal())} {today})"
                last = formula.last and f"(<= {today} {number(formula.last.toordinal())})"
                return conj(first or "true", last or "true")
            case AllOf():
                return self.script.define("Bool", conj(*map(self.formula, formula.parts)))
            case AnyOf():
                return self.script.define("Bool", disj(*map(self.formula, formula.parts)))
            case Holds():
                term = self._term(formula.expression.root, dict(formula.bound))
                value = f"(> {term.value} 0)" if formula.positive else term.value
                return self.script.define("Bool", conj(neg(term.null), value))
            case _:
                assert_never(formula)

    def clock(self) -> tuple[str, str]:
        """``now`` and ``current_date``."""
        self.uses_clock = True
        if self._clock is None:
            moment = microseconds(self._at)
            if self._later:
                now = self.script.declare("Int", "now")
                self.script.require(f"(<= {moment} now)")
                self.script.require(in_range("now", BaseType.TIMESTAMP))
                today = self._calendar.day_of(now)
                self._clock = now, today
            else:
                self._clock = number(moment), number(self._at.toordinal())
        return self._clock

    def parts_of(self, variable: str, base: BaseType) -> CalendarDay | None:
        """The variables for the year, month and day of a date or timestamp, if there are any."""
        return self._calendar.parts_of(variable, is_timestamp=base is BaseType.TIMESTAMP)

    @property
    def clock_is_free(self) -> bool:
        """Whether the script has a variable for the clock."""
        return self._later and self._clock is not None

    def finish(self) -> str:
        """The script, with the values that fields can have. Raises UnprovableError."""
        assert not self._finished
        self._finished = True
        self._calendar.finish()
        try:
            self._finish_fields()
        except NoEncodingError as error:
            raise UnprovableError(f"a text with {error} in a list") from None
        return str(self.script)

    def _finish_fields(self) -> None:
        for variable in self.fields.values():
            match variable.type.base:
                case BaseType.ENUMERATION if variable.type.values:
                    options = (app("=", variable.value, written(value)) for value in variable.type.values)
                    self.script.require(disj(variable.null, *options))
                case BaseType.LIST:
                    variable.entries.finish(self.script, variable.value)
                case BaseType.STRING | BaseType.ENUMERATION | BaseType.BOOLEAN | BaseType.NULL:
                    pass
                case base:
                    self.script.require(in_range(variable.value, base))

    # Nodes

    def _term(self, node: Node, bound: Bound) -> Term:
        key = signature(node, bound)
        if key not in self._known:
            try:
                term = self._encoded(self._folded(node, bound), bound)
            except NoEncodingError:
                term = self._opaque(node, bound)
            if not isinstance(node, Literal | Interval):
                sort = "Bool" if node.type.base is BaseType.NULL else sort_of(node.type.base)
                term = Term(self.script.define("Bool", term.null), self.script.define(sort, term.value))
            self._known[key] = term
        return self._known[key]

    def _folded(self, node: Node, bound: Bound) -> Node:
        """A call of constants as their result: the evaluator knows it best."""
        if not isinstance(node, CallNode) or node.type.base in (BaseType.LIST, BaseType.NULL):
            return node
        args = [self._constant(arg, bound) for arg in node.args]
        if not args or any(arg is None for arg in args):
            return node
        if asks_clock(node):
            self.uses_clock = True
            if self._later:
                return node
        call = replace(node, args=tuple(arg for arg in args if arg is not None))
        value = compile_one(CheckedExpression("", call, call.type, (), False), ())(self._at, self._at.date())
        return Literal(node.type, node.start, node.end, value)

    def _constant(self, node: Node, bound: Bound) -> Node | None:
        if isinstance(node, CallNode) and node.args:
            node = self._folded(node, bound)
        elif isinstance(node, CallNode) and not self._later and node.name in ("now", "current_date"):
            self.uses_clock = True
            return Literal(node.type, node.start, node.end, self._at if node.name == "now" else self._at.date())
        elif isinstance(node, FieldNode) and node.namespace in bound and node.type.base is not BaseType.LIST:
            return Literal(node.type, node.start, node.end, bound[node.namespace].get(node.name))
        return node if isinstance(node, Literal | Interval) else None

    def _encoded(self, node: Node, bound: Bound) -> Term:
        match node:
            case Literal():
                return literal(node.value, node.type.base)
            case FieldNode() if node.namespace in bound:
                return literal(bound[node.namespace].get(node.name), node.type.base)
            case FieldNode():
                variable = self.variable(node)
                if node.type.base is BaseType.LIST:
                    raise NoEncodingError("a list")
                return Term(variable.null, variable.value)
            case CaseNode():
                return self._case(node, bound)
            case CallNode():
                return self._call(node, bound)
            case Interval():
                raise NoEncodingError("an interval")
            case _:
                assert_never(node)

    def variable(self, node: FieldNode) -> Variable:
        """The variable of a field. Raises UnprovableError if the field has another type elsewhere in the question."""
        key = node.namespace, node.name
        known = self.fields.get(key)
        if known is None:
            number_ = len(self.fields)
            base = node.type.base
            sort = "Int" if base is BaseType.LIST else sort_of(base)
            null, value = self.script.declare("Bool", f"n{number_}"), self.script.declare(sort, f"f{number_}")
            known = self.fields[key] = Variable(node.type, null, value, ListEntries(f"e{number_}"))
        elif known.type != node.type:
            if known.type.base is not node.type.base:
                raise UnprovableError(
                    f"{'.'.join(key)} has another type afterwards ({known.type.base}, then {node.type.base})"
                )
            values = dict.fromkeys((*known.type.values, *node.type.values))
            known.type = FieldType(known.type.base, tuple(values))
        return known

    def _opaque(self, node: Node, bound: Bound) -> Term:
        if not isinstance(node, CallNode | CaseNode):
            raise UnprovableError("a list, or a text with rare characters, where a value is compared")
        key = signature(node, bound)
        if key not in self.opaque:
            sort = sort_of(node.type.base)
            is_mapping = isinstance(node, CallNode) and node.name in _MAPPINGS
            null = self._term(parts_of(node)[0], bound).null if is_mapping else ""
            place = len(self.opaque)
            null = null or self.script.declare("Bool", f"on{place}")
            term = Term(null, self.script.declare(sort, f"ov{place}"))
            if node.type.base in (BaseType.INTEGER, BaseType.DECIMAL, BaseType.DATE, BaseType.TIMESTAMP):
                self.script.require(in_range(term.value, node.type.base))
            name = node.name if isinstance(node, CallNode) else "case"
            self.opaque[key] = Opaque(node, bound, term, name)
            self._asks_below(node, bound)
        return self.opaque[key].term

    def _asks_below(self, node: Node, bound: Bound) -> None:
        """Declare the fields that an opaque part reads, and the clock: its value is known only for all of them."""
        if isinstance(node, CallNode) and asks_clock(node):
            self.clock()
        for part in parts_of(node):
            if isinstance(part, FieldNode) and part.namespace not in bound:
                self.variable(part)
            self._asks_below(part, bound)

    def _case(self, node: CaseNode, bound: Bound) -> Term:
        base = node.type.base
        default = node.default
        term = Term("true", default_of(base)) if default is None else self._term(default, bound)
        for condition, result in reversed(node.branches):
            test, then = self._term(condition, bound), self._term(result, bound)
            take = conj(neg(test.null), test.value)
            term = Term(ite(take, then.null, term.null), ite(take, then.value, term.value))
        return term

    def _call(self, node: CallNode, bound: Bound) -> Term:
        name, args = node.name, node.args
        match name:
            case "and" | "or":
                return self._logic(name, [self._term(arg, bound) for arg in args])
            case "not":
                term = self._term(args[0], bound)
                return Term(term.null, neg(term.value))
            case "is_null":
                return Term("false", self._null(args[0], bound))
            case "is_true" | "is_false":
                term = self._term(args[0], bound)
                return Term("false", conj(neg(term.null), term.value if name == "is_true" else neg(term.value)))
            case "eq" | "ne" | "lt" | "le" | "gt" | "ge":
                return self._comparison(name, args[0], args[1], bound)
            case "in":
                tests = [self._comparison("eq", args[0], item, bound) for item in args[1:]]
                return self._logic("or", tests)
            case "coalesce" | "nullif" | "greatest" | "least":
                return self._choice(node, bound)
            case "list_contains" | "list_length":
                return self._of_list(node, bound)
            case "now" | "current_date":
                return Term("false", self.clock()[name == "current_date"])
            case _ if name in _TEXT_TESTS:
                return self._text_test(name, args, bound)
            case _ if name in _TEXT:
                return encode_text.function(node, [self._term(arg, bound) for arg in args])
            case _ if name in _NUMERIC:
                return numeric(node, [self._term(arg, bound) for arg in args])
            case _ if name in _TIME:
                terms = [Term("false", "") if _is_unit(arg) else self._term(arg, bound) for arg in args]
                today = self.clock()[1] if name in ("age_in_years", "days_since", "days_until") else ""
                return self._calendar.function(node, terms, today)
            case _:
                raise NoEncodingError(name)

    def _logic(self, name: str, terms: list[Term]) -> Term:
        """Three-valued: ``and`` is false if any part is, else unknown if any part is; ``or`` the other way round."""
        decisive = name == "or"
        decided = disj(*(conj(neg(t.null), t.value if decisive else neg(t.value)) for t in terms))
        null = conj(neg(decided), disj(*(term.null for term in terms)))
        return Term(null, decided if decisive else neg(decided))

    def _comparison(self, name: str, left: Node, right: Node, bound: Bound) -> Term:
        if name == "ne":
            term = self._comparison("eq", left, right, bound)
            return Term(term.null, neg(term.value))
        if name == "eq" and (term_ := self._mapped("eq", left, right, bound) or self._mapped("eq", right, left, bound)):
            return term_
        aged = self._aged(name, left, right, bound) or self._aged(_TURNED.get(name, name), right, left, bound)
        if aged is not None:
            return aged
        a, b = self._term(left, bound), self._term(right, bound)
        null = disj(a.null, b.null)
        if null == "true":
            return Term("true", "false")
        if _is_text(left) or _is_text(right):
            if name in ("gt", "ge"):
                name, a, b = {"gt": "lt", "ge": "le"}[name], b, a
            return Term(null, app(_TEXT_SIGNS.get(name, "="), a.value, b.value))
        base = BaseType.NULL if isinstance(left, Interval) else left.type.base
        if base in (BaseType.DATE, BaseType.TIMESTAMP):
            first, second = self._calendar.ordered(a.value, b.value, are_timestamps=base is BaseType.TIMESTAMP)
            a, b = Term(a.null, first), Term(b.null, second)
        if name != "eq" and base is BaseType.BOOLEAN:
            a, b = Term(a.null, ite(a.value, "1", "0")), Term(b.null, ite(b.value, "1", "0"))
        return Term(null, app(_SIGNS[name], a.value, b.value))

    def _aged(self, name: str, age: Node, years: Node, bound: Bound) -> Term | None:
        """An age compared with a number of years; None if it is no such comparison."""
        folded = self._constant(years, bound)
        if not isinstance(age, CallNode) or age.name != "age_in_years" or not isinstance(folded, Literal):
            return None
        if not isinstance(folded.value, int) or self._constant(age, bound) is not None:
            return None
        terms = [self._term(arg, bound) for arg in age.args]
        on = terms[1] if len(terms) > 1 else Term("false", self.clock()[1])
        null = disj(terms[0].null, on.null)
        if null == "true":
            return Term("true", "false")
        value = self._calendar.compared_age(_SIGNS[name], terms[0].value, on.value, folded.value)
        return Term(null, value)

    def _text_test(self, name: str, args: tuple[Node, ...], bound: Bound) -> Term:
        mapped = self._mapped(name, args[0], args[1], bound)
        if mapped is not None:
            return mapped
        pattern = args[1].value if isinstance(args[1], Literal) else None
        if name == "like" and not isinstance(pattern, str):
            raise NoEncodingError("a pattern that is not fixed")
        return encode_text.test(name, [self._term(arg, bound) for arg in args], str(pattern))

    def _mapped(self, name: str, subject: Node, other: Node, bound: Bound) -> Term | None:
        """A test of a text in lower or upper case, or trimmed, against a fixed text; None if it is no such test."""
        mapped = encode_text.mapped(subject)
        text = _fixed(other, bound)
        if mapped is None or text is None:
            return None
        inner = self._term(mapped.inner, bound)
        return Term(inner.null, encode_text.matches(name, text, mapped, inner.value))

    def _null(self, node: Node, bound: Bound) -> str:
        """Whether a node is unknown; also of a list."""
        if not isinstance(node, Interval) and node.type.base is BaseType.LIST:
            return self._list(node, bound).null
        return self._term(node, bound).null

    def _choice(self, node: CallNode, bound: Bound) -> Term:
        terms = [self._term(arg, bound) for arg in node.args]
        if node.name == "nullif":
            equal = self._comparison("eq", node.args[0], node.args[1], bound)
            return Term(disj(terms[0].null, conj(neg(equal.null), equal.value)), terms[0].value)
        result = terms[0]
        for term in terms[1:]:
            value = result.value
            if node.name != "coalesce":
                less, more = (result.value, term.value) if node.name == "greatest" else (term.value, result.value)
                better = app("str.<" if _is_text(node) else "<", less, more)
                value = ite(term.null, result.value, ite(better, term.value, result.value))
            result = Term(conj(result.null, term.null), ite(result.null, term.value, value))
        return result

    def _of_list(self, node: CallNode, bound: Bound) -> Term:
        subject = self._list(node.args[0], bound)
        if node.name == "list_length":
            return Term(subject.null, subject.length)
        fixed = _fixed(node.args[1], bound)
        entry = Term("false", "") if fixed is not None else self._term(node.args[1], bound)
        return Term(disj(subject.null, entry.null), subject.has((fixed, entry.value)))

    def _list(self, node: Node, bound: Bound) -> ListTerm:
        match node:
            case Literal():
                return fixed_list(node.value if isinstance(node.value, tuple) else None)
            case FieldNode() if node.namespace in bound:
                value = bound[node.namespace].get(node.name)
                return fixed_list(value if isinstance(value, tuple) else None)
            case FieldNode():
                variable = self.variable(node)
                return ListTerm(variable.null, variable.value, lambda entry: variable.entries.has(self.script, entry))
            case CaseNode():
                result = fixed_list(None) if node.default is None else self._list(node.default, bound)
                for condition, then in reversed(node.branches):
                    test = self._term(condition, bound)
                    result = chosen(conj(neg(test.null), test.value), self._list(then, bound), result)
                return result
            case CallNode(name="coalesce"):
                first, *rest = [self._list(arg, bound) for arg in node.args]
                for each in rest:
                    first = chosen(first.null, each, first)
                return first
            case _:
                raise NoEncodingError("a list that is compared")


def _is_unit(node: Node) -> bool:
    return isinstance(node, Interval) or (isinstance(node, Literal) and node.type.base is BaseType.STRING)


def _is_text(node: Node) -> bool:
    return not isinstance(node, Interval) and node.type.base in (BaseType.STRING, BaseType.ENUMERATION)


def _fixed(node: Node, bound: Bound) -> str | None:
    """The text of a literal, or of a bound field; None if it is neither."""
    value: Value = None
    if isinstance(node, Literal):
        value = node.value
    elif isinstance(node, FieldNode) and node.namespace in bound:
        value = bound[node.namespace].get(node.name)
    return value if isinstance(value, str) else None


def signature(node: Node, bound: Bound) -> object:
    """Equal for parts that mean the same wherever they stand."""
    match node:
        case Literal():
            return "literal", node.type.base, node.value
        case FieldNode() if node.namespace in bound:
            return "literal", node.type.base, bound[node.namespace].get(node.name)
        case FieldNode():
            return "field", node.namespace, node.name, node.type.base, node.type.values
        case Interval():
            return "interval", node.months, node.days, node.seconds
        case CaseNode():
            return ("case", node.type.base, node.default is None, *(signature(part, bound) for part in parts_of(node)))
        case CallNode():
            return (node.name, node.type.base, *(signature(arg, bound) for arg in node.args))
        case _:
            assert_never(node)
