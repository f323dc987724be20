"""offerkit.hooks is what packages of hooks import: complete, typed, cheap; the place of before leads there."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import venv
import warnings
from pathlib import Path

import pytest
from mypy import api as mypy

import offerkit.engine.hooks as runner
from offerkit import hooks

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [ROOT / "examples" / "hooks", ROOT / "tests" / "unit" / "engine" / "first_hooks"]
CASES = """\
version: 1
cases:
  one: &one
    space: recipients/mobile-app
    contact: 1
    now: 2026-11-24T10:00
    n: 3
    data: {page: "/start?airport=jfk"}
    expect: {offers: [gold-card, usa-hotels, canada-quebec-carnival], reports: []}
  another: *one
"""
KINDS = """
from collections.abc import Mapping, Sequence
from aurelia_hooks import device_location, hotel_rates, one_of_a_kind
from offerkit.hooks import Candidate, DynamicOffer, PostProcessing, Product, Row, TargetLoading, Value

loading: TargetLoading = device_location
dynamic: DynamicOffer = hotel_rates
sorting: PostProcessing = one_of_a_kind

def price(candidate: Candidate, contact: Row) -> Value:
    product: Product = candidate.product or {}
    return product.get("price", contact["age"])
"""


def test_the_documentation_names_every_public_name_and_no_other() -> None:
    page = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    table = page.partition("## Types")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == hooks.__all__


def test_what_is_public_says_what_it_means() -> None:
    tree = ast.parse(Path(hooks.__file__).read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            assert ast.get_docstring(node), node.name


def test_the_import_costs_a_package_of_hooks_next_to_nothing() -> None:
    code = "import sys, offerkit.hooks; print(*[name for name in sys.modules if name.startswith(('offerkit', 'pydantic'))])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {name.split(".")[1] for name in loaded if "." in name} <= {"hooks", "rules", "fingerprint"}


@pytest.mark.parametrize("name", hooks.__all__)
def test_the_old_place_still_gives_each_name_and_names_the_new_one(name: str) -> None:
    with pytest.warns(
        DeprecationWarning, match=rf"offerkit\.engine\.hooks\.{name} has moved: .*from offerkit\.hooks"
    ) as told:
        assert getattr(runner, name) is getattr(hooks, name)
    assert [warning.filename for warning in told] == [__file__]


def test_star_imports_from_the_old_place_still_give_every_name() -> None:
    names: dict[str, object] = {}
    with pytest.warns(DeprecationWarning, match="import it from offerkit.hooks") as told:
        exec("from offerkit.engine.hooks import *", names)
    assert {name: names[name] for name in hooks.__all__} == {name: getattr(hooks, name) for name in hooks.__all__}
    assert len(told) == len(hooks.__all__)


def test_the_old_place_has_nothing_more_than_it_had() -> None:
    with pytest.raises(AttributeError, match="Nonsense"):
        runner.Nonsense  # noqa: B018


def test_offerkit_itself_uses_the_new_place() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in (ROOT / "offerkit").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module == "offerkit.engine.hooks":
                    for alias in node.names:
                        getattr(importlib.import_module(node.module), alias.name)


@pytest.mark.parametrize("flags", [[], ["-W", "error"]], ids=["plain", "errors"])
def test_who_runs_an_old_package_is_told_once_and_gets_the_same_answer(flags: list[str], tmp_path: Path) -> None:
    project, site = tmp_path / "project", tmp_path / "site"
    for name in ("specs", "environments", "data"):
        shutil.copytree(ROOT / name, project / name)
    (project / "cases").mkdir()
    (project / "cases" / "app.yaml").write_text(CASES, encoding="utf-8")
    about = site / "aurelia_offer_hooks-1.dist-info"
    about.mkdir(parents=True)
    source = (EXAMPLES[1] / "aurelia_hooks.py").read_text("utf-8").replace("if TYPE_CHECKING:\n    from", "from")
    (site / "aurelia_hooks.py").write_text(source, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: aurelia-offer-hooks\nVersion: 1\n")
    points = ("device-location = aurelia_hooks:device_location", "hotel-rates = aurelia_hooks:hotel_rates",
              "one-of-a-kind = aurelia_hooks:one_of_a_kind")  # fmt: skip
    (about / "entry_points.txt").write_text("\n".join(("[offerkit.hooks]", *points, "")))
    done = subprocess.run(
        [sys.executable, *flags, "-m", "offerkit.cli.main", "--project", str(project), "test"],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "2 cases, all as expected.\n"), done.stderr
    assert done.stderr.count("DeprecationWarning") == 1, done.stderr
    assert re.search(rf"^{re.escape(str(site))}/aurelia_hooks\.py:\d+: ", done.stderr, re.MULTILINE), done.stderr
    assert "from offerkit.hooks import Candidate" in done.stderr


def test_the_warning_is_one_more_json_line_in_the_log_of_a_server() -> None:
    code = "from offerkit.server.logs import set_up; set_up('info')\nfrom offerkit.engine.hooks import Candidate\n"
    done = subprocess.run([sys.executable, "-W", "default", "-c", code], capture_output=True, text=True, check=True)
    [line] = map(json.loads, done.stderr.splitlines())
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert line["message"].startswith("<string>:2: DeprecationWarning: offerkit.engine.hooks.Candidate has moved")


@pytest.mark.slow
@pytest.mark.parametrize("folder", EXAMPLES, ids=["now", "first"])
def test_types_of_hooks_are_checked(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a user's mypy does it: offerkit is an installed package, whose types count because of its py.typed."""
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    [site] = (tmp_path / "venv" / "lib").glob("python3*/site-packages")
    (site / "offerkit.pth").write_text(f"{ROOT}\n", encoding="utf-8")
    shutil.copy(folder / "aurelia_hooks.py", tmp_path)
    kinds = tmp_path / "kinds.py"
    monkeypatch.chdir(tmp_path)
    command = ["--strict", "--config-file=", f"--python-executable={python}", "aurelia_hooks.py", "kinds.py"]
    kinds.write_text(KINDS, encoding="utf-8")
    assert mypy.run(command) == ("Success: no issues found in 2 source files\n", "", 0)
    kinds.write_text(KINDS.replace("sorting: PostProcessing = one_of_a_kind", "sorting: PostProcessing = hotel_rates"))
    found, _, status = mypy.run(command)
    assert status == 1 and '"PostProcessing"' in found, found
