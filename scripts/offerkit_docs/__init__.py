"""The generated part of the documentation: docs/reference/ from the models, the commands and the codes.

``scripts/docs`` writes it, ``scripts/docs --check`` only says whether it is up to date.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from offerkit.plans.plan_schema import plan_schema
from offerkit.specs.json_schema import schema_bytes
from offerkit_docs import commands, diagnostics, properties, reasons

ROOT = Path(__file__).resolve().parents[2]
PAGES: dict[str, Callable[[], str]] = {
    "docs/reference/commands.md": commands.page,
    "docs/reference/properties.md": properties.page,
    "docs/reference/diagnostics.md": diagnostics.page,
    "docs/reference/reasons.md": reasons.page,
    "docs/reference/plan.schema.json": lambda: schema_bytes(plan_schema()).decode(),
}
"""What is generated, by its path from the repository's root."""


def outdated() -> list[str]:
    """The pages that are not what would be generated now."""
    return [path for path, page in PAGES.items() if _read(path) != page()]


def write() -> list[str]:
    """Write what is outdated; the paths of what was written."""
    written = outdated()
    for path in written:
        target = ROOT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(PAGES[path](), encoding="utf-8")
    return written


def _read(path: str) -> str:
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except OSError:
        return ""
