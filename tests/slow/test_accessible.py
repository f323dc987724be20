"""The pages at /ui as axe-core (npm) judges them, in Chromium, on a desk and on a telephone; and that nothing is cut."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from browser import chromium, served
from helpers.serving import with_people
from helpers.workspace import Workspace
from selenium import webdriver

from offerkit.engine.simulation import AxisValue, GroupResult, Loss, OfferResult, Simulation, SpaceResult
from offerkit.models.status import Status
from offerkit.reports.kept_simulations import compared_html
from offerkit.reports.simulation import simulation_html
from offerkit.store import PropositionRow, Store
from offerkit.usecases.keep_simulations import compare
from offerkit.usecases.requests import KeptSimulation

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
AXE = Path(os.environ.get("OFFERKIT_NODE_MODULES", ROOT / "node_modules")) / "axe-core" / "axe.min.js"
PAGES = (
    "/ui", "/ui/offers", "/ui/offers/shop/gold-card", "/ui/diff?a=shop@live&b=shop@design", "/ui/approvals?show=all",
    "/ui/promote", "/ui/stops", "/ui/history", "/ui/history/1", "/ui/graph", "/ui/weights", "/ui/report",
    "/ui/report?by=offer,space", "/ui/login", "/ui/explain", "/ui/show", "/ui/show?address=shop/offer.gold-card",
    "/ui/show?address=shop/category.bank&at=live", "/ui/show?address=environment.shop&full=true",
)  # fmt: skip
WIDTHS = (1280, 390)
JUDGED = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ["violations"]}).then(found => done(found.violations.filter(
  one => ["serious", "critical"].includes(one.impact)
).map(one => `${one.id}: ${one.help}: ${one.nodes.map(node => node.target.join(" ")).slice(0, 5)}`)));
"""
CUT = """
const wide = document.documentElement.clientWidth + 1;
const inside = element => element.closest(".wide, .picture, pre, .hidden, .skip, iframe");
return [...document.querySelectorAll("main *")].filter(
  element => !inside(element) && element.getBoundingClientRect().right > wide
).map(element => element.outerHTML.slice(0, 120));
"""
FITS = "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
"""Not ``innerWidth``: a telephone makes that as wide as the page."""
LOW = """
return [...document.querySelectorAll(".preview iframe")].filter(
  frame => frame.contentDocument.documentElement.scrollHeight > frame.clientHeight + 1
).map(frame => frame.title);
"""


def _proposition(number: int) -> PropositionRow:
    time = f"2026-{1 + number % 3:02}-{1 + number % 28:02}T12:00:00.000000Z"
    texts = (f"p-{number}", "shop", str(number), "web", "inbound-web", "gold-card", "bank", f"call-{number}")
    return PropositionRow(*texts, 1, Decimal(1), tuple(Status)[number % 6], time, time, 1)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A shop of which an offer waits in design, with a high preview."""
    root = tmp_path_factory.mktemp("accessible")
    workspace = with_people(Workspace(root)).go_live()
    high = "<p style='height: 700px'>High</p>"
    workspace.change({"specs/shop/offers.yaml": {"offers": {"gold-card": {
        "label": "Gold", "content": {"title": "Gold card", "html": high}, "eligible": {"when": "person.age >= 21"},
    }}}})  # fmt: skip
    workspace.apply("ada")
    with Store.open(workspace.location, write=True) as store:
        store.add_propositions([_proposition(number) for number in range(40)])
    with served(root, "--ui", "local") as url:
        yield url


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


def _shown(driver: webdriver.Chrome, url: str, width: int) -> None:
    sized: dict[str, Any] = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sized)
    driver.get(url)


@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_serious(site: str, driver: webdriver.Chrome, width: int) -> None:
    if not AXE.is_file():
        assert "OFFERKIT_NODE_MODULES" not in os.environ, ".ci/run installs axe-core"
        pytest.skip("npm install --no-save axe-core")
    assert shutil.which("chromium")
    for path in PAGES:
        _shown(driver, site + path, width)
        # Run as a tool of the developer would be: the page's own policy allows no script of others.
        driver.execute_cdp_cmd("Page.setBypassCSP", {"enabled": True})
        driver.execute_script(AXE.read_text(encoding="utf-8"))
        assert driver.execute_async_script(JUDGED) == [], path


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_without_a_hint(site: str, driver: webdriver.Chrome, width: int) -> None:
    """What is wider than the window scrolls by itself, in a frame that shows it."""
    for path in PAGES:
        _shown(driver, site + path, width)
        assert driver.execute_script(CUT) == [], path
        assert driver.execute_script(FITS), path


@pytest.mark.parametrize("width", WIDTHS)
def test_the_pages_of_simulations_fit(driver: webdriver.Chrome, tmp_path: Path, width: int) -> None:
    """Also with the longest names, and values without a blank."""
    name = "x" * 60
    offers = [
        OfferResult(name, "bank", 90, [40, 30, 20]),
        OfferResult("y" * 60, "bank", 0, [0] * 3, [Loss(name, name, 9)]),
    ]
    axes = [(f"person.{name}", [AxisValue(name, 100, 3, [(name, 90)])])]
    groups = [("offer.theme", [GroupResult([name], 90, 100, [40, 30, 20])])]
    space = SpaceResult(f"shop/{name}", 100, [10, 50, 20, 20], offers, axes, groups)
    made = Simulation("shop", "live", "2026-03-01", 3, [space], population=f"person.{name} = '{name}'")
    kept = KeptSimulation(name, "shop", "live", "2026-03-01T12:00:00.000000Z", "ada", {"simulation": asdict(made)})
    for page in (simulation_html(made), compared_html(compare(kept, kept))):
        (tmp_path / "page.html").write_text(page, encoding="utf-8")
        _shown(driver, (tmp_path / "page.html").as_uri(), width)
        assert driver.execute_script(FITS), driver.title


@pytest.mark.parametrize("width", WIDTHS)
def test_a_preview_is_as_high_as_what_it_shows(site: str, driver: webdriver.Chrome, width: int) -> None:
    _shown(driver, f"{site}/ui/offers/shop/gold-card", width)
    heights = driver.execute_script(
        "const frames = [...document.querySelectorAll('.preview iframe')];"
        "frames.forEach(frame => frame.scrollIntoView()); return frames.length"
    )
    assert heights >= 2, "live beside design"
    assert driver.execute_script("return document.querySelectorAll('.preview .sides > div').length") >= 2
    assert driver.execute_script(LOW) == []
