"""Who imports whom in a package, and which of its modules do so in a circle. Nothing is imported: sources are read."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Set
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Imports = dict[str, set[str]]


def imports_of(folder: Path) -> Imports:
    """By each module of the package in ``folder`` those of the same package that it imports.

    An import counts wherever it stands: at the top, in a function, below ``if TYPE_CHECKING``, absolute or relative.
    """
    paths = {_name(path, folder): path for path in sorted(folder.rglob("*.py"))}
    found: Imports = {}
    for module, path in paths.items():
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {name for node in ast.walk(tree) for name in _imported(node, package, paths.keys())}
        found[module] = names - {module}
    return found


def circle(imports: Mapping[str, Set[str]]) -> list[str]:
    """Modules that import one another in a circle, the first one again at the end; empty: there is no circle."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return [str(name) for name in reversed(error.args[1])]
    return []


def between(imports: Mapping[str, Set[str]], package: str) -> Imports:
    """The same for the parts of ``package``: modules, and packages as a whole."""
    found: Imports = {}
    for module, others in imports.items():
        part = _part(module, package)
        if part:
            found.setdefault(part, set()).update(_part(other, package) for other in others)
            found[part] -= {part, ""}
    return found


def _name(path: Path, folder: Path) -> str:
    parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _part(module: str, package: str) -> str:
    """What of ``package`` holds ``module``; empty: nothing does, or it is the package itself."""
    inside = module.removeprefix(f"{package}.")
    return f"{package}.{inside.partition('.')[0]}" if inside != module else ""


def _imported(node: ast.AST, package: str, known: Set[str]) -> Iterator[str]:
    match node:
        case ast.Import(names):
            yield from (alias.name for alias in names if alias.name in known)
        case ast.ImportFrom(name, names, level):
            above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
            source = ".".join([*above, *([name] if name else [])])
            for alias in names:
                module = f"{source}.{alias.name}"
                if module in known:
                    yield module
                elif source in known:
                    yield source
        case _:
            pass
