"""Saved plans: one JSON file each."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from offerkit.diagnostics import Code, reason_of, refuse
from offerkit.plans.plan import MAX_BYTES, Plan, decode, envelope, plan_digest
from offerkit.specs.output_files import PLAN, writing
from offerkit.specs.project import is_folder


def save_plan(plan: Plan, out: Path | str) -> Path:
    """Write ``plan`` to a file, or under its own name into a folder (created if ``out`` ends in a slash).

    Raises Refused if the file exists and is not a plan, or cannot be written.
    """
    folder = str(out).endswith("/") or is_folder(Path(out))
    target = Path(out) / f"{plan_digest(plan)}.json" if folder else Path(out)
    with writing(target, PLAN, folders=True) as file:
        file.write(envelope(plan))
    return target


def load_plan(path: Path) -> Plan:
    """Read a plan from a file. Raises Refused if it is not a plan, was edited, or has a newer format."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except IsADirectoryError:
        files = sorted(str(file_path) for file_path in islice(path.glob("*.json"), 1000))[:3]
        hint = f"Name one file in it: {', '.join(files)}." if files else "“offerkit plan --out FILE” writes a plan."
        raise refuse(Code.PLAN_UNREADABLE, f"{path} is a folder, not a plan file", hint=hint) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        raise refuse(
            Code.PLAN_UNREADABLE,
            f"{path} cannot be read: {reason_of(error)}",
            hint="“offerkit plan --out FILE” writes a plan.",
        ) from None
    return decode(content, str(path))
