"""Checks every condition and formula, and the values that filters are given, against the names known where it is used.

The same text in the same scope is checked once, however many offers have it; what was sound is remembered between runs.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from offerkit.address import Address, Kind
from offerkit.diagnostics import Code, and_list, suggestion
from offerkit.engine.stored_types import StoredTypes, stored_types
from offerkit.fingerprint import JsonPath
from offerkit.models.expression_scopes import ExpressionRole, counted_scope, expression_scope, known_call_facts
from offerkit.models.typed_values import type_error
from offerkit.rules.problems import Problem, RuleError
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope
from offerkit.specs.cache import Cache
from offerkit.specs.parallel import Child, workers
from offerkit.specs.record import Expression, Index, Mistake, Record


class ExpressionCheck(NamedTuple):
    """A request to check whether ``text`` is an expression that gives what is expected."""

    text: str
    scope: NameScope
    expected: ExpectedResult

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for checks with the same result."""
        return self.text, self.scope.digest, str(self.expected)


Checker: TypeAlias = Callable[[Sequence[ExpressionCheck]], Sequence[tuple[Problem, ...]]]
"""Gives the problems of each expression; none for a sound one."""

TAKEN = ("category", "interaction", "offer", "parameter", "proposition")
"""The namespaces that a dimension's name must not hide."""
_PARTS = (
    Kind.ENVIRONMENT,
    Kind.CATEGORY,
    Kind.OFFER,
    Kind.TEMPLATE,
    Kind.FILTER,
    Kind.RULE,
    Kind.SPACE,
    Kind.CAMPAIGN,
    Kind.POLICY,
)


def check_expressions(checks: Sequence[ExpressionCheck]) -> list[tuple[Problem, ...]]:
    """The problems of each check, worked out in this process."""
    from offerkit.rules.check import check

    def problems(request: ExpressionCheck) -> tuple[Problem, ...]:
        try:
            check(*request)
        except RuleError as error:
            return error.problems
        return ()

    return [problems(request) for request in checks]


def bad_expressions(
    index: Index, checker: Checker = check_expressions, unsure: frozenset[str] = frozenset()
) -> Iterator[Mistake]:
    """Mistakes in conditions and formulas, and in the values that filters are given.

    ``unsure``: environments with files that could not be read, which may have further spaces.
    """
    yield from _taken_names(index)
    checks: dict[tuple[str, str, str], ExpressionCheck] = {}
    uses: list[tuple[Record, Expression, tuple[str, str, str]]] = []
    filters: dict[Address, ExpressionCheck] = {}
    own: list[tuple[Record, JsonPath, Record, ExpressionCheck]] = []
    for environment in index.environments:
        for record, expression, known in _expressions(index, environment, unsure):
            key = expression.text, known.digest, expression.expected
            if key not in checks:
                checks[key] = ExpressionCheck(expression.text, known, ExpectedResult(expression.expected))
            uses.append((record, expression, key))
            if record.kind is Kind.FILTER:
                filters[record.address] = checks[key]
        yield from bad_uses(index, environment)
        yield from _mixed_types(index, environment)
        for record, path, used in _own_filters(index, environment):
            if used.address in filters:
                own.append((record, path, used, filters[used.address]))
                request = _without_offer(filters[used.address])
                checks.setdefault(request.key, request)
    answers = dict(zip(checks, checker(list(checks.values())), strict=True)) if checks else {}
    for record, expression, key in uses:
        for problem in answers[key]:
            yield Mistake(
                record,
                expression.path,
                Code.EXPRESSION,
                problem.summary,
                problem.detail,
                problem.hint,
                offset=problem.start,
            )
    for record, path, used, sound in own:
        if not answers[sound.key] and answers[_without_offer(sound).key]:
            yield Mistake(
                record,
                path,
                Code.FILTER_READS_OFFER,
                f"filter {used.name} reads the offer, so it cannot be the environment's own",
                "The environment's filters are about the contact: if one does not hold, no offer is looked at.",
                "Name it in categories or offers instead.",
            )


