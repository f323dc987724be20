"""The JSON Schemas accept what offerkit accepts, refuse unknown keys, and come from the models."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from helpers.files import base
from helpers.workspace import Workspace

from offerkit.address import Kind
from offerkit.cli import completion_command
from offerkit.cli.main import cli
from offerkit.cli.schema_command import command
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Refused
from offerkit.engine.cases import read_case
from offerkit.models import model_of
from offerkit.models.base import Number
from offerkit.plans.plan_schema import plan_schema
from offerkit.specs.json_schema import KNOWN, cases_schema, environment_schema, schema_files, specs_schema
from offerkit.specs.project import read_files
from offerkit.specs.yaml_reader import parse

ROOT = Path(__file__).resolve().parents[3]
SPECS, CASES, ENVIRONMENT = specs_schema, cases_schema, environment_schema


def as_json(value: Any) -> Any:
    """What another reader of YAML 1.2 makes of it: numbers are numbers."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    if isinstance(value, Number):
        number = Decimal(value)
        return int(number) if number == number.to_integral_value() else float(number)
    return value


@cache
def validator(schema: Callable[[], dict[str, Any]]) -> jsonschema.Draft202012Validator:
    """What judges by one of the schemas; making one takes its time, so it is not done while tests are collected."""
    return jsonschema.Draft202012Validator(schema())


def errors(data: Any, schema: Callable[[], dict[str, Any]] = SPECS) -> list[str]:
    """What is wrong with a document."""
    return [error.message for error in validator(schema).iter_errors(data)]


def offers(**fields: Any) -> dict[str, Any]:
    """A document with one offer."""
    return {"version": 1, "offers": {"a": {"category": "a/b", **fields}}}


def test_they_are_schemas() -> None:
    for content in schema_files().values():
        schema = json.loads(content)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("number", [{"at_least": 0}, {"at_least": 1_000_001}, {"at_most": -1}])
def test_numbers_that_may_be_missing_have_their_bounds(number: dict[str, int]) -> None:
    history = [{"offer": "b", **dict.fromkeys(number, 1)}, {"offer": "b", **number}]
    found = errors(offers(eligible={"history": history}))
    assert len(found) == 1, found
    assert str(next(iter(number.values()))) in found[0]


@pytest.mark.parametrize("file", read_files(ROOT)[0], ids=lambda file: file.path)
def test_the_bundled_files_are_accepted(file: Any) -> None:
    data, _ = parse(file.path, file.content)
    assert errors(as_json(data), ENVIRONMENT if file.declares else CASES if file.has_cases else SPECS) == []


def test_the_tests_own_project_is_accepted() -> None:
    for path, data in base().items():
        assert errors(data, ENVIRONMENT if path.startswith("environments/") else SPECS) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"weights": [{"weight": 1}, {"weight": 0.5}, {"weight": "0.5"}, {"formula": "a + 1"}]},
        {"eligible": {"from": "2026-01-01", "filters": ["f", {"filter": "g", "with": {"a": 1, "b": "x"}}]}},
        {"label": 2027, "content": {"title": 3.5}, "themes": ["a", 5]},
        {"template": None},
    ],
)
def test_what_is_right(fields: dict[str, Any]) -> None:
    assert errors(offers(**fields)) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"categry": "x"},
        {"category": "a//b"},
        {"label": True},
        {"label": "x" * 201},
        {"weights": [{"weight": -1}]},
        {"weights": [{"weight": "many"}]},
        {"weights": [{"weight": 1, "sapces": []}]},
        {"weights": {"weight": 1}},
        {"eligible": {"from": "1.1.2026"}},
        {"eligible": {"from_": "2026-01-01"}},
        {"eligible": {"filters": [{"with": {}}]}},
        {"content": {"a b": "x"}},
        {"themes": ["a", "a"]},
        {"enabled": "yes"},
        {"reviewers": ["a"]},
    ],
    ids=str,
)
def test_what_is_wrong(fields: dict[str, Any]) -> None:
    assert errors(offers(**fields))


def test_files_as_a_whole() -> None:
    assert errors({"version": 1, "offers": None, "moved": {"offer.a": "shop/offer.b"}}) == []
    assert errors({"version": 2})
    assert errors({"offers": {}})
    assert errors({"version": 1, "ofers": {}})
    assert errors({"version": 1, "offers": {"a b": {"category": "a"}}})
    assert errors({"version": 1, "categories": {"a/b/c": {}}}) == []
    assert errors({"version": 1, "moved": {"a": "b"}})
    assert errors({"version": 1}, ENVIRONMENT)
    assert errors({"version": 1, "rules": {"a": {"max": 0}}})
    assert errors({"version": 1, "rules": {"a": {"max": 1, "period": {"before": "1 week"}}}})
    assert errors({"version": 1, "rules": {"a": {"max": 1, "period": {"before": "1d 6h"}}}}) == []


def test_every_field_is_there_with_its_description() -> None:
    parts = specs_schema()["$defs"] | environment_schema()["$defs"]
    for kind in [kind for kind in Kind if kind is not Kind.CASES]:  # a file of cases has its own schema
        model = model_of(kind)
        fields = parts[model.__name__]["properties"]
        assert list(fields) == [info.alias or name for name, info in model.model_fields.items()]
        assert parts[model.__name__]["additionalProperties"] is False
        for name, info in model.model_fields.items():
            if info.description:
                assert fields[info.alias or name]["description"] == info.description
    assert "default" in parts["Parameter"]["properties"]


