"""What an attack is played with: a project in a folder, commands of its operators, and what is live afterwards."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers.files import Files, load_yaml, patched, text_of, write
from helpers.inside import offerkit

ANA = "ana@example.com"
FILE_OF = {
    "environment": "environments/recipients.yaml",
    "dimensions": "specs/shared.yaml",
    "operators": "specs/shared.yaml",
    "profiles": "specs/shared.yaml",
    "webhooks": "specs/shared.yaml",
    "spaces": "specs/recipients/spaces.yaml",
    "offers": "specs/recipients/offers.yaml",
    "campaigns": "specs/recipients/campaigns.yaml",
    "moved": "specs/recipients/moved.yaml",
}
OTHERS = "specs/recipients/catalog.yaml"
_CODE = re.compile(r"error\[(OFR\d+)\]")
_MISTAKES = re.compile(r"OFR(1|2|3|4(?!12)|80|890)")
"""Refusals of what was typed or written, not of what was tried: an attack that meets one proves nothing.

That live still names what a rollback takes away (OFR412) is a rule.
"""


class RuleBrokenError(AssertionError):
    """Something is live that must not be, or is not that must be: what an attack is judged by."""


class SetupError(Exception):
    """A step that has nothing to do with the rule did not do what it should."""


def variants(values: Iterable[Any], *, quick: int = 2) -> list[Any]:
    """The variants of an attack: the first ``quick`` are tried in the default run, the others in the slow one."""
    return [
        pytest.param(value, marks=[pytest.mark.slow] if index >= quick else []) for index, value in enumerate(values)
    ]


def broken_if(condition: object, what: str) -> None:
    """Raise RuleBrokenError, saying ``what`` happened, if it did."""
    if condition:
        raise RuleBrokenError(what)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class State:
    """What a stage holds, as ``offerkit export`` writes it: offers that are deactivated are not there."""

    sections: Mapping[str, Any]

    def __getitem__(self, address: str) -> Any:
        """The body at ``offer.NAME`` and the like; None where there is none."""
        kind, _, name = address.partition(".")
        if kind == "environment":
            return self.sections.get("environment")
        section = {"category": "categories", "typology": "typologies", "policy": "policies"}.get(kind, f"{kind}s")
        return self.sections.get(section, {}).get(name)

    def weight(self, offer: str) -> Any:
        """The first weight of an offer; None when the offer is not there."""
        body = self[f"offer.{offer}"]
        return body["weights"][0]["weight"] if body is not None else None

    def title(self, offer: str) -> Any:
        """The title of an offer; None when the offer is not there."""
        body = self[f"offer.{offer}"]
        return body["content"]["title"] if body is not None else None


class Session:
    """A project whose operators give commands. ``store`` is as --store takes it; empty: the project's own."""

    def __init__(self, root: Path, files: Files, store: str = "") -> None:
        self.root, self.files = root, copy.deepcopy(files)
        self.environ = {
            "PATH": "/usr/bin:/bin", "HOME": str(root), "LANG": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1",
            "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
            **({"OFFERKIT_STORE": store} if store else {}),
        }  # fmt: skip
        self._refused = False
        self._exports = 0

    # Files

    def edit(self, **sections: Any) -> None:
        """Merge into the sections of the specs, as in ``edit(offers={"saver": {"label": "New"}})``; None removes."""
        for section, patch in sections.items():
            path = FILE_OF.get(section, OTHERS)
            self.files = patched(self.files, {path: {"version": 1, section: patch}})
        write(self.root, self.files)

    def swap_names(self, one: str, other: str) -> None:
        """Give two operators each other's names; what names them stays as it is."""
        operators = self.files[FILE_OF["operators"]]["operators"]
        bodies = {one: operators[other], other: operators[one]}
        self.edit(operators={one: None, other: None})
        self.edit(operators=bodies)
        moved = {f"operator.{one}": f"operator.{other}", f"operator.{other}": f"operator.{one}"}
        self.save("specs/moved.yaml", {"version": 1, "moved": moved})

    def save(self, path: str, content: Any) -> None:
        """Write a file that is no spec."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text_of(content), encoding="utf-8")

    def git(self, line: str, **environ: str) -> None:
        """Run git, which must succeed."""
        command = ["git", *shlex.split(line)]
        done = subprocess.run(command, cwd=self.root, env=self.environ | environ, capture_output=True, check=False)
        if done.returncode:
            raise SetupError(f"git {line}: {done.stderr.decode()}")

    # Commands

    def run(self, who: str, line: str) -> Done:
        """Run ``offerkit LINE`` as an operator, however it ends; a bug of offerkit fails the test."""
        words = [*(["--as", who] if who else []), *shlex.split(line)]
        ended = offerkit(words, self.root, self.environ)
        out, err = ended.out.decode(), ended.err.decode()
        if ended.code not in (0, 1, 2):
            raise SetupError(f"offerkit {line} ended with {ended.code}: {err}")
        return Done(ended.code, out, err)

    def do(self, who: str, *lines: str) -> str:
        """Run commands that must succeed; what the last one prints."""
        out = ""
        for line in lines:
            done = self.run(who, line)
            if done.code:
                raise SetupError(f"offerkit --as {who} {line}: {done.err or done.out}")
            out = done.out
        return out

    def attempt(self, who: str, *lines: str) -> bool:
        """Try commands that may be refused by a rule, each whatever became of the one before; whether all were done."""
        fine = True
        for line in lines:
            done = self.run(who, line)
            if done.code == 0:
                continue
            codes = _CODE.findall(done.err)
            # Once an attack was refused, what it would have made is missing, and its next steps do not find it.
            if not self._refused and (not codes or any(map(_MISTAKES.match, codes))):
                raise SetupError(f"offerkit --as {who} {line}: {done.err or done.out}")
            self._refused, fine = True, False
        return fine

    def honestly(self, author: str, *reviewers: str) -> None:
        """Take the specs live the honest way: ``author`` applies and promotes, ``reviewers`` approve what they may."""
        self.do(author, "apply --yes")
        for who in reviewers:
            self.do(who, "approve offer.*")
        self.do(author, "promote --yes")

    # What is live

    def live(self, stage: str = "recipients@live") -> State:
        """What a stage holds."""
        self._exports += 1
        folder = self.root / f".offerkit/exported-{self._exports}"
        self.do("", f"export {stage} --to {folder}")
        sections: dict[str, Any] = {}
        for path in sorted(folder.rglob("*.yaml")):
            content = load_yaml(path)
            content.pop("version")
            for section, bodies in content.items():
                sections.setdefault(section, {}).update(bodies)
        return State(sections)

    def design(self) -> State:
        """What design holds."""
        return self.live("recipients@design")

    def shown(self, space: str = "web-home", contact: str = ANA) -> dict[str, dict[str, str]]:
        """The offers that a contact is shown on a space, with their fields there."""
        line = f"propose --space recipients/{space} --contact {contact} -n 9 --no-store --format json"
        (answer,) = json.loads(self.do("", line))["spaces"]
        return {made["offer"]: made["fields"] for made in answer["propositions"]}

    def page(self, space: str = "web-home", contact: str = ANA) -> str:
        """What a page is filled with: the offers of a space, rendered."""
        return self.do("", f"propose --space recipients/{space} --contact {contact} -n 9 --no-store --format html")

    def serial(self) -> int:
        """The last revision."""
        rows = json.loads(self.do("", "history -n 1 --format json"))
        return int(rows[0]["revision"])

    # Plan files

    def forge(self, path: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit a saved plan and give it the digest of what it says now, as docs/plans.md tells everybody how."""
        plan = json.loads((self.root / path).read_text(encoding="utf-8"))["plan"]
        before = copy.deepcopy(plan)
        change(plan)
        if plan == before:
            raise SetupError(f"the forgery of {path} changes nothing")
        (self.root / path).write_text(envelope(plan), encoding="utf-8")


def envelope(plan: dict[str, Any]) -> str:
    """A plan as its file: canonical JSON beside its sha256."""
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f'{{"digest":"{hashlib.sha256(text.encode()).hexdigest()}","plan":{text}}}\n'