def _own_filters(index: Index, environment: str) -> Iterator[tuple[Record, JsonPath, Record]]:
    """The filters that an environment itself uses: its record, where, and the filter's record."""
    record = index.group(environment, Kind.ENVIRONMENT)[environment]
    for ref in record.refs:
        used = index.by_address.get(ref.target)
        if used is not None and used.kind is Kind.FILTER:
            yield record, ref.path, used


def _without_offer(request: ExpressionCheck) -> ExpressionCheck:
    namespaces = {space: fields for space, fields in request.scope.namespaces.items() if space != "offer"}
    return request._replace(scope=NameScope(namespaces))


def _taken_names(index: Index) -> Iterator[Mistake]:
    for record in index.by_address.values():
        if record.kind is Kind.DIMENSION and record.name in TAKEN:
            yield Mistake(
                record,
                (),
                Code.BAD_NAME,
                f"“{record.name}” cannot name a dimension",
                on_key=True,
                detail=f"In conditions, {record.name}.<field> already means something else.",
                hint="Name it after its contacts, as in recipient or visitor.",
            )


def _expressions(
    index: Index, environment: str, unsure: frozenset[str]
) -> Iterator[tuple[Record, Expression, NameScope]]:
    """The expressions of an environment with their scopes; without those whose dimension could not be read."""
    declared = offer_types(index.group(environment, Kind.ENVIRONMENT)[environment])
    scopes = _scopes(index, environment, declared, sure=environment not in unsure)
    for kind in _PARTS:
        for record in index.group(environment, kind).values():
            for expression in record.facts.expressions:
                role = expression.role
                if role == ExpressionRole.POLICY:
                    from offerkit.models.policy_names import scope_of  # imports models that most projects do not need

                    yield record, expression, scope_of(record.facts.keys, declared)
                elif role == ExpressionRole.FILTER and ExpressionRole.TARGET in scopes:
                    yield record, expression, _with_parameters(scopes[ExpressionRole.TARGET], record, declared)
                elif role in scopes:
                    yield record, expression, scopes[role]


_ABOUT_CONTACTS = (ExpressionRole.TARGET, ExpressionRole.OFFER, ExpressionRole.STORED)


def _scopes(
    index: Index, environment: str, declared: Mapping[str, FieldType], *, sure: bool
) -> Mapping[str, NameScope]:
    """The scopes by role; ``declared``: the fields that the environment declares for its offers."""
    record = index.group(environment, Kind.ENVIRONMENT)[environment]
    scopes: dict[str, NameScope] = {
        ExpressionRole.COUNTED: expression_scope(ExpressionRole.COUNTED, "", {}, {}),
    }
    if record.valid:
        scopes[ExpressionRole.APPLIES_TO] = expression_scope(
            ExpressionRole.APPLIES_TO, "", {}, {}, offer_fields=declared
        )
    target = record.target_at(("dimension",))
    dimension = index.by_address.get(target) if target is not None else None
    if record.valid and dimension is not None and dimension.valid:
        known = known_call_facts(environment, index.group(environment, Kind.SPACE) if sure else ())
        names = (dimension.name, types_of(dimension), {**known, **types_of(record)})
        products = product_types(record)
        scopes |= {
            role: expression_scope(role, *names, offer_fields=declared, product_fields=products)
            for role in _ABOUT_CONTACTS
        }
        if sure and all(space.valid for space in index.group(environment, Kind.SPACE).values()):
            stored = _stored_types(index, environment, scopes[ExpressionRole.STORED])
            types = {**stored.types, **{name: kinds[0] for name, kinds in stored.conflicts.items()}}
            return {**scopes, ExpressionRole.COUNTED: counted_scope(types, products)}
    if any(_MORE.search(text) for _, _, text in _of_role(index, environment, Kind.RULE, ExpressionRole.COUNTED)):
        del scopes[ExpressionRole.COUNTED]  # what is stored is not known; the mistakes that hide it are reported
    return scopes


