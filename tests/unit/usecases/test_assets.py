"""Images by a path below an environment's assets: completed, refused, approved, promoted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.hook_packages import install
from helpers.serving import client, with_people
from helpers.ui import browser
from helpers.workspace import Workspace

from offerkit.diagnostics import Refused
from offerkit.plans.plan import Plan

pytestmark = pytest.mark.embedded

HOST = "https://cdn.example/img/"
FIELDS = [{"name": "title", "required": True}, {"name": "text"}, {"name": "image_url"}, {"name": "link_url"}]


def with_images(
    shop: Workspace, text: str = "banners/gold.png", assets: str | None = HOST, **content: Any
) -> Workspace:
    with_people(shop)
    shop.change(
        {
            "environments/shop.yaml": {"environment": {"assets": assets}},
            "specs/shop/spaces.yaml": {"spaces": {"web": {"fields": FIELDS}}},
            "specs/shop/offers.yaml": {"offers": {"gold-card": {"content": {"image_url": text, **content}}}},
        }
    )
    return shop


def shown(shop: Workspace) -> dict[str, str]:
    with client(shop) as asking:
        answer = asking.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": "ann@example.com"}).json()
    fields: dict[str, str] = answer["spaces"][0]["propositions"][0]["fields"]
    return fields


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("banners/gold.png", "banners/gold.png"),
        ("  banners/gold.png\n", "banners/gold.png"),
        ("banners/{{ person.country }}.png?w=2", "banners/FR.png?w=2"),
        ("a{% if person.age > 18 %}b{% endif %}.png", "ab.png"),
        ("a..b/c.png", "a..b/c.png"),
    ],
)
def test_a_path_is_completed(shop: Workspace, text: str, url: str) -> None:
    with_images(shop, text).go_live()
    assert shown(shop)["image_url"] == HOST + url


def test_whole_addresses_stay(shop: Workspace) -> None:
    with_images(shop, "https://else.example/a.png", link_url="https://bank.example/").go_live()
    assert shown(shop)["image_url"] == "https://else.example/a.png"


def test_a_value_never_leads_out(shop: Workspace) -> None:
    with_images(shop, "banners/{{ person.first_name }}/a.png")
    with client(shop.go_live()) as asking:
        (shop.root / "people.csv").write_text(
            "id,email,first_name,age,country\n1,ann@example.com,..,41,FR\n2,bob@example.com,../../x,41,FR\n"
        )
        for who in ("ann@example.com", "bob@example.com"):
            answer = asking.post("/api/v1/propose", json={"spaces": ["shop/web"], "contact": who}).json()
            assert answer["spaces"][0]["propositions"][0]["offer"] != "gold-card"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("../a.png", "would lead out of the environment's assets"),
        ("a/../b.png", "would lead out"),
        ("a/./b.png", "would lead out"),
        ("a/%2e%2E/b.png", "would lead out"),
        ("a\\..\\b.png", "would lead out"),
        ("a b.png", "a space"),
        ("a\\b.png", "the character"),
        ("/a.png", "does not begin with http"),
        ("//evil.example/a.png", "does not begin with http"),
        ("javascript:alert(1)", "does not begin with http"),
        ("data:image/png;base64,x", "does not begin with http"),
        ("ftp://a.example/b.png", "does not begin with http"),
        ("{{ person.first_name }}/a.png", "a value is used where its scheme and host must be written out"),
    ],
)
def test_what_is_no_path_is_refused(shop: Workspace, text: str, says: str) -> None:
    with_images(shop, text)
    assert says in told(shop)


def test_a_path_needs_assets_and_an_image(shop: Workspace) -> None:
    assert "With assets in the environment" in told(with_images(shop, assets=None))
    assert "is a URL on web" in told(with_images(shop, link_url="cards/gold"))


def test_a_mistake_in_the_environment_is_no_mistake_of_the_path(shop: Workspace) -> None:
    shop.change({"environments/shop.yaml": {"environment": {"time_zone": "Nowhere"}}})
    assert "Nowhere" in told(with_images(shop))


@pytest.mark.parametrize(
    "assets",
    [
        "http//x/",
        "https://cdn.example/img",
        "ftp://cdn.example/",
        "https://a@cdn.example/",
        "https://cdn.example/?x=/",
        "https://cdn.example/#/",
        "https://cdn.example/a/../",
        "https://cdn.example/%2e%2e/",
        "https://cdn example/",
        "",
        "img/",
    ],
)
def test_an_address_of_no_folder_is_refused(shop: Workspace, assets: str) -> None:
    assert "“assets” is not the address of a folder" in told(with_images(shop, assets=assets))


def told(shop: Workspace) -> str:
    with pytest.raises(Refused) as refused:
        shop.plan()
    (one,) = refused.value.diagnostics
    assert one.position is not None
    return f"{one.summary} {one.hint}"


def test_another_address_needs_the_content_approved_again(shop: Workspace) -> None:
    with_images(shop).go_live()
    shop.change({"environments/shop.yaml": {"environment": {"assets": "https://other.example/"}}})
    plan: Plan = shop.apply("ada")
    lost = {(key.address.name, key.aspect, key.space) for step in plan.steps for key in step.approvals_reset}
    assert lost == {("gold-card", "content", "web")}
    assert not any(step.address.kind == "environment" for step in shop.promotion("ada").steps), "it waits for the offer"
    assert shown(shop)["image_url"].startswith(HOST)
    reviewed = shop.approve("brand", "shop/offer.gold-card").shown
    assert [(c.path, c.before, c.after) for one in reviewed for c in one.changes] == [
        ("environment.assets", HOST, "https://other.example/")
    ], "the reviewer sees what changed"
    shop.approve_all()
    shop.promote("ada")
    assert shown(shop)["image_url"] == "https://other.example/banners/gold.png"


def test_an_address_that_no_offer_uses_resets_nothing(shop: Workspace) -> None:
    with_images(shop, "https://else.example/a.png").go_live()
    shop.change({"environments/shop.yaml": {"environment": {"assets": "https://other.example/"}}})
    plan = shop.apply("ada")
    assert not any(step.approvals_reset for step in plan.steps)
    assert [step.address.kind for step in shop.promote("ada").steps] == ["environment"]


@pytest.mark.parametrize(
    ("assets", "named"),
    [
        (["https://cdn.example/img/"], ()),
        (["http://cdn.example:8080/img/", "http://cdn.example:8080/b/"], ("http://cdn.example:8080",)),
        (["http://a; script-src *", "http://a b/", "http://a'b/", "http://x@a/", "http://*/", ""], ()),
        (None, ()),
    ],
)
def test_a_page_names_hosts_of_images_only_if_they_are_hosts(assets: Any, named: tuple[str, ...]) -> None:
    from offerkit.server.ui.pages import image_hosts

    assert image_hosts(assets) == named


def test_the_page_of_an_offer_allows_its_images(shop: Workspace) -> None:
    with_images(shop, assets="http://cdn.example/img/").go_live()
    with browser(shop) as asking:
        policy = asking.get("/ui/offers/shop/gold-card").headers["content-security-policy"]
        assert "img-src https: data: http://cdn.example;" in policy
        assert "img-src data:;" in asking.get("/ui/offers").headers["content-security-policy"]


ROOMS = """
    from pathlib import Path


    def rooms(offer, contact, data, call):
        return [({"image_url": Path("image.txt").read_text()}, offer.weight)]
