"""One issue about what differs between the store and the default branch, at both forges."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cmarkgfm
import pytest
from helpers.fake_forge import TOKEN, lost, status
from helpers.fake_github import BOT, REPOSITORY, FakeGitHub
from helpers.fake_gitlab import OWN, PROJECT, FakeGitLab
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.forges.forge import Forge
from offerkit.forges.marked import TextChange, marker
from offerkit.forges.named import forge_named
from offerkit.usecases.ci_drift import Keeping, Kept, drifted, keep, told

pytestmark = pytest.mark.embedded
BODY = {"github": "body", "gitlab": "description"}


@pytest.fixture(params=["github", "gitlab"])
def both(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Forge]]:
    """A forge on this machine, and what asks it, named as its CI does."""
    fake: Any = FakeGitHub() if request.param == "github" else FakeGitLab()
    fake.user_is_told = True
    environ = {"GITHUB_API_URL": fake.url, "GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN}
    if request.param == "gitlab":
        environ = {"GITLAB_CI": "true", "CI_API_V4_URL": fake.api, "CI_PROJECT_ID": PROJECT, "GITLAB_TOKEN": TOKEN}
    forge = forge_named(environ, tell=lambda text: None)
    forge.api.sleep = lambda seconds: None  # type: ignore[attr-defined]
    yield fake, forge
    fake.close()
    assert not fake.problems


@pytest.fixture
def shop(tmp_path: Path) -> Workspace:
    """A project in git, applied."""
    made = Workspace(tmp_path / "shop")
    for line in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *line], cwd=made.root, check=True)
    made.apply("ada")
    return made


def test_an_issue_lives_as_long_as_the_drift(both: tuple[Any, Forge], shop: Workspace) -> None:
    fake, forge = both
    how = Keeping(forge, sleep=lambda seconds: None)

    def night() -> Kept:
        found = drifted(shop.session("ada"), forge)
        made = keep(how, found)
        lines.append(told(found, made))
        return made

    lines: list[str] = []
    body = BODY[forge.name]
    foreign = {**OWN, **BOT, "id": 5, "login": "eve", "username": "eve"}
    theirs = {
        "id": 900,
        "iid": 900,
        "number": 900,
        "state": "open" if forge.name == "github" else "opened",
        "web_url": "x",
        "title": "t",
        body: marker("drift", "", ""),
        "author": foreign,
        "user": foreign,
    }
    if forge.name == "gitlab":
        fake.issues[900] = theirs
    assert night() == Kept(None, "", 0)
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "@everyone <b>~~x~~</b>"}}}})
    fake.fault("POST", lost, status(502))
    assert night().done is TextChange.CREATED
    (number,) = [n for n in fake.issues if n != 900]
    issue = fake.issues[number]
    assert issue["title"] == "the store differs from the specs of main"
    shown = cmarkgfm.github_flavored_markdown_to_html(issue[body])
    assert "safari" in shown and "<b>" not in shown and "<code>@everyone</code>" in shown
    writes = len([line for line in fake.asked if not line.startswith("GET")])
    assert night().done is TextChange.UNCHANGED
    assert len([line for line in fake.asked if not line.startswith("GET")]) == writes
    issue[body], issue["title"] = issue[body] + "\nfixed!", "done"
    assert night().done is TextChange.UPDATED
    assert "fixed!" not in issue[body] and issue["title"] != "done"
    shop.apply("ada")
    assert night().closed == 1
    assert issue["state"] == "closed" and "Nothing differs any more" in issue[body]
    assert night().closed == 0
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "Another"}}}})
    assert night().done is TextChange.CREATED
    assert len([n for n in fake.issues if n != 900]) == 2
    assert [line.split(" (")[0] for line in lines] == [
        "Nothing differs.",
        *["1 resource differs from main: issue created", "1 resource differs from main: issue unchanged"],
        *["1 resource differs from main: issue updated", "Nothing differs: issue closed", "Nothing differs."],
        "1 resource differs from main: issue created",
    ]


def test_drift_needs_a_store(both: tuple[Any, Forge], tmp_path: Path) -> None:
    fake, forge = both
    made = Workspace(tmp_path / "shop")
    subprocess.run(["git", "init", "-q"], cwd=made.root, check=True)
    with pytest.raises(Refused, match="no commit is checked out"):
        drifted(made.session("ada"), forge)
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x", "--allow-empty"],
        cwd=made.root,
        check=True,
    )
    with pytest.raises(Refused) as caught:
        drifted(made.session("ada"), forge)
    assert caught.value.diagnostics[0].code == "OFR606"
    assert fake.asked == []
