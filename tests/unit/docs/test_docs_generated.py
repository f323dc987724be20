"""docs/reference/ is what the code says, and all of it."""

from __future__ import annotations

import ast
import re

import click
import pytest
from docs_text import ROOT
from offerkit_docs import PAGES, commands, diagnostics, outdated, properties
from offerkit_docs.meanings import MEANINGS
from pydantic import BaseModel

from offerkit.address import Kind
from offerkit.cli.main import COMMANDS, cli
from offerkit.diagnostics import CODES, Code
from offerkit.models import model_of

REFERENCE = {path: (ROOT / path).read_text(encoding="utf-8") for path in PAGES}


def test_the_generated_pages_are_up_to_date() -> None:
    assert outdated() == [], "run scripts/docs"


@pytest.mark.parametrize("top", COMMANDS)
def test_every_command_and_option_is_documented_with_a_sentence(top: str) -> None:
    page = REFERENCE["docs/reference/commands.md"]
    for name, command, _ in commands.commands([top]):
        section = re.search(rf"^###? `offerkit {name}`$(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
        assert section is not None, name
        assert command.help, name
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden:
                assert option.help, f"{name} {option.opts[0]} has no help"
                assert option.help[0].isupper(), f"{name} {option.opts[0]}: {option.help}"
                assert option.help[-1] in ".)", f"{name} {option.opts[0]}: {option.help}"
                assert option.opts[-1] in section[1], f"{name} {option.opts[0]}"


def test_every_global_option_is_documented_with_a_sentence() -> None:
    page = REFERENCE["docs/reference/commands.md"]
    for option in cli.params:
        assert isinstance(option, click.Option)
        assert option.help, option.opts
        assert option.help[-1] in ".)", option.help
        assert option.opts[-1] in page


@pytest.mark.parametrize("name", COMMANDS)
def test_the_short_help_is_the_first_sentence_of_the_command(name: str) -> None:
    command = cli.get_command(click.Context(cli, **cli.context_settings), name)
    assert command is not None
    first = re.split(r"(?<=\.)\s", " ".join((command.help or "").split()))[0]
    assert COMMANDS[name] == first


def _keys(model: type[BaseModel], prefix: str = "") -> set[str]:
    return {prefix + (info.alias or name) for name, info in model.model_fields.items()}


@pytest.mark.parametrize("kind", Kind)
def test_every_property_is_documented_with_a_meaning(kind: Kind) -> None:
    rows = list(properties.rows(model_of(kind)))
    assert _keys(model_of(kind)) <= {row.path for row in rows}
    page = REFERENCE["docs/reference/properties.md"]
    section = re.search(rf"^## {kind}$(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    for row in rows:
        assert row.meaning, f"{kind} {row.path} has no meaning: describe it in the model"
        assert f"| `{row.path}` |" in section[1]


def test_no_meaning_is_of_a_property_that_is_gone() -> None:
    known = set()
    pending: list[type[BaseModel]] = [model_of(kind) for kind in Kind]
    while pending:
        model = pending.pop()
        for each in model.__mro__:
            if issubclass(each, BaseModel):
                known |= {f"{each.__name__}.{name}" for name in each.model_fields}
        for _, inner, _ in map(properties.type_of, properties.hints(model)):
            if inner is not None:
                pending.append(inner)
    assert set(MEANINGS) <= known


@pytest.mark.parametrize("code", Code)
def test_every_code_is_documented(code: Code) -> None:
    assert CODES[code].endswith(".")
    assert f"| `{code.value}` |" in REFERENCE["docs/reference/diagnostics.md"]
    assert diagnostics.group_of(code) in diagnostics.GROUPS


def test_every_code_is_used() -> None:
    used: set[str] = set()
    for file in (ROOT / "offerkit").rglob("*.py"):
        if file.name != "codes.py":
            tree = ast.parse(file.read_text(encoding="utf-8"))
            used |= {
                node.attr
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code"
            }
    assert {code.name for code in Code} - used == set()
