"""Python 3.11.0 to 3.11.4, such as Debian 12's, match some patterns wrongly; there are none of those here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]")
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{[\d,]+\})\+|\(\?>")


def test_no_pattern_has_a_possessive_or_atomic_group() -> None:
    """``(…)*+`` forgets the groups that are matched behind it (python/cpython issue 106052)."""
    for path in (ROOT / "offerkit").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("compile", "search", "match", "sub"):
                texts = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                for text in texts:
                    plain = text.decode("latin-1") if isinstance(text, bytes) else str(text)
                    assert not POSSESSIVE_GROUP.search(CLASS.sub("x", plain)), f"{path}: {plain}"
