"""Every condition and formula means something: it is read, and checked against the names known where it stands.

The same text in the same scope is asked about once, however many offers have it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from offerkit.address import Kind
from offerkit.diagnostics import Code, suggestion
from offerkit.fingerprint import JsonPath
from offerkit.models.expression_scopes import Role, scope
from offerkit.models.policy_names import scope_of
from offerkit.models.typed_values import misfit
from offerkit.rules.problems import Problem, RuleError
from offerkit.rules.types import Base, FieldType, Scope, Wanted
from offerkit.specs.record import Expression, Finding, Index, Record


class Question(NamedTuple):
    """Whether ``text`` is an expression that gives what is wanted."""

    text: str
    scope: Scope
    wanted: Wanted

    @property
    def key(self) -> tuple[str, str, str]:
        """The same for questions with the same answer."""
        return self.text, self.scope.digest, self.wanted.value


Judge: TypeAlias = Callable[[Sequence[Question]], Sequence[tuple[Problem, ...]]]
"""Answers questions: for each its problems, none for a sound expression."""

TAKEN = ("category", "interaction", "offer", "parameter", "proposition")
"""The namespaces that are not the contact's; a dimension of such a name would hide one."""
_PARTS = (Kind.ENVIRONMENT, Kind.CATEGORY, Kind.OFFER, Kind.TEMPLATE, Kind.FILTER, Kind.RULE, Kind.SPACE,
          Kind.CAMPAIGN, Kind.POLICY)  # fmt: skip


def judge_here(questions: Sequence[Question]) -> list[tuple[Problem, ...]]:
    """A judge without a memory."""
    from offerkit.rules.check import check

    def problems(question: Question) -> tuple[Problem, ...]:
        try:
            check(*question)
        except RuleError as error:
            return error.problems
        return ()

    return [problems(question) for question in questions]


def bad_expressions(index: Index, judge: Judge = judge_here) -> Iterator[Finding]:
    """What is wrong with the conditions and formulas, and with the values that filters are given."""
    yield from _taken_names(index)
    questions: dict[tuple[str, str, str], Question] = {}
    places: list[tuple[Record, Expression, tuple[str, str, str]]] = []
    for environment in index.environments:
        for record, expression, known in _expressions(index, environment):
            question = Question(expression.text, known, Wanted(expression.wanted))
            questions.setdefault(question.key, question)
            places.append((record, expression, question.key))
        yield from bad_uses(index, environment)
    answers = dict(zip(questions, judge(list(questions.values())), strict=True)) if questions else {}
    for record, expression, key in places:
        for problem in answers[key]:
            yield Finding(
                record, expression.path, Code.EXPRESSION, problem.summary, problem.detail, problem.hint,
                offset=problem.start,
            )  # fmt: skip


def _taken_names(index: Index) -> Iterator[Finding]:
    for record in index.by_address.values():
        if record.kind is Kind.DIMENSION and record.name in TAKEN:
            yield Finding(
                record, (), Code.BAD_NAME, f"“{record.name}” cannot name a dimension", on_key=True,
                detail=f"In conditions, {record.name}.<field> already means something else.",
                hint="Name it after the people in it, as in recipient or visitor.",
            )  # fmt: skip


def _expressions(index: Index, environment: str) -> Iterator[tuple[Record, Expression, Scope]]:
    """The expressions of an environment whose names are known; an unread dimension's fields are not."""
    scopes = _scopes(index, environment)
    for kind in _PARTS:
        for record in index.group(environment, kind).values():
            for expression in record.facts.expressions:
                role = Role(expression.role)
                if role is Role.POLICY:
                    yield record, expression, scope_of(record.facts.keys)
                elif role is Role.FILTER and Role.TARGET in scopes:
                    yield record, expression, _with_parameters(scopes[Role.TARGET], record)
                elif role in scopes:
                    yield record, expression, scopes[role]


def _scopes(index: Index, environment: str) -> Mapping[Role, Scope]:
    scopes = {role: scope(role, "", {}, {}) for role in (Role.APPLIES_TO, Role.COUNTED)}
    record = index.group(environment, Kind.ENVIRONMENT)[environment]
    target = next((ref.target for ref in record.refs if ref.path == ("dimension",)), None)
    dimension = index.by_address.get(target) if target is not None else None
    if record.valid and dimension is not None and dimension.valid:
        names = (dimension.name, types_of(dimension), types_of(record))
        scopes |= {role: scope(role, *names) for role in (Role.TARGET, Role.STORED)}
    return scopes


def _with_parameters(contact: Scope, record: Record) -> Scope:
    dimension, interaction = contact.namespaces
    spaces = contact.namespaces
    return scope(Role.FILTER, dimension, spaces[dimension], spaces[interaction], types_of(record))


def types_of(record: Record) -> dict[str, FieldType]:
    """The types that a dimension, an environment or a filter declares."""
    return {name: FieldType(Base(base), values) for name, base, values in record.facts.types}


def bad_uses(index: Index, environment: str) -> Iterator[Finding]:
    """What is wrong with the values that offers and templates of ``environment`` give to filters."""
    sound: set[object] = set()
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for record in index.group(environment, kind).values():
            given = dict(record.facts.given)
            for ref in record.refs:
                used = index.by_address.get(ref.target) if ref.path[:2] == ("eligible", "filters") else None
                values = given.get(ref.path, {})
                shape = (ref.target, *values.items())
                if used is None or not used.valid or shape in sound:
                    continue
                findings = list(_use(record, ref.path, values, used))
                yield from findings
                if not findings:
                    sound.add(shape)


def _use(record: Record, use: JsonPath, values: Mapping[str, str], used: Record) -> Iterator[Finding]:
    known = {name: FieldType(Base(base), options) for name, base, options in used.facts.types}
    for name, text in values.items():
        path = (*use, "with", name)
        if name not in known:
            none = f"{used.name} has no parameters; remove the value."
            yield Finding(
                record, path, Code.PARAMETER, f"filter {used.name} has no parameter “{name}”", on_key=True,
                hint=suggestion(name, known, f"Known: {', '.join(known)}." if known else none),
            )  # fmt: skip
        elif why := misfit(text, known[name]):
            options = known[name].values
            yield Finding(
                record, path, Code.PARAMETER, f"parameter {name} of filter {used.name}: {why}",
                hint=suggestion(text, options, f"Known: {', '.join(options)}.") if options
                else f"It is declared as {known[name].base}.",
            )  # fmt: skip
    for name in used.facts.required:
        if name not in values:
            yield Finding(
                record, use, Code.PARAMETER, f"filter {used.name} needs a value for its parameter “{name}”",
                "The parameter has no default.",
                f"Write {{filter: {used.name}, with: {{{name}: …}}}}.",
            )  # fmt: skip
