"""The pages at ``/ui``, asked in this process as a browser on this machine would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

from starlette.testclient import TestClient

from helpers.workspace import Workspace
from offerkit.server.app import application
from offerkit.server.config import ServerConfig

HERE, ELSEWHERE = ("127.0.0.1", 50000), ("203.0.113.9", 50000)
FORM = {"Origin": "http://127.0.0.1:8140"}
"""What a browser says of a form that one of our pages sends."""


@contextmanager
def browser(shop: Workspace, caller: tuple[str, int] = HERE, **settings: Any) -> Iterator[TestClient]:
    """A browser at ``caller`` that follows no redirect."""
    made = application(shop.session(), ServerConfig(str(shop.root), **{"poll": 0.02, **settings}))
    with TestClient(made, base_url=FORM["Origin"], client=caller, follow_redirects=False) as asking:
        yield asking


def log_in(asking: TestClient, token: str) -> None:
    """Send the login form."""
    answer = asking.post("/ui/login", data={"token": token}, headers=FORM)
    assert answer.status_code == 303, answer.text


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page's forms."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"the page has no field {name}"
    return found[1]


class Outline(HTMLParser):
    """What matters of a page to whoever cannot see it, and what is wrong with it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self.language = ""
        self.headings: list[int] = []
        self.landmarks: list[str] = []
        self._labels: set[str] = set()
        self._open: list[str] = []
        self._captioned: list[bool] = []
        self.feed(page)
        if self.headings.count(1) != 1:
            self.wrong.append(f"{self.headings.count(1)} h1")
        for before, after in zip(self.headings, self.headings[1:], strict=False):
            if after > before + 1:
                self.wrong.append(f"h{after} after h{before}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in ("input", "img", "meta", "link", "br", "option"):
            self._open.append(tag)
        if '"' in (given.get("class") or ""):
            self.wrong.append(f"{tag} with an escaped class: {given['class']}")
        if tag == "html":
            self.language = given.get("lang") or ""
        elif re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        elif tag in ("main", "nav", "header"):
            self.landmarks.append(tag)
        elif tag in ("input", "select", "textarea") and given.get("type") != "hidden":
            if "label" not in self._open and not given.get("aria-label"):
                self.wrong.append(f"{tag} {given.get('name')} has no label")
        elif tag == "img" and "alt" not in given:
            self.wrong.append("img without alt")
        elif tag == "iframe" and (not given.get("title") or given.get("sandbox") != "allow-same-origin"):
            self.wrong.append("iframe without title, or with a sandbox that allows more than to be measured")
        elif tag == "svg" and (given.get("role") != "img" or not given.get("aria-labelledby")):
            self.wrong.append("svg without a text alternative")
        elif tag == "th" and not given.get("scope"):
            self.wrong.append("th without scope")
        elif tag == "script" and list(given) == ["src", "defer"] and str(given["src"]).startswith("/ui/"):
            pass  # a file of ours
        elif tag in ("script", "style") or any(name.startswith("on") for name in given):
            self.wrong.append(f"{tag} that runs or styles in the page: {given}")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