_MORE = re.compile(r"stored|product")


def _stored_types(index: Index, environment: str, scope: NameScope) -> StoredTypes:
    """The types of what the spaces of an environment store, if a rule may read any of it."""
    counted = (text for _, _, text in _of_role(index, environment, Kind.RULE, ExpressionRole.COUNTED))
    if not any("stored" in text for text in counted):
        return StoredTypes({}, {})
    data = _of_role(index, environment, Kind.SPACE, ExpressionRole.STORED)
    return stored_types([(str(path[-1]), text) for _, path, text in data], scope)


def _of_role(
    index: Index, environment: str, kind: Kind, role: ExpressionRole
) -> Iterator[tuple[Record, JsonPath, str]]:
    for record in index.group(environment, kind).values():
        for expression in record.facts.expressions:
            if expression.role == role:
                yield record, expression.path, expression.text


def _mixed_types(index: Index, environment: str) -> Iterator[Mistake]:
    """Extra data that rules may count by, and that is stored under one name with several types."""
    declared = offer_types(index.group(environment, Kind.ENVIRONMENT)[environment])
    scope = _scopes(index, environment, declared, sure=False).get(ExpressionRole.STORED)
    if scope is None:
        return
    for name, kinds in _stored_types(index, environment, scope).conflicts.items():
        data = _of_role(index, environment, Kind.SPACE, ExpressionRole.STORED)
        *_, (space, path) = [(record, path) for record, path, _ in data if path[-1] == name]
        yield Mistake(
            space,
            path,
            Code.STORED_TYPES,
            f"“{name}” is stored with several types: {and_list(sorted({kind.base.value for kind in kinds}))}",
            f"Presentation rules count by what is stored, so stored.{name} must mean one thing.",
            "Store it under a name of its own, or with the same type everywhere.",
        )


def _with_parameters(contact: NameScope, record: Record, declared: Mapping[str, FieldType]) -> NameScope:
    dimension, interaction = contact.namespaces
    spaces = contact.namespaces
    return expression_scope(
        ExpressionRole.FILTER, dimension, spaces[dimension], spaces[interaction], types_of(record), declared
    )


def types_of(record: Record) -> dict[str, FieldType]:
    """The types of the fields, call data or parameters that a resource declares."""
    return {name: FieldType(BaseType(base), values) for name, base, values in record.facts.types}


def product_types(environment: Record) -> dict[str, FieldType]:
    """The types of the values that an environment declares for the products of its dynamic offers."""
    return {name: FieldType(BaseType(base), values) for name, base, values in environment.facts.product_fields}


def offer_types(environment: Record) -> dict[str, FieldType]:
    """The types of the fields that an environment declares for its offers."""
    return {field.name: FieldType(BaseType(field.type), field.values) for field in environment.facts.offer_fields}


def bad_uses(index: Index, environment: str) -> Iterator[Mistake]:
    """Mistakes in the values that filters are given in ``environment``."""
    sound: set[object] = set()
    needed = any(used.facts.required for used in index.group(environment, Kind.FILTER).values())
    for kind in (Kind.ENVIRONMENT, Kind.CATEGORY, Kind.OFFER, Kind.TEMPLATE):
        for record in index.group(environment, kind).values():
            filter_values = dict(record.facts.filter_values)
            for target, path in record.refs if filter_values or needed else ():
                if target.kind is not Kind.FILTER:
                    continue
                values = filter_values.get(path, {})
                shape = (target, *values.items()) if values else target
                used = index.by_address.get(target) if shape not in sound else None
                if used is None or not used.valid:
                    continue
                findings = list(_use(record, path, values, used))
                yield from findings
                if not findings:
                    sound.add(shape)


