"""The decision case shown in docs/engine.md holds for the bundled project."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from helpers.files import load_yaml
from ruamel.yaml import YAML

from offerkit.engine.cases import read_case, run_case
from offerkit.engine.inline_catalog import inline_catalog

ROOT = Path(__file__).resolve().parents[3]


def test_example() -> None:
    sections: dict[str, Any] = {"environment": load_yaml(ROOT / "environments" / "recipients.yaml")["environment"]}
    for path in [ROOT / "specs" / "dimensions.yaml", *sorted((ROOT / "specs" / "recipients").rglob("*.yaml"))]:
        for section, resources in load_yaml(path).items():
            if section != "version":
                sections.setdefault(section, {}).update(resources)
    catalog = inline_catalog(sections, environment="recipients")
    assert not catalog.problems
    shown = re.findall(
        r"```yaml\n(version: 1\ncases:.*?)```", (ROOT / "docs" / "engine.md").read_text("utf-8"), re.DOTALL
    )
    cases = YAML(typ="safe").load(shown[0])["cases"]
    assert cases
    for name, raw in cases.items():
        assert run_case(catalog, read_case(name, raw)).mismatches == ()
