"""Overrides, ``ci apply`` of offers and their cases, and relayed reviews that are killed: all of it is done, or nothing."""

from __future__ import annotations

import random
import subprocess
import time
from typing import Any

import pytest
from helpers.repeats import kills, often
from helpers.workspace import Workspace
from running import ENV, begin

from offerkit.address import Kind
from offerkit.governance.overrides import DETAILS_KEY
from offerkit.store import RevisionRow, Store
from offerkit.usecases.history import REVIEW_DETAIL

pytestmark = pytest.mark.slow
ACCOUNTS = {"brand": 11, "risk": 12, "olga": 14}
KILLS = often(10, 20)

REVIEWED = """
import json, os, subprocess, sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from offerkit.governance.overrides import OverrideKind
from offerkit.specs import Project
from offerkit.store import parse_location
from offerkit.usecases.local_backend import LOCAL
from offerkit.usecases.ci import apply_read, compare, planned
from offerkit.usecases.ci_bundle import PullRequestRef
from offerkit.usecases.override import override
from offerkit.usecases.relay import relay
from offerkit.usecases.requests import ForgeReview, OverrideRequest, RelayRequest
from offerkit.usecases.session import Session
root = Path(sys.argv[1])
ada = Session(
    Project(root), "2026-06-01T00:00:00.000000Z", operator="ada", backend=LOCAL, lock_timeout=30, environ=os.environ,
    store_path=parse_location(sys.argv[2]),
)
def say(serial):
    print(serial, flush=True)
def written(path, change):
    content = json.loads((root / path).read_text())
    change(content)
    beside = root / ".offerkit/next"
    beside.write_text(json.dumps(content))
    os.replace(beside, root / path)
def heavier(number):
    def change(content):
        for name in ("gold-card", "saver", "safari"):
            content["offers"][name]["content"]["title"] = f"Title {number}"
            content["offers"][name]["weights"] = [{"weight": number}]
    return change
def committed(number):
    written("specs/shop/offers.yaml", heavier(number))
    written("cases/web.yaml", lambda content: content["cases"]["Nobody"]["expect"].update(weights={"saver": number}))
    git = ["git", "-C", str(root)]
    while subprocess.run([*git, "commit", "-qam", f"Pull request {number}"], stderr=subprocess.DEVNULL).returncode:
        with suppress(FileNotFoundError):  # of a run that was killed
            (root / ".git/index.lock").unlink()
    return subprocess.check_output([*git, "rev-parse", "HEAD"], text=True).strip()
number = int(sys.argv[3])
print("ready", flush=True)
while True:
    number += 1
    commit = committed(number)
    say(override(replace(ada, operator="omar"), OverrideRequest(("*/offer.*",), "it is fine", (OverrideKind.POLICIES,))).revision.serial)
    subject = PullRequestRef(number, commit, "")
    made = apply_read(ada, compare(ada, planned(ada, subject, None).bundle, subject)).revision
    say(made.serial)
    reviews = tuple(ForgeReview(account, f"{number}-{account}") for account in (11, 12, 14))
    read = RelayRequest("github", number, commit, commit, made.details["meaning"], reviews, authors=("ada",))
    say(max(one.revision.serial for one in relay(replace(ada, operator="robot"), read).recorded))
"""


def _git(shop: Workspace, *words: str) -> None:
    subprocess.run(["git", *words], cwd=shop.root, env=ENV, check=True)


@pytest.fixture
def pipeline(shop: Workspace) -> Workspace:
    """A repository whose every change is denied by a policy, and reviewed by three."""
    known: dict[str, Any] = {name: {"accounts": {"github": number}} for name, number in ACCOUNTS.items()}
    robot = {"profile": "administrator", "automation": True}
    case = {"space": "shop/web", "now": "2026-11-24T10:00", "expect": {"weights": {"saver": 1}}}
    shop.change({
        "specs/shared.yaml": {"operators": {**known, "robot": robot, "ada": {"email": "ada@example.com"}}},
        "cases/web.yaml": {"version": 1, "cases": {"Nobody": case}},
    })  # fmt: skip
    shop.go_live()
    light = {"require": "offer.weight <= 10", "message": "Too heavy.", "override": ["omar"]}
    shop.change({"specs/shop/policies.yaml": {"version": 1, "policies": {"light": light}}})
    shop.apply("ada")
    (shop.root / ".gitignore").write_text(".offerkit/\n")
    _git(shop, "init", "-qb", "main")
    _git(shop, "config", "user.name", "ada")
    _git(shop, "config", "user.email", "ada@example.com")
    _git(shop, "add", "-A")
    _git(shop, "commit", "-qm", "Begin")
    return shop


def _check_whole(store: Store, row: RevisionRow) -> None:
    """One step of a round has all that belongs to it."""
    match row.action, row.details.get(DETAILS_KEY):
        case "override", list(lifted):
            assert len(lifted) == 3
        case "apply", _:
            assert {"meaning", "pull_request", "head", "commit"} <= row.details.keys()
            changed = [change.address.kind for change in store.changes(row.serial)]
            assert sorted(changed) == sorted([Kind.CASES, Kind.OFFER, Kind.OFFER, Kind.OFFER])
        case action, _:
            assert action == "approve"


def _relayed(row: RevisionRow) -> list[int]:
    """The pull request of whose reviews this is one, if it is."""
    match row.details.get(REVIEW_DETAIL):
        case {"pull_request": int(number)}:
            return [number]
    return []


def test_killed_while_a_pull_request_is_overridden_applied_and_approved(pipeline: Workspace) -> None:
    """What was said to be done is done, and of a step there is all or nothing."""
    with pipeline.store() as store:
        started = store.last_serial()
    chance = random.Random(20261129)
    left = {"override": 0, "apply": 0, "approve": 0}
    for kill, longer in enumerate(kills(KILLS, lambda: all(left.values()))):
        pipeline.approve_all()  # what waits of a round that was killed is none of the next one's reviews
        with pipeline.store() as store:
            acknowledged = store.last_serial()
        process = begin(REVIEWED, str(pipeline.root), pipeline.named(), str(1000 + 100 * kill))
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        words = [process.stdout.readline() for _ in range(chance.randrange(4))]  # so far into a round
        time.sleep(chance.uniform(0, 0.15) * longer)
        process.kill()
        out, err = process.communicate()
        assert not err
        acknowledged = max([acknowledged, *map(int, [*words, *out.split()])])
        with Store.open(pipeline.location) as store, store.reading():
            assert store.verify() == []
            assert acknowledged <= store.last_serial() <= acknowledged + 3, "what was said to be done is done"
            done = store.revision(store.last_serial())
            assert done is not None
            if done.action == "override" or done.details.keys() & {"meaning", REVIEW_DETAIL}:
                left[done.action] += 1
    with Store.open(pipeline.location) as store, store.reading():
        rows = [row for row in store.revisions(limit=0) if row.serial > started]
        for row in rows:
            _check_whole(store, row)
        reviews = [number for row in rows for number in _relayed(row)]
    assert {reviews.count(number) for number in reviews} == {len(ACCOUNTS)}, "all reviews, or none"
    assert all(left.values()), "killed after each step"
