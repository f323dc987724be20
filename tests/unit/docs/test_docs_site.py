"""The documentation as a site: built strictly, all of it in the navigation, nothing fetched from elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from docs_text import ROOT

CONFIG = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site that lies in a folder, strictly."""
    command = [str(Path(sys.executable).parent / "zensical"), "build", "--strict"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


class Page(HTMLParser):
    """What a page links to, what it loads, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        if (target := given.get("href")) is not None:
            fetched = tag == "link" and given.get("rel") not in ("canonical", "next", "prev")
            (self.loaded if fetched else self.links).append(target)
        if target := given.get("src"):
            self.loaded.append(target)


def navigated(entries: list[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        for target in entry.values():
            if isinstance(target, str):
                yield target
            else:
                yield from navigated(target)


def test_every_page_is_in_the_navigation_once() -> None:
    written = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    listed = list(navigated(CONFIG["nav"]))
    assert len(listed) == len(set(listed))
    assert {page for page in written if not page.startswith("adr/0")} == set(listed)


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs/adr/index.md").read_text(encoding="utf-8")
    for path in (ROOT / "docs/adr").glob("0*.md"):
        title = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
        assert f"- [{title}]({path.name})" in index


def test_links_of_the_site_lead_somewhere_and_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) > 70
    for path, page in pages.items():
        for target in page.loaded:
            assert not urlsplit(target).netloc, f"{path.name} loads {target}"
            assert (path.parent / unquote(urlsplit(target).path)).exists(), f"{path.name}: {target}"
        for target in page.links:
            parts = urlsplit(target)
            if parts.scheme:
                continue
            other = (path.parent / unquote(parts.path)).resolve() if parts.path not in ("", ".") else path
            other = other / "index.html" if other.is_dir() else other
            assert other.exists(), f"{path.name}: {target}"
            if parts.fragment and other.suffix == ".html":
                assert unquote(parts.fragment) in pages[other].anchors | {"__skip"}, f"{path.name}: {target}"


def test_pages_can_be_searched_for_and_are_light_or_dark(site: Path) -> None:
    index = json.loads((site / "search.json").read_text(encoding="utf-8"))
    assert any("promot" in entry["text"] for entry in index["items"])
    assert {palette["scheme"] for palette in CONFIG["theme"]["palette"]} == {"default", "slate"}
    assert CONFIG["theme"]["font"] is False


@pytest.mark.parametrize("link", ["missing.md", "other.md#missing", "#missing"])
def test_a_link_that_leads_nowhere_fails(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "zensical.toml").write_text('[project]\nsite_name = "x"\n', encoding="utf-8")
    (tmp_path / "docs/other.md").write_text("# Other\n", encoding="utf-8")
    (tmp_path / "docs/index.md").write_text("# Title\n\n[other](other.md)\n", encoding="utf-8")
    assert build(tmp_path).returncode == 0
    (tmp_path / "docs/index.md").write_text(f"# Title\n\n[other]({link})\n", encoding="utf-8")
    assert build(tmp_path).returncode != 0
