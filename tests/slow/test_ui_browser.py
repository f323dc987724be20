"""The pages at /ui in a real browser: log in, approve, promote, see it live; nothing runs, everything is labelled."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import PATIENCE, chromium, served
from helpers.serving import with_people
from helpers.tokens import token
from helpers.workspace import Workspace
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("browser"),
]
HOSTILE = "\"'><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\">"
GOLD = "shop/offer.gold-card"
PAGES = (
    "/ui", "/ui/offers", "/ui/offers/shop/gold-card?stage=design", "/ui/show?address=shop/offer.gold-card", "/ui/diff",
    "/ui/approvals?show=all", "/ui/promote", "/ui/history", "/ui/history/1", "/ui/graph", "/ui/weights",
)  # fmt: skip
_CHECK = """
const wrong = [];
if (document.documentElement.lang !== 'en') wrong.push('language');
if (document.querySelectorAll('h1').length !== 1) wrong.push('h1');
if (document.querySelectorAll('main').length !== 1) wrong.push('main');
for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
  if (!e.labels.length && !e.ariaLabel) wrong.push('label of ' + e.name);
for (const e of document.querySelectorAll('img:not([alt]), iframe:not([title]), svg:not([aria-labelledby])'))
  wrong.push('name of ' + e.tagName);
if (document.documentElement.scrollWidth > document.documentElement.clientWidth) wrong.push('wider than the window: ' + document.documentElement.scrollWidth);
if (document.title === 'hacked') wrong.push('a script ran');
return wrong;
"""


@pytest.fixture
def changed(tmp_path: Path) -> Workspace:
    """Live, then changed in design: the content of gold-card waits for brand, and is hostile."""
    shop = with_people(Workspace(tmp_path)).go_live()
    content = {"title": HOSTILE, "html": f"<p style='color: red'>Gold</p>{HOSTILE}"}
    shop.change({"specs/shop/offers.yaml": {"offers": {"gold-card": {"label": HOSTILE, "content": content}}}})
    shop.apply("ada")
    return shop


def press(driver: webdriver.Chrome, text: str) -> None:
    """Send the form of a button, and wait for the page that comes of it."""
    driver.execute_script("window.pressed = true")
    driver.find_element(By.XPATH, f"//main//button[contains(., '{text}')]").click()
    # While a page goes away the driver cannot always answer what is asked of it.
    wait = WebDriverWait(driver, PATIENCE, ignored_exceptions=[WebDriverException])
    wait.until(lambda page: page.execute_script("return !window.pressed && document.readyState === 'complete'"))


def log_in(driver: webdriver.Chrome, url: str, secret: str) -> None:
    driver.delete_all_cookies()
    driver.get(f"{url}/ui/login?to=/ui/approvals")
    driver.find_element(By.NAME, "token").send_keys(secret)
    press(driver, "Log in")
    assert driver.current_url == f"{url}/ui/approvals"


def test_log_in_approve_promote_and_see_it_live(changed: Workspace, tmp_path: Path) -> None:
    brand, omar = token(changed, "brand"), token(changed, "omar")
    with served(changed.root, "--ui", "login") as url, chromium(tmp_path / "profile") as driver:
        driver.get(f"{url}/ui")
        assert driver.current_url.startswith(f"{url}/ui/login")
        log_in(driver, url, brand)
        driver.find_element(By.CSS_SELECTOR, f"input[value^='{GOLD} ']").click()
        driver.find_element(By.NAME, "comment").send_keys("As agreed.")
        press(driver, "Approve")
        assert "Decided in revision" in driver.find_element(By.CSS_SELECTOR, "[role=status]").text
        log_in(driver, url, omar)
        driver.get(f"{url}/ui/promote")
        press(driver, "Promote exactly this to live")
        assert "promote by omar" in driver.find_element(By.CLASS_NAME, "summary").text
        driver.get(f"{url}/ui")
        assert "= the same" in driver.find_element(By.CSS_SELECTOR, "main table").text
        assert driver.execute_script("return document.cookie") == ""
    with changed.store() as store:
        assert [(row.action, row.actor) for row in store.revisions(limit=2)] == [
            ("promote", "omar"),
            ("approve", "brand"),
        ]
        assert store.entries("shop@live")[GOLD].fingerprint == store.entries("shop@design")[GOLD].fingerprint


_FIELDS = "return [...document.querySelectorAll('tr.field > th')].map(e => e.getBoundingClientRect().width)"
"""How wide the names of fields are: enough for a name to stand in one line, also on a phone."""


@pytest.mark.parametrize("width", [1280, 320])
def test_every_page_is_labelled_fits_and_runs_nothing(changed: Workspace, tmp_path: Path, width: int) -> None:
    secret = token(changed, "ada")
    with served(changed.root) as url, chromium(tmp_path / "profile") as driver:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        log_in(driver, url, secret)
        names: list[float] = []
        for path in PAGES:
            driver.get(url + path)
            assert driver.execute_script(_CHECK) == [], path
            names += driver.execute_script(_FIELDS)
            asked = driver.execute_script("return performance.getEntriesByType('resource').map(r => r.name)")
            assert all(name.startswith((url, "data:")) for name in asked), (path, asked)
        assert names and min(names) >= 190, names
        driver.get(f"{url}/ui/offers/shop/gold-card?stage=design")
        frame = driver.find_element(By.CSS_SELECTOR, "iframe")
        driver.switch_to.frame(frame)
        assert "Gold" in driver.find_element(By.TAG_NAME, "body").get_attribute("innerHTML")


_ON_PAPER = """
const wrong = [];
for (const e of document.querySelectorAll('nav, form.search, .decide, button, input, .skip, .who'))
  if (e.getClientRects().length) wrong.push('printed: ' + e.outerHTML.slice(0, 80));
for (const e of document.querySelectorAll('main, main table, main pre'))
  if (e.getBoundingClientRect().right > innerWidth + 1) wrong.push('cut: ' + e.tagName + ' ' + e.className);
for (const e of document.querySelectorAll('.wide'))
  if (e.scrollWidth > e.clientWidth + 1) wrong.push('scrolls: ' + e.getAttribute('aria-label'));
if (!document.querySelector('p.paper').innerText.includes(location.pathname)) wrong.push('where it is from');
return wrong;
"""
A4 = {"width": 680, "height": 960, "deviceScaleFactor": 1, "mobile": False}
"""What is left of a sheet within its margins, in CSS pixels."""


def test_what_is_printed_is_all_of_it_and_no_forms(changed: Workspace, tmp_path: Path) -> None:
    secret = token(changed, "ada")
    with served(changed.root) as url, chromium(tmp_path / "profile") as driver:
        log_in(driver, url, secret)
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", A4)
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        for path in PAGES:
            driver.get(url + path)
            assert driver.execute_script(_ON_PAPER) == [], path
        driver.get(f"{url}/ui/history")
        with changed.store() as store:
            (last,) = store.revisions(limit=1)
        assert last.digest[:12] in driver.find_element(By.TAG_NAME, "table").text
