"""examples/hooks holds what it promises: found by its entry points, it takes part in decisions on the bundled specs."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from helpers.files import load_yaml

from offerkit.cli.main import cli
from offerkit.usecases.installed_hooks import GROUP, load_hooks

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "hooks"
FIRST = Path(__file__).parent / "first_hooks"
"""The example as it was before there was offerkit.hooks. It stays as it is: packages like it are installed."""
NAMES = {"device-location", "hotel-rates", "one-of-a-kind"}

CASES = """\
version: 1
cases:
  a phone at an airport is offered a hotel there, and one card of each category:
    space: recipients/mobile-app
    contact: 1
    now: 2026-11-24T10:00
    n: 3
    data: {page: "/start?airport=jfk"}
    expect:
      offers: [gold-card, usa-hotels, canada-quebec-carnival]
      weights: {usa-hotels: 24}
      out: {usa-new-york: hook-dropped}
      reports: []
  a destination that the call passes stays:
    space: recipients/mobile-app
    contact: 1
    now: 2026-11-24T10:00
    n: 2
    data: {page: "/start?airport=JFK", destination: Québec}
    expect:
      any_order: [gold-card, canada-quebec-carnival]
      reports: []
  an airport that nobody knows adds nothing, and hotels count as anywhere:
    space: recipients/mobile-app
    contact: 1
    now: 2026-11-24T10:00
    n: 9
    data: {page: "/start?airport=XXX"}
    expect:
      offers: [gold-card, usa-new-york, canada-quebec-carnival, africa-marrakech, evergreen-app]
      out: {usa-hotels: hook-dropped}
      reports: []
"""

WITHOUT = """\
version: 1
cases:
  without the package the call is answered as the specs stand, and says so:
    space: recipients/mobile-app
    contact: 1
    now: 2026-11-24T10:00
    n: 9
    data: {page: "/start?airport=JFK"}
    expect:
      offers: [gold-card, usa-new-york, canada-quebec-carnival, africa-marrakech, usa-hotels, evergreen-app]
      weights: {usa-hotels: 9.6}
      reports: ["OFR860 There is no target-loading", "OFR860 There is no dynamic-offer", "OFR860 There is no post-"]
"""


def _installed(folder: Path, site: Path) -> None:
    """The package in ``folder`` as pip lays it down: its module, and metadata with its entry points."""
    shutil.copytree(folder, site, ignore=shutil.ignore_patterns("*.egg-info", "build", "__pycache__"))
    project: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    metadata = site / "aurelia_offer_hooks-1.0.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0.0\n")
    lines = [f"{name} = {target}\n" for name, target in project["entry-points"][GROUP].items()]
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{''.join(lines)}")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example, installed."""
    _use(EXAMPLE, tmp_path / "site", monkeypatch)


def _use(folder: Path, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install the package in ``folder`` for this test; its module is imported anew."""
    _installed(folder, site)
    monkeypatch.syspath_prepend(site)
    monkeypatch.delitem(sys.modules, "aurelia_hooks", raising=False)


def _tested(folder: Path, cases: str) -> Result:
    """``offerkit test`` on a copy of the bundled project with only these cases."""
    project = folder / "project"
    for name in ("specs", "environments", "data"):
        shutil.copytree(ROOT / name, project / name)
    (project / "cases").mkdir()
    (project / "cases" / "app.yaml").write_text(cases, encoding="utf-8")
    return CliRunner().invoke(cli, ["--project", str(project), "test", "-v"], catch_exceptions=False)


def _named() -> dict[str, Any]:
    return load_yaml(ROOT / "specs" / "recipients" / "spaces" / "mobile-app.yaml")["spaces"]


@pytest.mark.parametrize("folder", [EXAMPLE, FIRST], ids=["now", "first"])
def test_the_example_takes_part_in_decisions(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use(folder, tmp_path / "site", monkeypatch)
    done = _tested(tmp_path, CASES)
    assert done.exit_code == 0, done.output
    assert "3 cases, all as expected." in done.output


@pytest.mark.skipif(bool(entry_points(group=GROUP, name="hotel-rates")), reason="the example is installed here")
def test_without_it_the_call_is_answered_and_says_what_is_missing(tmp_path: Path) -> None:
    done = _tested(tmp_path, WITHOUT)
    assert done.exit_code == 0, done.output


@pytest.mark.usefixtures("package")
def test_only_hooks_that_are_named_are_loaded() -> None:
    assert set(load_hooks({"recipients/space.mobile-app": _named()["mobile-app"]}).post_processing) == {
        "device-location",
        "one-of-a-kind",
    }
    assert not load_hooks({"recipients/space.web-home": {"channel": "inbound-web"}}).post_processing


@pytest.mark.usefixtures("package")
def test_the_case_in_the_documentation_holds(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    [shown] = re.findall(r"```yaml\n(version: 1\ncases:.*?)```", page, re.DOTALL)
    done = _tested(tmp_path, shown)
    assert done.exit_code == 0, done.output


def test_the_package_offers_what_the_specs_name() -> None:
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(project["entry-points"][GROUP]) == NAMES
    offers = load_yaml(ROOT / "specs" / "recipients" / "offers" / "travel-united-states.yaml")["offers"]
    dynamic = {
        weight["dynamic"] for offer in offers.values() for weight in offer.get("weights", ()) if "dynamic" in weight
    }
    assert {*_named()["mobile-app"]["hooks"].values(), *dynamic} == NAMES