def cases(**fields: Any) -> dict[str, Any]:
    """A document with one case."""
    return {"version": 1, "cases": {"it goes well": {"space": "a/b", "now": "2026-01-31T10:00", **fields}}}


@pytest.mark.parametrize(
    "file", [*ROOT.glob("cases/**/*.yaml"), *ROOT.glob("tests/cases/engine/*.yaml")], ids=lambda file: file.stem
)
def test_the_bundled_cases_are_accepted(file: Path) -> None:
    data, _ = parse(file.name, file.read_bytes())
    assert errors(as_json(data), CASES) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"expect": {"offers": []}},
        {"expect": {"offers": {"b": ["x"]}, "weights": {"x": 1.5, "y": "2"}}},
        {
            "expect": {
                "out": {"x": "filter", "y": {"why": "filter", "by": "filter.z"}},
                "nothing": "environment-condition",
            }
        },
        {"expect": {"refused": ["OFR853"], "reports": ["OFR857"]}, "contact": 1, "n": 3},
        {"expect": {"offers": []}, "contact": {"age": 3, "interests": ["a"], "name": None}, "data": {"page": True}},
        {"expect": {"offers": []}, "history": [{"offer": "x", "ago": "2d 6h"}, {"offer": "x", "at": "2026-01-01"}]},
    ],
)
def test_cases_that_are_right(fields: dict[str, Any]) -> None:
    assert errors(cases(**fields), CASES) == []
    read_case("it goes well", cases(**fields)["cases"]["it goes well"])


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"expect": {}},
        {"expect": {"offer": []}},
        {"expect": {"offers": []}, "spaces": ["a/b"]},
        {"expect": {"offers": []}, "contcat": 1},
        {"expect": {"out": {"x": "because"}}},
        {"expect": {"out": {"x": {"why": "filter", "bye": 1}}}},
        {"expect": {"offers": []}, "history": [{"offer": "x"}]},
        {"expect": {"offers": []}, "history": [{"offer": "x", "ago": "2d", "at": "2026-01-01"}]},
        {"expect": {"offers": []}, "history": [{"offer": "x", "ago": "2 days"}]},
        {"expect": {"offers": []}, "history": [{"offer": "x", "ago": "2d", "status": "seen"}]},
        {"expect": {"offers": []}, "now": "tomorrow"},
        {"expect": {"offers": []}, "now": None},
        {"expect": {"offers": []}, "n": "many"},
        {"expect": {"offers": []}, "categories": "a"},
    ],
    ids=str,
)
def test_cases_that_are_wrong(fields: dict[str, Any], tmp_path: Path) -> None:
    """What the schema refuses, running the case refuses as well."""
    document = cases(**fields)
    assert errors(document, CASES)
    shop = Workspace(tmp_path / "shop")
    document["cases"]["it goes well"] |= {} if "spaces" in fields else {"space": "shop/web"}
    (shop.root / "cases").mkdir()
    (shop.root / "cases" / "a.yaml").write_text(json.dumps(document))
    asked = CliRunner().invoke(cli, ["--project", str(shop.root), "test"], standalone_mode=False)
    said = f"{asked.stdout}{asked.stderr}{asked.exception}"
    assert "✗" in said and "proposed" not in said, said


def test_files_of_cases_as_a_whole() -> None:
    right = cases(expect={"offers": []})
    for wrong in (
        {"version": 2},
        {"cases": {}},
        {"cases": None},
        {"catalogue": {}},
        {"catalog": {"offers": {"a": {}}}},
    ):
        assert errors({**right, **wrong}, CASES), wrong
    assert errors({**right, "catalog": None, "activated": {"a": ["web"]}}, CASES) == []
    for place, (described, taken) in KNOWN.items():
        assert set(described) == taken, place


def run(*arguments: str) -> Any:
    """The command."""
    return CliRunner().invoke(command, list(arguments), obj=Shell(color="never"), standalone_mode=False)


def test_the_command(tmp_path: Path) -> None:
    assert json.loads(run().stdout) == specs_schema()
    assert json.loads(run("--kind", "environment").stdout) == environment_schema()
    assert json.loads(run("--kind", "cases").stdout) == cases_schema()
    assert json.loads(run("--kind", "plan").stdout) == plan_schema()
    out = tmp_path / "a" / ".schema"
    for _ in range(2):
        assert run("--out", str(out)).exception is None
    assert sorted(path.name for path in out.iterdir()) == ["cases.json", "environment.json", "plan.json", "specs.json"]
    (tmp_path / "file").write_text("")
    assert isinstance(run("--out", str(tmp_path / "file")).exception, Refused)


def test_the_commands_say_what_main_says() -> None:
    from importlib import import_module

    from offerkit.cli.main import COMMANDS

    for name in ("fmt", "export", "import", "init", "schema", "completion"):
        module = import_module(f"offerkit.cli.{name}_command")
        assert module.command.help.startswith(COMMANDS[name])
    assert completion_command.command.name == "completion"
