"""Run the main commands on projects of two sizes and print, as JSON, what each function did in each command.

``python commands.py CACHE AXIS:SMALL:LARGE``: run by ``test_growth.py``, in a process of its own, since what it imports is rewritten.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import counting
import projects
from projects import Size

AXES: dict[str, Callable[[int], Size]] = {
    "offers": lambda n: Size(
        offers=n, categories=max(1, n // 8), filters=max(1, n // 8), campaigns=n // 8, reviewed=True
    ),
    "environments": lambda n: Size(environments=n, offers=4, categories=2, filters=2, rules=1, spaces=2, campaigns=1),
    "campaigns": lambda n: Size(campaigns=n),
    "rules": lambda n: Size(rules=n, filters=n),
    "spaces": lambda n: Size(spaces=n),
    "contacts": lambda n: Size(contacts=n),
    "cases": lambda n: Size(cases=n),
    "policies": lambda n: Size(policies=n),
    "revisions": lambda n: Size(offers=5),
}
_Cached = type(cache(str))
_CACHED: list[Any] = []
_SEEN: set[str] = set()
Counts = dict[str, dict[str, int]]


class Session:
    """Commands in one project, counted one by one."""

    also: AbstractContextManager[None] = contextlib.nullcontext()

    def __init__(self, root: Path) -> None:
        self.root = root
        self.counts: Counts = {}

    def run(self, name: str, *words: str, who: str = "ada", fails: bool = False) -> None:
        """Run a command; what was done in it is kept under ``name``."""
        from offerkit.cli.main import cli
        from offerkit.diagnostics import Refused

        _forget()
        before = dict(counting.work)
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), self.also:
                code = cli.main(["--project", str(self.root), "--as", who, *words], standalone_mode=False)
        except Refused as refused:
            code = 1
            out.write(str(refused.diagnostics[:2]))
        if bool(code) != fails:
            raise SystemExit(f"{name}: {words} exited with {code}: {out.getvalue()[-3000:]}")
        self.counts[name] = {site: count - before.get(site, 0) for site, count in counting.work.items()}


def _forget() -> None:
    """Empty what earlier commands left in memory: each is a process of its own for who uses them."""
    for name in sys.modules.keys() - _SEEN:
        _SEEN.add(name)
        if name.startswith("offerkit."):
            _CACHED.extend(value for value in vars(sys.modules[name]).values() if type(value) is _Cached)
    for function in _CACHED:
        function.cache_clear()


def session(root: Path, size: Size) -> Counts:
    """The main commands, in an order in which each has something to do."""
    projects.write(root, size)
    here = Session(root)
    here.run("validate", "validate")
    here.run("first plan", "plan")
    here.run("first apply", "apply", "--yes")
    here.run("plan without changes", "plan")
    here.run("approvals", "approvals")
    here.run("approve", "approve", "offer.*", who="olga")
    here.run("promotion", "promote", "--plan-only")
    here.run("promote", "promote", "--yes")
    here.run("apply campaigns", "apply", "--yes")
    projects.write(root, size, "second")
    here.run("plan with changes", "plan", "--out", str(root / "plan.json"))
    here.run("show plan", "show", str(root / "plan.json"))
    here.run("apply changes", "apply", str(root / "plan.json"), "--yes")
    here.run("blocked promotion", "promote", "--plan-only")
    here.run("approve changes", "approve", "offer.*", who="olga")
    here.run("promote changes", "promote", "--yes")
    stage = "env-0@live"
    here.run("difference", "diff", f"{stage}:3", stage)
    here.run("history", "history")
    here.run("history of an offer", "history", "env-0/offer.offer-1")
    here.run("graph", "graph")
    here.run("export", "export", "live", "--to", str(root / "export"))
    here.run("verify", "audit", "verify")
    _import(here)
    here.run("decision", "propose", "--space", "env-0/space-0", "--contact", "1", "--no-store")
    here.run("cases", "test")
    here.run("roll back", "rollback", stage, "--to", "3", "--yes")
    projects.write(root, size, "second", without=size.offers // 2)
    here.run("apply deletions", "apply", "--yes")
    here.run("promote deletions", "promote", "--yes", "--include-rolled-back")
    here.run("purge", "purge", "--yes")
    here.run("stop a category", "stop", "env-0/category.category-0", "--message", "wrong price")
    here.run("stop offers", "stop", "env-0/offer.*", "--message", "wrong price")
    here.run("stops", "stops")
    here.run("promotion of what is stopped", "promote", "--plan-only")
    here.run("approve anew", "approve", "offer.*", who="olga")
    here.run("resume", "resume", "env-0/category.category-0", "env-0/offer.*", "--message", "mended")
    here.run("promotion of what was resumed", "promote", "--plan-only")
    if size.environments == 1:
        here.run("promote what was resumed", "promote", "--yes")
        projects.switch_off(root)
        here.run("apply settings and a switching off", "apply", "--yes")
        here.run("promotion of settings and withdrawals", "promote", "--out", str(root / "settings.json"), who="olga")
        here.run("promote settings and withdrawals", "apply", str(root / "settings.json"), "--yes", who="olga")
        here.run("promotion after withdrawals", "promote", "--plan-only")
        projects.make_heavier(root)
        here.run("denied plan", "plan", fails=True)
        here.run("override", "override", "offer.*", "--message", "heavy on purpose", "--policies", who="olga")
        here.run("apply what was overridden", "apply", "--yes")
        here.run("override again", "override", "offer.*", "--message", "still", "--policies", who="olga", fails=True)
        here.run("approve what was overridden", "approve", "offer.*", who="olga")
        here.run("promote what was overridden", "promote", "--yes")
    return here.counts


def _import(here: Session) -> None:
    """What was exported, into an empty project."""
    other = Session(here.root / "other")
    for name in ("specs", "environments"):
        (other.root / name).mkdir(parents=True)
    other.run("import", "import", str(here.root / "export"))
    here.counts |= other.counts


def people(root: Path, size: Size) -> Counts:
    """The commands that decide for everybody."""
    projects.write(root, size)
    here = Session(root)
    here.run("apply", "apply", "--yes")
    here.run("approve", "approve", "offer.*", who="olga")
    here.run("promote", "promote", "--yes")
    here.run("apply campaigns", "apply", "--yes")
    here.run("cases", "test")
    here.run("simulate", "simulate", "env-0")
    here.run("deliver", "deliver", "env-0/campaign-0/mailing", "--out", str(root / "messages"))
    projects.write(root, size, "second")
    here.run("impact", "plan", "--impact")
    return here.counts


def past(root: Path, number: int) -> Counts:
    """The commands that look back on ``number`` revisions, or go on after them."""
    size = AXES["revisions"](number)
    here = Session(root)
    for turn in range(number):
        projects.write(root, size, f"turn {turn}")
        here.run("apply", "apply", "--yes")
    here.run("approve", "approve", "offer.*", who="olga")
    here.run("promote", "promote", "--yes")
    here.run("history", "history", "--count", "1000")
    here.run("history of an offer", "history", "env-0/offer.offer-1", "--count", "1000")
    here.run("difference", "diff", "env-0@design:1", "env-0@design")
    here.run("verify", "audit", "verify")
    here.run("audit", "audit", "export", "--out", str(root / "audit.jsonl"))
    here.run("roll back", "rollback", "env-0@design", "--to", "1", "--yes")
    return here.counts


def measured(axis: str, number: int) -> Counts:
    """What was done on a project with ``number`` along ``axis``."""
    with tempfile.TemporaryDirectory(prefix="offerkit-growth-", dir=os.environ["TEMPORARY"]) as folder:
        root = Path(folder)
        match axis:
            case "revisions":
                return past(root, number)
            case "contacts" | "cases":
                return people(root, AXES[axis](number))
            case _:
                return session(root, AXES[axis](number))


def main() -> None:
    """Measure what the command line names."""
    cache, wanted = sys.argv[1:]
    axis, *numbers = wanted.split(":")
    os.environ["NO_COLOR"] = "1"
    os.cpu_count = lambda: 1  # what a forked child does is not counted here
    counting.install("offerkit", Path(cache))
    Session.also = counting.Calls()
    measured(axis, 3)  # whatever is imported, or made once, is made now
    print(json.dumps([measured(axis, int(number)) for number in numbers]))


if __name__ == "__main__":
    main()
