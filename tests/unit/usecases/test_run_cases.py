"""Case files as ``offerkit test`` reads them: numbers as they are written, catalogs of their own with hooks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from offerkit.cli.main import cli

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
CATALOG = """version: 1
catalog:
  dimensions: {person: {key: [id], fields: {id: {type: integer}, zip: {}, income: {type: decimal}, tags: {type: list}}}}
  environment: {dimension: person, typology: calm, call_data: {basket: {type: decimal}}}
  spaces:
    plain: {channel: inbound-web, unitary: true, fields: [{name: title}]}
    backwards: {channel: inbound-web, unitary: true, fields: [{name: title}], hooks: {post_processing: backwards}}
  categories: {bank: {multiplier: {factor: 1.5}}}
  rules: {no-more: {applies_to: {offers: [card]}, counted: {of: offer, when: proposition.weight > 12.25}, period: {before: 30d}, max: 1}}
  typologies: {calm: {rules: [no-more]}}
  offers:
    card: {category: bank, weights: [{weight: 10.5}]}
    loan: {category: bank, weights: [{weight: 2, dynamic: doubled}], eligible: {when: person.zip is null or person.zip = '01307'}}
cases:
"""
HOOKS = """def backwards(candidates):
    return list(reversed(candidates))


def doubled(offer, contact, data):
    return [({"title": "twice"}, 4)]
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    return made


def outcome(root: Path, case: str) -> dict[str, Any]:
    (root / "cases/own.yaml").write_text(f"{CATALOG}  one: {case}\n")
    done = CliRunner().invoke(cli, ["test", "cases/own.yaml", "--format", "json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    (found,) = json.loads(done.stdout)
    return dict(found)


@pytest.mark.parametrize(
    "case",
    [
        "{space: plain, contact: {}, now: '2026-06-01T10:00', history: [{offer: card, ago: 1d, weight: 12.5}], "
        "expect: {offers: [loan], out: {card: presentation-rule}}}",
        "{space: plain, contact: {}, now: '2026-06-01T10:00', history: [{offer: card, ago: 1d, weight: 12.25}], "
        "expect: {offers: [card, loan], weights: {card: 15.75, loan: 3}}}",
        "{space: plain, contact: {zip: 01307, income: 1250.5, tags: [1, 2.50]}, data: {basket: 12.5}, seed: 1.5, "
        "key: 007, n: 2, now: '2026-06-01T10:00', expect: {offers: [card, loan]}}",
    ],
    ids=["above", "not-above", "as-written"],
)
def test_numbers_are_as_they_are_written(root: Path, case: str) -> None:
    found = outcome(root, case)
    assert (found["error"], found["mismatches"]) == ("", [])


@pytest.mark.parametrize(
    "number", ["0x10", ".inf", "-.inf", ".nan", "NaN", "'Infinity'", "1e999999999", "much", "[1]", "{a: 1}", "true"]
)
@pytest.mark.parametrize(
    "place", ["history: [{offer: card, ago: 1d, weight: %s}], expect: {offers: []}", "expect: {weights: {card: %s}}"]
)
def test_a_weight_is_a_number(root: Path, number: str, place: str) -> None:
    found = outcome(root, f"{{space: plain, contact: {{}}, now: '2026-06-01T10:00', {place % number}}}")
    assert not found["passed"] and "weight" in found["error"]


def test_a_count_is_a_whole_number(root: Path) -> None:
    found = outcome(root, "{space: plain, contact: {}, now: '2026-06-01T10:00', n: 0x2, expect: {offers: []}}")
    assert found["error"] == "n must be a whole number"


def test_hooks_take_part_in_a_catalog_of_its_own(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_hooks.py").write_text(HOOKS)
    about = tmp_path / "own_hooks-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: own-hooks\nVersion: 1\n")
    (about / "entry_points.txt").write_text(
        "[offerkit.hooks]\nbackwards = own_hooks:backwards\ndoubled = own_hooks:doubled\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    found = outcome(
        root,
        "{space: backwards, contact: {}, now: '2026-06-01T10:00', "
        "expect: {offers: [loan, card], weights: {loan: 6}, reports: []}}",
    )
    assert (found["error"], found["mismatches"]) == ("", [])


def test_an_environment_of_its_own_has_the_name_that_spaces_say(root: Path) -> None:
    found = outcome(
        root,
        "{space: market/plain, contact: {}, now: '2026-06-01T10:00', history: [{offer: card, ago: 1d, weight: 99}], "
        "expect: {out: {card: {why: presentation-rule, by: market/rule.no-more}}}}",
    )
    assert (found["error"], found["mismatches"]) == ("", [])
