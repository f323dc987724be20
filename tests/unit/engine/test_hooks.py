"""A hook that fails in whatever way is reported, and the call goes on."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from offerkit.diagnostics import Code
from offerkit.engine.hooks import Hooks, load_target, post_process, products
from offerkit.hooks import Candidate
from offerkit.rules.types import Row
from offerkit.usecases.installed_hooks import load_hooks


def _leave(*_: object) -> None:
    sys.exit(4)


def _loading(contact: Row, data: Row) -> Mapping[str, object]:
    _leave()
    return {}


def _making(offer: str, contact: Row, data: Row) -> Sequence[tuple[Mapping[str, object], object]]:
    _leave()
    return ()


def _sorting(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    _leave()
    return ()


def test_a_hook_that_exits_does_not_end_the_call() -> None:
    hooks = Hooks({"h": _loading}, {"h": _making}, {"h": _sorting})
    reports = [
        load_target(hooks, "h", {}, {})[1],
        products(hooks, "h", "a", {}, {})[1],
        post_process(hooks, "h", [])[1],
    ]
    assert [report.code for report in reports if report is not None] == [Code.HOOK_FAILED] * 3
    assert all("SystemExit: 4" in report.message for report in reports if report is not None)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("", "AttributeError"),
    ],
)
def test_a_hook_that_cannot_be_imported_says_why(
    source: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_hooks.py").write_text(source)
    about = tmp_path / "broken_hooks-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-hooks\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[offerkit.hooks]\nbroken = broken_hooks:loading\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "broken_hooks", raising=False)
    hooks = load_hooks({"shop/space.web": {"hooks": {"target_loading": "broken"}}})
    for _ in range(2):
        added, report = load_target(hooks, "broken", {}, {})
        assert added == {}
        assert report is not None
        assert report.code is Code.HOOK_FAILED
        assert "it cannot be imported" in report.message
        assert said in report.message
