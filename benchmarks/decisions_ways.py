"""The ways in which the same rules are asked of one contact: offerkit's, and those of the two peers.

Each peer is given every way we know that might be its fastest, and the contacts in the form that suits it, made
before anything is timed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any, TypeAlias

from decisions_rules import CALL_DATA, ENUMERATIONS, RECIPIENT, TODAY, WALL_CLOCK, Contact, Rule, cel, flat, sql, zen

from offerkit.rules.check import check
from offerkit.rules.nodes import CheckedExpression
from offerkit.rules.python import compile_many, compile_one
from offerkit.rules.types import BaseType, ExpectedResult, FieldType, NameScope

Prepared: TypeAlias = Any
"""A contact in the form that suits a way."""
Runner: TypeAlias = Any
NAMESPACES = ("recipient", "interaction")
OFFERKIT, ZEN, CEL = "offerkit", "zen-engine", "cel-python"
NEVER_MET = "an index of all rules, contacts never met before"


@dataclass(frozen=True, slots=True)
class Way:
    """One way to ask all rules. ``ask`` answers all; ``contacts``: how many are asked a round.

    ``ask_one`` asks a single rule, by its number, and is not timed; absent where another way of the peer has it.
    ``single``: a rule at a time. ``decode``: makes an answer for each rule, in order, of what ``ask`` gives. ``renew``:
    another ``ask``, which has met no contact yet, for each round.
    """

    peer: str
    title: str
    prepare: Callable[[Contact], Prepared]
    ask: Callable[[Prepared], object]
    contacts: int
    ask_one: Callable[[int, Prepared], object] | None = None
    single: bool = False
    decode: Callable[[Any], Sequence[object]] = list
    renew: Callable[[], Callable[[Prepared], object]] | None = None

    def answers(self, prepared: Prepared) -> Sequence[object]:
        """An answer for each rule, in order."""
        return self.decode(self.ask(prepared))


def versions() -> dict[str, str]:
    """The versions of all three."""
    return {name: version(name) for name in (OFFERKIT, ZEN, CEL)}


def ways(rules: Sequence[Rule]) -> list[Way]:
    """Every way, with the rules compiled; the first of each peer answers single rules too."""
    return [*offerkit_ways(rules), *index_ways(rules), *zen_ways(rules), *cel_ways(rules)]


def checked_rules(rules: Sequence[Rule]) -> list[CheckedExpression]:
    """The rules, checked by offerkit."""
    scope = NameScope({"recipient": field_types(RECIPIENT), "interaction": field_types(CALL_DATA)})
    return [check(sql(rule), scope, ExpectedResult.CONDITION) for rule in rules]


def field_types(fields: Mapping[str, str]) -> dict[str, FieldType]:
    """The types of fields, as the rule language has them."""
    return {name: FieldType(BaseType(base), ENUMERATIONS.get(name, ())) for name, base in fields.items()}


def offerkit_ways(rules: Sequence[Rule]) -> list[Way]:
    """All rules in one function, and one function a rule."""
    checked = checked_rules(rules)
    each = [compile_one(rule, NAMESPACES, exact=False) for rule in checked]
    together = compile_many(checked, NAMESPACES, exact=False)

    def rows(contact: Contact) -> Prepared:
        return contact.recipient, contact.interaction

    def ask_all(prepared: Prepared) -> Sequence[object]:
        recipient, interaction = prepared
        return together(recipient, interaction, WALL_CLOCK, TODAY)

    def ask_each(prepared: Prepared) -> Sequence[object]:
        recipient, interaction = prepared
        return [rule(recipient, interaction, WALL_CLOCK, TODAY) for rule in each]

    def ask_one(number: int, prepared: Prepared) -> object:
        recipient, interaction = prepared
        return each[number](recipient, interaction, WALL_CLOCK, TODAY)

    return [
        Way(OFFERKIT, "one function for all rules (`compile_many`)", rows, ask_all, 1000, ask_one),
        Way(OFFERKIT, "a function a rule (`compile_one`)", rows, ask_each, 1000, single=True),
    ]


def index_ways(rules: Sequence[Rule]) -> list[Way]:
    """The index that decisions use, for contacts that it has met, and for others; the answers are bits of a number."""
    from offerkit.engine.condition import BoundCondition, CallFacts, CompiledExpression
    from offerkit.engine.predicate_index import PredicateIndex, SharedParts

    checked = checked_rules(rules)
    needs = [(BoundCondition(CompiledExpression(rule.text, rule, "", NAMESPACES)),) for rule in checked]
    nobody = CallFacts(dict.fromkeys(RECIPIENT), dict.fromkeys(CALL_DATA), WALL_CLOCK, TODAY)

    def facts(contact: Contact) -> Prepared:
        return CallFacts(contact.recipient, contact.interaction, WALL_CLOCK, TODAY)

    def answers(alive: int) -> Sequence[object]:
        return [mark == "1" for mark in f"{alive:0{len(needs)}b}"]

    def renewed() -> Callable[[Prepared], object]:
        alive = PredicateIndex(needs, SharedParts("recipient"), TODAY).alive
        alive(nobody)  # compiles what is compiled on first use
        return alive

    title = "an index of all rules, contacts met before"
    return [
        Way(OFFERKIT, title, facts, renewed(), 1000, decode=answers),
        Way(OFFERKIT, NEVER_MET, facts, renewed(), 1000, decode=answers, renew=renewed),
    ]


def zen_ways(rules: Sequence[Rule]) -> list[Way]:
    """An expression a rule, given a dict or JSON; all rules in one expression; a decision table."""
    peer = import_module("zen")  # not imported by name: types are checked without the peers, too
    texts = [zen(rule) for rule in rules]
    each = [peer.compile_expression(text).evaluate for text in texts]
    together = peer.compile_expression(f"[{', '.join(texts)}]").evaluate
    guarded = peer.compile_expression(f"[{', '.join(zen(rule, guarded=True) for rule in rules)}]").evaluate
    decision = peer.ZenEngine().create_decision(peer.ZenDecisionContent(json.dumps(zen_table(texts))))

    def ask_each(prepared: Prepared) -> Sequence[object]:
        return [rule(prepared) for rule in each]

    def ask_table(prepared: Prepared) -> Sequence[object]:
        found = {row["rule"] for row in decision.evaluate(prepared)["result"]}
        return [number in found for number in range(len(texts))]

    def as_json(contact: Contact) -> Prepared:
        return json.dumps(flat(contact))

    def ask_one(number: int, prepared: Prepared) -> object:
        return each[number](prepared)

    return [
        Way(ZEN, "an expression a rule, contact as a dict", flat, ask_each, 300, ask_one, single=True),
        Way(ZEN, "an expression a rule, contact as JSON", as_json, ask_each, 300, single=True),
        Way(ZEN, "one expression, a list of all rules; any null fails it", flat, together, 1000),
        Way(ZEN, "one expression, a list of all rules, each guarded against null", flat, guarded, 1000),
        Way(ZEN, "a decision table with a row a rule", flat, ask_table, 300),
    ]


def zen_table(texts: Sequence[str]) -> dict[str, object]:
    """A decision with one table, which gives the numbers of the rows that hold."""
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": "when", "name": "when", "type": "expression"}],
        "outputs": [{"id": "rule", "name": "rule", "field": "rule", "type": "expression"}],
        "rules": [{"_id": f"row-{row}", "when": text, "rule": str(row)} for row, text in enumerate(texts)],
    }
    position = {"x": 0, "y": 0}
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "position": position},
        {"id": "table", "name": "table", "type": "decisionTableNode", "position": position, "content": table},
        {"id": "out", "name": "out", "type": "outputNode", "position": position},
    ]
    edges = [
        {"id": "first", "sourceId": "in", "targetId": "table", "type": "edge"},
        {"id": "second", "sourceId": "table", "targetId": "out", "type": "edge"},
    ]
    return {"nodes": nodes, "edges": edges}


def cel_ways(rules: Sequence[Rule]) -> list[Way]:
    """A program a rule, interpreted or transpiled to Python; all rules in one transpiled program."""
    celpy = import_module("celpy")
    parser = import_module("celpy.celparser").CELParser
    logging.getLogger("celpy").setLevel(logging.CRITICAL)  # it logs every error in an expression
    texts = [cel(rule) for rule in rules]

    def compiled(runner: Runner, sources: Sequence[str]) -> list[Runner]:
        parser.CEL_PARSER = None  # the parser of the runner used first would be kept for the other
        environment = celpy.Environment(runner_class=runner)
        return [environment.program(environment.compile(source)) for source in sources]

    transpiled = compiled(celpy.CompiledRunner, texts)
    interpreted = compiled(celpy.InterpretedRunner, texts)
    [together] = compiled(celpy.CompiledRunner, [f"[{', '.join(texts)}]"])

    def activation(contact: Contact) -> Prepared:
        return {name: celpy.json_to_cel(value) for name, value in flat(contact).items()}

    def each(programs: Sequence[Runner]) -> Callable[[Prepared], Sequence[object]]:
        return lambda prepared: [bool(program.evaluate(prepared)) for program in programs]

    def ask_list(prepared: Prepared) -> Sequence[object]:
        return [bool(answer) for answer in together.evaluate(prepared)]

    def ask_one(number: int, prepared: Prepared) -> object:
        return bool(transpiled[number].evaluate(prepared))

    return [
        Way(CEL, "a program a rule, `CompiledRunner`", activation, each(transpiled), 20, ask_one, single=True),
        Way(CEL, "a program a rule, `InterpretedRunner`", activation, each(interpreted), 5, single=True),
        Way(CEL, "one program, a list of all rules, `CompiledRunner`", activation, ask_list, 20),
    ]
