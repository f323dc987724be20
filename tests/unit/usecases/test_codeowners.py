"""CODEOWNERS from the reviewers that the specs name."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from helpers.fake_forge import TOKEN
from helpers.fake_github import REPOSITORY, FakeGitHub
from helpers.inside import offerkit
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.usecases.codeowners import HEADER, check, codeowners, place_of, save

pytestmark = pytest.mark.embedded
OPERATORS, OFFERS = "specs/shared.yaml", "specs/shop/offers.yaml"


@pytest.fixture
def shop(shop: Workspace) -> Workspace:
    known = {"brand": {"email": "brand@example.com"}, "risk": {"email": "risk@example.com", "accounts": {"github": 7}}}
    shop.change({OPERATORS: {"operators": known}})
    return shop


def lines(shop: Workspace) -> list[str]:
    text = codeowners(shop.session()).text
    assert text.startswith(HEADER) and text.endswith("\n")
    return text.splitlines()[1:]


def test_who_reviews_what_a_file_says(shop: Workspace) -> None:
    """Its offers, and those that inherit from it; settings have reviewers of their own."""
    own = {"version": 1, "offers": {"alone": {"category": "travel", "content": {"title": "A"}}}}
    shop.change({"specs/shop/more.yaml": own})
    both = "brand@example.com risk@example.com"
    assert lines(shop) == [f"/specs/shop/{name}.yaml {both}" for name in ("catalog", "offers", "spaces")]
    shop.change({"environments/shop.yaml": {"environment": {"reviewers": {"settings": ["omar"]}}}})
    found = codeowners(shop.session())
    assert found.nameless == ("omar",)
    assert "# omar: no account or e-mail address that CODEOWNERS can hold\n# /environments/shop.yaml\n" in found.text


def test_names_that_mean_something_there(shop: Workspace) -> None:
    """Each is matched by its own line, whatever is in it, and the last line that matches is its own."""
    offer = {"version": 1, "offers": {}}
    names = [
        "a b",
        "#x",
        "[z]",
        "!n",
        "q*",
        "w?",
        "back\\slash",
        "tab\tx",
        "new\nline * @evil",
        "é",
        "‮tfel",
        "a@b c@d.example",
    ]
    for place, name in enumerate(names):
        body = {"template": "plain", "category": "travel", "content": {"title": "T"}}
        shop.change({f"specs/shop/{name}.yaml": {**offer, "offers": {f"o{place}": body}}})
    shop.change({OPERATORS: {"operators": {"brand": {"email": "#x@example.com"}}}})
    found = lines(shop)
    assert all(line.startswith(("/specs/", "# brand: ")) and line.isprintable() for line in found)
    rules = [line.split(" ") for line in found if line.startswith("/")]
    for name in [*names, "offers", "catalog"]:
        path = f"/specs/shop/{name}.yaml"
        matching = [pattern for pattern, *_ in rules if fnmatchcase(path, pattern)]
        assert matching and (matching[-1] == path or "?" in matching[-1] or "*" in matching[-1]), path
    assert {owner for _, *owners in rules for owner in owners} == {"risk@example.com"}


def test_what_somebody_else_wrote_stays(shop: Workspace) -> None:
    target = place_of(shop.root)
    assert target == shop.root / ".github/CODEOWNERS"
    made = codeowners(shop.session())
    with pytest.raises(Refused) as caught:
        check(made, target)
    assert caught.value.diagnostics[0].code is Code.CODEOWNERS
    save(made, target)
    target.write_bytes(target.read_bytes().replace(b"\n", b"\r\n"))
    check(made, target)
    shop.change({OFFERS: {"offers": {"saver": {"reviewers": {"content": ["brand"]}}}}})
    shop.change(
        {
            "specs/shop/more.yaml": {
                "version": 1,
                "offers": {"x": {"template": "plain", "category": "bank", "content": {"title": "X"}}},
            }
        }
    )
    with pytest.raises(Refused, match="is not what the specs say"):
        check(codeowners(shop.session()), target)
    other = shop.root / "CODEOWNERS"
    other.write_text("* @everybody\n")
    with pytest.raises(Refused) as caught:
        save(made, other)
    assert caught.value.diagnostics[0].code is Code.TARGET_EXISTS
    assert other.read_text() == "* @everybody\n"


def test_by_the_accounts_of_now(shop: Workspace) -> None:
    github = FakeGitHub()
    github.person("risk-2", 7)
    environ = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": github.url, "GITHUB_REPOSITORY": REPOSITORY, "PATH": "/usr/bin"}
    done = offerkit(["codeowners", "--accounts", "github", "--out", "owners"], shop.root, environ)
    github.close()
    assert (done.code, github.problems) == (0, []), done.err
    assert "/specs/shop/offers.yaml brand@example.com @risk-2\n" in (shop.root / "owners").read_text()
