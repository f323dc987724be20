"""What the pages say is so: links lead somewhere, commands exist, files are there, nothing of a machine is in them."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from docs_text import PAGES, ROOT, Command, anchors, commands, links, name, text

from offerkit.cli.main import COMMANDS, cli
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code

COMMANDS_GIVEN = [command for page in PAGES for command in commands(page)]
MACHINE = re.compile(r"(?<![\w.])/(?:home|root|work|Users|tmp|opt|mnt|private)/|[A-Z]:\\\\")
REGISTRY = re.compile(
    r"pypi\.|pythonhosted|registry\.|artifactory|npmjs|docker\.io|ghcr\.io|--(?:extra-)?index-url|proxy\.golang", re.I
)
ENTRIES = (
    "offerkit",
    "specs",
    "environments",
    "tests",
    "scripts",
    "docs",
    "benchmarks",
    "changelog.d",
    "examples",
    "data",
    ".ci",
)
FILE = re.compile(rf"`((?:{'|'.join(map(re.escape, ENTRIES))})/[\w./-]*)`")

pages = pytest.mark.parametrize("page", PAGES, ids=name)


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(text(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)}: {link}"
        assert target.is_relative_to(ROOT), f"{name(page)}: {link}"
        if anchor:
            assert anchor in anchors(text(target)), f"{name(page)}: {link}"


@pages
def test_every_page_begins_with_its_title(page: Path) -> None:
    if page.parent.name == "changelog.d" and page.name != "README.md":
        return
    assert text(page).startswith("# ")


@pages
def test_nothing_of_a_machine_or_a_registry_is_in_it(page: Path) -> None:
    content = text(page)
    assert MACHINE.search(content) is None
    assert REGISTRY.search(content) is None


@pages
def test_files_that_are_named_are_there(page: Path) -> None:
    for path in FILE.findall(text(page)):
        if re.search(r"/[A-Z]{4}", path) or path in BY_USERS:
            continue
        assert (ROOT / path).exists(), f"{name(page)}: {path}"


BY_USERS = ("specs/operators.yaml", "specs/shared.yaml")
"""Files that a page means in the reader's own project."""


@pages
def test_codes_that_are_named_exist(page: Path) -> None:
    assert set(re.findall(r"\bOFR[0-9]{3}\b", text(page))) <= {code.value for code in Code}


@pages
def test_commands_in_prose_exist(page: Path) -> None:
    for word in re.findall(r"`offerkit ([a-z]\S*)", text(page)):
        assert word.rstrip("`,.;:)") in COMMANDS, f"{name(page)}: offerkit {word}"


@pytest.mark.parametrize("command", COMMANDS_GIVEN, ids=lambda command: f"{command.page}: {command.text}"[:90])
def test_commands_in_blocks_have_real_options(command: Command) -> None:
    current: click.Command = cli
    context = click.Context(cli, **cli.context_settings, info_name="offerkit", obj=Shell())
    words = list(command.words)
    while isinstance(current, click.Group):
        _, words, _ = current.make_parser(context).parse_args(words)
        _, below, words = current.resolve_command(context, words)
        assert below is not None
        current, context = below, click.Context(below, info_name=below.name, parent=context)
    current.parse_args(context, words)


def test_there_are_commands_in_the_pages_people_begin_with() -> None:
    found = {command.page for command in COMMANDS_GIVEN}
    assert {"README.md", "docs/tutorial.md", "docs/roles.md"} <= found