"""


@pytest.fixture
def of_hook(shop: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workspace:
    """The gold card becomes a product, whose image the hook reads from a file."""
    install(monkeypatch, tmp_path / "site", "images_of_rooms", ROOMS, {"rooms": "rooms"})
    monkeypatch.chdir(shop.root)
    with_images(shop, "https://else.example/a.png")
    shop.change(
        {"specs/shop/offers.yaml": {"offers": {"gold-card": {"weights": [{"weight": 50, "dynamic": "rooms"}]}}}}
    )
    return shop


IMAGES = {
    "rooms/a.png": f"{HOST}rooms/a.png",
    " rooms/a.png\n": f"{HOST}rooms/a.png",
    "https://rates.example/a.png": "https://rates.example/a.png",
    "": "",
    **dict.fromkeys(["../a.png", "a/%2E%2e/b.png", "rooms/{{ b }}.png", "javascript:alert(1)"]),
    **dict.fromkeys(["/a.png", "//evil.example/a.png", "\x01//evil.example/a.png", "\\\\evil.example/a.png"]),
}
"""What a hook returns, and what becomes of it; None: the proposition is dropped."""


def test_an_image_of_a_product_lies_below_assets(of_hook: Workspace) -> None:
    with client(of_hook.go_live()) as asking:
        for given, url in IMAGES.items():
            Path("image.txt").write_text(given)
            asked = {"spaces": ["shop/web"], "contact": "ann@example.com", "store": False}
            made = asking.post("/api/v1/propose", json=asked).json()["spaces"][0]["propositions"]
            assert [p["fields"]["image_url"] for p in made if p["offer"] == "gold-card"] == (
                [] if url is None else [url]
            )


def test_the_address_of_products_images_is_approved_with_the_content(of_hook: Workspace) -> None:
    Path("image.txt").write_text("a.png")
    of_hook.go_live()
    of_hook.change({"environments/shop.yaml": {"environment": {"assets": "https://other.example/"}}})
    lost = {
        (key.address.name, key.aspect, key.space) for step in of_hook.apply("ada").steps for key in step.approvals_reset
    }
    assert lost == {("gold-card", "content", "web")}
    assert not any(step.address.kind == "environment" for step in of_hook.promotion("ada").steps), (
        "it waits for the offer"
    )
    assert shown(of_hook)["image_url"] == f"{HOST}a.png"
    of_hook.approve_all()
    of_hook.promote("ada")
    assert shown(of_hook)["image_url"] == "https://other.example/a.png"