def _use(record: Record, use: JsonPath, values: Mapping[str, str], used: Record) -> Iterator[Mistake]:
    parameters = {name: FieldType(BaseType(base), options) for name, base, options in used.facts.types}
    for name, text in values.items():
        path = (*use, "with", name)
        if name not in parameters:
            none = f"{used.name} has no parameters; remove the value."
            yield Mistake(
                record,
                path,
                Code.PARAMETER,
                f"filter {used.name} has no parameter “{name}”",
                on_key=True,
                hint=suggestion(name, parameters, f"Known: {', '.join(parameters)}." if parameters else none),
            )
        elif problem := type_error(text, parameters[name]):
            options = parameters[name].values
            yield Mistake(
                record,
                path,
                Code.PARAMETER,
                f"parameter {name} of filter {used.name}: {problem}",
                hint=suggestion(text, options, f"Known: {', '.join(options)}.")
                if options
                else f"It is declared as {parameters[name].base}.",
            )
    for name in used.facts.required:
        if name not in values:
            yield Mistake(
                record,
                use,
                Code.PARAMETER,
                f"filter {used.name} needs a value for its parameter “{name}”",
                "The parameter has no default.",
                f"Write {{filter: {used.name}, with: {{{name}: …}}}}.",
            )


WORTH_IT = 500
"""The number of expressions from which on forking saves time."""
_WIDTH = 32


class CachedChecker:
    """A checker that remembers which expressions were sound; ``row`` is the cache row for the next run."""

    def __init__(self, cache: Cache, code: bytes) -> None:
        """``code`` is the digest of the code that checks expressions."""
        self.key = hashlib.sha256(code + b"sound expressions").digest()
        self._known = _unpacked(cache.get([self.key]).get(self.key))
        self._sound: set[str] = set()

    @property
    def row(self) -> dict[bytes, Any]:
        """The new cache row; empty if nothing changed."""
        return {} if self._sound == self._known else {self.key: {"sound": "".join(sorted(self._sound))}}

    def __call__(self, checks: Sequence[ExpressionCheck]) -> list[tuple[Problem, ...]]:
        """The problems of each check; only new ones are worked out, on several cores when there are many."""
        prints = [_print(request) for request in checks]
        fresh = [number for number, print_ in enumerate(prints) if print_ not in self._known]
        answers: list[tuple[Problem, ...]] = [()] * len(checks)
        for number, problems in zip(fresh, _check_in_parallel([checks[number] for number in fresh]), strict=True):
            answers[number] = problems
        self._sound = {print_ for print_, problems in zip(prints, answers, strict=True) if not problems}
        return answers


def _print(request: ExpressionCheck) -> str:
    return hashlib.sha256("\0".join(request.key).encode()).hexdigest()[:_WIDTH]


def _unpacked(row: object) -> set[str]:
    sound = row.get("sound") if isinstance(row, dict) else None
    text = sound if isinstance(sound, str) else ""
    return {text[start : start + _WIDTH] for start in range(0, len(text), _WIDTH)}


def _check_in_parallel(checks: Sequence[ExpressionCheck]) -> list[tuple[Problem, ...]]:
    if not checks:
        return []
    several = workers() if len(checks) >= WORTH_IT else 1
    if several < 2:
        return check_expressions(checks)
    check_expressions([])  # imports what checking needs once, instead of in each child

    portions = [checks[start::several] for start in range(several)]
    children = [Child.start(partial(_sound_places, portion)) for portion in portions[1:]]
    answers: list[tuple[Problem, ...]] = [()] * len(checks)
    answers[::several] = check_expressions(portions[0])
    for start, child in enumerate(children, 1):
        sound = frozenset(map(int, child.results()))
        # Checked again here: what a child found wrong, and everything of a child that failed.
        doubtful = [number for number in range(len(portions[start])) if number not in sound]
        for number, problems in zip(doubtful, check_expressions([portions[start][p] for p in doubtful]), strict=True):
            answers[start + number * several] = problems
    return answers


def _sound_places(checks: Sequence[ExpressionCheck]) -> Iterator[int]:
    return (number for number, problems in enumerate(check_expressions(checks)) if not problems)
