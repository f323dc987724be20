"""No module imports itself in a circle, nor does a package through another: deferred and type-checking imports count.

import-linter's contract ``acyclic_siblings`` says so of each package's parts. This also sees circles through a
package's ``__init__``, and imports by name, which would hide one from either.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from helpers.imports import Imports, between, circle, imports_of

OFFERKIT = Path(__file__).resolve().parents[2] / "offerkit"
PACKAGES = sorted(
    {
        ".".join(path.parent.relative_to(OFFERKIT.parent).parts)
        for path in OFFERKIT.rglob("*.py")
        if path.stem != "__init__"
    }
)
BY_NAME = {"offerkit.batch.emit.spark", "offerkit.cli.main", "offerkit.models.registry", "offerkit.reports.render"}
"""Who imports by name: another's package, a command by what the user typed, a model by its kind."""


@pytest.fixture(scope="module")
def imports() -> Imports:
    """Of all modules of offerkit; reading them takes its time, so it is not done where no test asks for it."""
    return imports_of(OFFERKIT)


def test_no_modules_import_each_other_in_a_circle(imports: Imports) -> None:
    assert circle(imports) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_parts_of_a_package_import_each_other_in_a_circle(package: str, imports: Imports) -> None:
    assert circle(between(imports, package)) == []


def test_nothing_else_is_imported_by_name() -> None:
    found = set()
    for path in OFFERKIT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
            if name in ("import_module", "__import__", "resolve_name"):
                found.add(".".join(path.relative_to(OFFERKIT.parent).with_suffix("").parts))
    assert found == BY_NAME


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({"a": "import shop.b", "b": "import shop.a"}, {"shop.a", "shop.b"}),
        ({"a": "from shop import b", "b": "from shop.a import x"}, {"shop.a", "shop.b"}),
        ({"a": "def f():\n    from shop.b import x", "b": "from shop.a import x"}, {"shop.a", "shop.b"}),
        (
            {"a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.b import x", "b": "import shop.a"},
            {"shop.a", "shop.b"},
        ),
        ({"a": "from .b import x", "b": "from . import a"}, {"shop.a", "shop.b"}),
        ({"a": "from shop.b import x", "b": "from shop.c import x", "c": "from shop.a import x"},
         {"shop.a", "shop.b", "shop.c"}),
        ({"p/__init__": "from shop.p.a import x", "p/a": "from shop import p"}, {"shop.p", "shop.p.a"}),
        ({"p/__init__": "", "p/a": "from ..q.b import x", "q/__init__": "", "q/b": "from ..p.a import x"},
         {"shop.p.a", "shop.q.b"}),
        ({"a": "from shop.b import x", "b": "import json"}, set()),
        ({"a": "'''from shop.b import x'''", "b": "from shop.a import x  # from shop.b"}, set()),
    ],
)  # fmt: skip
def test_a_circle_of_any_kind_is_seen(sources: dict[str, str], expected: set[str], tmp_path: Path) -> None:
    _write(tmp_path / "shop", sources)
    assert set(circle(imports_of(tmp_path / "shop"))) == expected


def test_packages_in_a_circle_are_seen_though_their_modules_are_not_in_one(tmp_path: Path) -> None:
    sources = {
        "p/__init__": "", "p/a": "from shop.q.b import x", "p/c": "",
        "q/__init__": "", "q/b": "", "q/d": "def f():\n    from shop.p.c import x",
    }  # fmt: skip
    _write(tmp_path / "shop", sources)
    imports = imports_of(tmp_path / "shop")
    assert circle(imports) == []
    assert set(circle(between(imports, "shop"))) == {"shop.p", "shop.q"}
    assert circle(between(imports, "shop.p")) == []


def _write(folder: Path, sources: dict[str, str]) -> None:
    for name, text in {"__init__": "", **sources}.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
