"""What CONTRIBUTING.md promises of the code base: sizes, names that mean one thing, modules that stand on their own."""

from __future__ import annotations

import ast
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "offerkit"
SHORT = 60
"""Lines under which a module that only one other imports is a part of that one."""
ALONE = {
    "offerkit.batch.emit": "a package's front",
    "offerkit.models.category": "one file for each kind of resource",
    "offerkit.models.offer": "one file for each kind of resource",
    "offerkit.models.typology": "one file for each kind of resource",
    "offerkit.server.ui": "a package's front",
}
"""Short modules that one other imports, and why they stay."""


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax trees of all modules, by dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def lines(name: str) -> list[str]:
    """The lines of a module."""
    path = ROOT.joinpath(*name.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return path.read_text(encoding="utf-8").splitlines()


def importers() -> dict[str, set[str]]:
    """The modules that import each module."""
    found = defaultdict(set)
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                whole = [f"{node.module}.{alias.name}" for alias in node.names]
                for asked in {each if each in trees() else node.module for each in whole}:
                    found[asked].add(name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.name].add(name)
    return found


def test_git_ignores_no_file_of_the_project() -> None:
    """A file that is ignored is there for its author only: a fresh clone lacks it."""
    asked = [
        "git",
        "ls-files",
        "--others",
        "--ignored",
        "--exclude-standard",
        "--",
        "offerkit",
        "specs",
        "tests",
        "docs",
    ]
    ignored = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [path for path in ignored if "__pycache__" not in path] == []


def test_a_class_name_means_one_thing() -> None:
    where = defaultdict(list)
    for name, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(name)
    assert {name: modules for name, modules in where.items() if len(modules) > 1} == {}


def test_sizes_of_tests() -> None:
    """Tables of data, and what several files of tests need, are in helpers, which are no longer either."""
    long = [path for path in (ROOT / "tests").rglob("*.py") if len(path.read_text(encoding="utf-8").splitlines()) > 500]
    assert long == []


def test_sizes() -> None:
    functions = []
    for name, tree in trees().items():
        assert len(lines(name)) <= 500, name
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                assert size <= 80, f"{name}.{node.name}"
                functions.append(size)
    assert sum(size <= 30 for size in functions) >= 0.9 * len(functions)


def test_a_short_module_that_one_other_imports_is_a_part_of_that_one() -> None:
    alone = {
        name
        for name, asking in importers().items()
        if name in trees() and len(asking - {name}) == 1 and len(lines(name)) < SHORT
        if ".".join(name.split(".")[:2]) == ".".join(next(iter(asking - {name})).split(".")[:2])
    }
    assert alone - ALONE.keys() == set()


def test_code_is_laid_out_by_the_formatter_alone() -> None:
    assert [name for name in trees() if any("# fmt:" in line for line in lines(name))] == []


def test_long_calls_name_their_arguments() -> None:
    """Ten values in a row cannot be told apart."""
    long = [
        f"{name}:{node.lineno}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and len(node.args) >= 10
    ]
    assert long == []
