"""examples/ has a package for each kind of hook; on the project of tests/scripts/projects/hooked they do what they say."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.hook_packages import install

from offerkit.cli.main import cli
from offerkit.usecases.installed_hooks import GROUP

ROOT = Path(__file__).resolve().parents[3]
PROJECT = ROOT / "tests" / "scripts" / "projects" / "hooked"
PACKAGES = {
    "hooks-target-loading": "weather_at_home",
    "hooks-dynamic-offer": "rooms_tonight",
    "hooks-post-processing": "by_supplier",
}
"""The folders in examples/, and the module that each installs."""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three packages as pip lays them down: their modules, and metadata with their entry points."""
    site = tmp_path / "site"
    site.mkdir()
    for folder, module in PACKAGES.items():
        source = ROOT / "examples" / folder
        project = _project(folder)
        if (source / module).is_dir():
            shutil.copytree(source / module, site / module, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source / f"{module}.py", site)
        metadata = site / f"{module}-{project['version']}.dist-info"
        metadata.mkdir()
        about = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        (metadata / "METADATA").write_text(about)
        lines = [f"{name} = {target}\n" for name, target in project["entry-points"][GROUP].items()]
        (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{''.join(lines)}")
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.syspath_prepend(site)


def _project(folder: str) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "examples" / folder / "pyproject.toml").read_text("utf-8"))["project"]
    return found


@pytest.mark.usefixtures("packages")
def test_the_packages_take_part_in_decisions(tmp_path: Path) -> None:
    project = shutil.copytree(PROJECT, tmp_path / "project")
    done = CliRunner().invoke(cli, ["--project", str(project), "test", "-v"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "3 cases, all as expected." in done.output


@pytest.mark.parametrize("folder", PACKAGES)
def test_each_is_a_package_that_says_how_to_install_it(folder: str) -> None:
    read_me = (ROOT / "examples" / folder / "README.md").read_text("utf-8")
    assert f".venv/bin/pip install -q -e examples/{folder}" in read_me
    for name in _project(folder)["entry-points"][GROUP]:
        assert f"`{name}`" in read_me


def test_the_page_shows_them_as_they_are() -> None:
    """Every function on the page that an example has is exactly that of the example."""
    page = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    blocks = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    for folder, module in PACKAGES.items():
        source = next((ROOT / "examples" / folder).rglob(f"{module}*/__init__.py"), None)
        text = (source or ROOT / "examples" / folder / f"{module}.py").read_text("utf-8")
        [function] = re.findall(rf"(^def {module}\(.*?)\n\n\n", text, re.DOTALL | re.MULTILINE)
        assert function in blocks, f"docs/hooks.md does not show {module} as it is"


def test_the_first_hooks_of_the_page_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "hooks.md").read_text("utf-8")
    source = re.findall(r"```python\n(# my_hooks.py\n.*?)```", page, re.DOTALL)[0]
    points = dict(re.findall(r'^([\w-]+) = "my_hooks:(\w+)"$', page, re.MULTILINE))
    assert len(points) == 3
    install(monkeypatch, tmp_path / "site", "my_hooks", source, points)
    project = shutil.copytree(PROJECT, tmp_path / "project")
    (project / "cases" / "hooks.yaml").write_text(OWN_CASES, encoding="utf-8")
    done = CliRunner().invoke(cli, ["--project", str(project), "test", "-v"], catch_exceptions=False)
    assert done.exit_code == 0, done.output


OWN_CASES = """\
version: 1
cases:
  the hooks of the page:
    space: shop/app
    contact: {}
    now: 2026-06-01T10:00
    expect:
      offers: [hotels, canada]
      weights: {hotels: 16, canada: 2}
      products: {hotels: {title: Borg, price: 95}}
      out: {inn: hook-dropped}
      reports: []
catalog:
  dimensions: {person: {key: [id], fields: {id: {type: integer}}}}
  environment: {dimension: person, call_data: {destination: {}}}
  spaces:
    app:
      channel: inbound-web
      unitary: true
      fields: [{name: title}]
      hooks: {target_loading: destination-of-the-day, post_processing: one-of-a-kind}
  categories: {stay: {}, fly: {}}
  offers:
    hotels: {category: stay, weights: [{weight: 2}, {weight: 8, dynamic: room-rates}]}
    inn: {category: stay}
    canada: {category: fly, eligible: {when: interaction.destination = 'Canada'}, weights: [{weight: 2}]}
"""
