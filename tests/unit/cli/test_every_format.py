"""Every command in every format it takes, with something unusual to say: no bug of ours, and what it prints can be read.

Commands and formats come from click itself: a command that has no situations here fails the first test.
"""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import click
import cmarkgfm
import pytest
from click.testing import CliRunner, Result
from cmarkgfm.cmark import Options
from defusedxml import ElementTree

from offerkit.cli.main import cli
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Refused

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
EVIL = "</script><script>alert(1)</script> \"'`| @octocat [x](//evil.example) \u202e\u200b =1+1 ]]> {{ x }} \\x1b %s é"
"""Text that a user may write, and that must not act on whoever reads of it."""
CONTACTS = """id,email,birth,country,segment,income
1,ana@example.com,1990-05-01,DE,mass,2500
"<b>2|""'",bea@example.com,2015-05-01,FR,mass,
=1+1,cem@example.com,1980-01-31,,private,9000.50
@4,dan@example.com,1970-12-24,XX,private,100000
"""
CAMPAIGN = """version: 1
campaigns:
  june:
    outlines: {all: {offers: [loan, card, beach]}}
    deliveries:
      aside: {space: mail, engine: {count: 3}, exclude_recipients_with_too_few_offers: true}
      cancelled: {space: mail, offers: [beach]}
      nobody: {space: mail, target: person.id is null, offers: [card]}
      made: {space: mail, outline: all, show_nothing_where_missing: true}
      sent: {space: mail, outline: all, count: 1, show_nothing_where_missing: true}
"""
QUOTED = "'" + EVIL.replace("'", "''") + "'"
"""As a literal of the rule language."""
FILE = EVIL.replace("/", "")
"""As a file's name."""
TIME = ("--at", "2026-06-01")
DELIVER = ("deliver", *TIME)

SITUATIONS: dict[str, list[tuple[str, ...]]] = {
    "init": [("new",), (".",), (EVIL,), ("piped", "--ci", "github"), (EVIL, "--ci", "gitlab")],
    "validate": [(), ("-C", "broken"), ("--strict",)],
    "lint": [(), ("-C", "broken"), ("live",), ("people@live:2", "--strict"), ("plan.json", "--at", "2020-01-01"), ("git:none",), ("nowhere@live",), ("design", "-C", "fresh")],
    "fmt": [("--check",), ("--check", "-C", "broken"), ("nowhere",)],
    "plan": [("--out", FILE), (), ("--detailed-exitcode",), ("--impact", *TIME), ("--impact", "--by", "segment", "--examples"), ("people/offer.none",),
             ("-C", "broken"), ("-C", "fresh"), ("--impact", "-C", "fresh"), ("--exclude", "*"), ("--full",)],
    "show": [("plan.json",), ("none.json",), ("specs/shared.yaml",), ("people/offer.card",), ("people/offer.loan", "--full"), ("people/offer.card", "--at", "live"),
             ("people/offer.none",), (EVIL,), ("people/offer.card", "--at", EVIL), ("people/offer.card", "--at", "people@live:2"), ("people/offer.card", "-C", "fresh"),
             ("people/campaign.june",), ("people/category.bank", "--at", "plan.json"), ("dimension.person",), ("environment.people", "--at", "specs"),
             ("people/cases.evil",), ("people/offer.card", "-C", "governed"), ("people/offer.card", "-C", "broken")],
    "apply": [("plan.json", "--yes"), ("none.json",), ("--yes", "-C", "broken"), ("--yes", "-C", "fresh")],
    "approvals": [(), ("--mine",), ("people/offer.none",), ("-C", "fresh")],
    "approve": [("*/offer.*",), ("people/offer.none",), ("people/offer.card", "-C", "fresh"), ()],
    "reject": [("people/offer.card", "-m", EVIL), ("people/offer.none",)],
    "override": [("people/rule.once-a-day", "--message", EVIL, "-C", "governed", "--as", "mia"), ("people/offer.card", "--message", EVIL), ("people/offer.card", "--message", " "), ("*", "--message", "x", "-C", "fresh")],
    "promote": [("--plan-only",), ("--plan-only", "--impact", *TIME), ("--plan-only", "nowhere"), ("--plan-only", "-C", "fresh"), ("--yes",)],
    "scheduled list": [(), ("-C", "governed"), ("-e", EVIL), ("-C", "fresh")],
    "scheduled show": [("3", "-C", "governed"), ("1",), ("1", "-C", "fresh")],
    "scheduled withdraw": [("3", "--yes", "-m", EVIL, "-C", "governed"), ("3", "--yes", "-m", "x", "-C", "governed"), ("1", "--yes", "-m", "x")],
    "run-due": [(), ("-C", "governed"), ("-C", "fresh")],
    "rollback": [("people@live", "--to", "2", "--plan-only"), ("people@live", "--to", "2020-01-01", "--plan-only"),
                 ("people@live", "--to", "soon"), ("people@design", "--to", "1", "--yes"), ("people@live", "--to", "99"), ("x", "--to", "1")],
    "purge": [("--plan-only",), ("nowhere",), ("--plan-only", "-C", "fresh")],
    "ci plan": [("--out", "read", "--head", "a" * 40), ("--out", "read", "--head", EVIL, "--format", "sarif"), ("--out", FILE, "--head", "a" * 40), ("--out", "read", "--head", EVIL), ("--out", "read", "--base", EVIL, "-C", "fresh"), ("--out", "read", "-C", "broken")],
    "ci check": [("--bundle", "read"), ("--bundle", FILE), ("--bundle", "plan.json"), ("--bundle", "specs"), ("--bundle", "read", "-C", "broken")],
    "ci comment": [("--bundle", "read", "--repository", "acme/offers", "--forge-url", "http://127.0.0.1:9"), ("--bundle", FILE), ("--bundle", "read", "--forge", "gitlab", "--forge-url", EVIL)],
    "ci drift": [("--repository", EVIL), ("--repository", "acme/offers", "--name", EVIL), ("-C", "broken")],
    "ci apply": [("--bundle", "read"), ("--bundle", "read", "--allow-different", EVIL), ("--bundle", "none.zip"), ("--bundle", "read", "-C", "fresh")],
    "codeowners": [(), ("--check",), ("--check", "--out", FILE), ("--out", "plan.json"), ("--accounts", "github"), ("-C", "broken")],
    "ci approve": [(), ("--bundle", "read"), ("--pull-request", "12"), ("--format", "json", "-C", "fresh")],
    "diff": [("specs", "live"), ("live:2020-01-01", "design"), ("plan.json", "specs"), ("specs", "specs"), ("people@live:99", "specs"),
             ("git:none", "specs"), ("live", "design", "people/offer.none"), ("live", "design", "-C", "fresh"), ("specs", "live", "--full"),
             ("live", "design", "--impact"), ("people@live", "guests@live", "--impact"), ("specs", "live", "--impact", "--contacts", FILE)],
    "history": [("--patch", "--by", "ada", "--offer", "offer.card"), ("--patch", "--full"), ("--by", EVIL), ("--offer", EVIL), ("--since", EVIL), ("--until", "2099-01-01"), (), ("people@live",), ("people/offer.card",), ("nowhere@live",), ("people/offer.none",), ("-C", "fresh")],
    "audit export": [(), ("--out", "audit.jsonl"), ("--out", FILE), ("-C", "fresh")],
    "audit anchor": [(), ("-C", "fresh"), ("-C", "governed")],
    "audit verify": [("--anchors",), ("--anchor", "git"), ("--anchor", EVIL), (), ("-C", "fresh"), ("--head", "nonsense"), ("record.jsonl",), ("record.jsonl", "--head", EVIL), ("plan.json",), (FILE,)],
    "audit show": [("record.jsonl",), ("record.jsonl", "--live-at", "2099-01-01"), ("record.jsonl", "--live-at", EVIL), ("record.jsonl", "--live-at", "1", "--environment", EVIL), ("none.jsonl",)],
    "store backup": [(FILE,), ("kept.db",), (FILE,), ("specs/shared.yaml",)],
    "store copy": [(".offerkit/store.db", "copy.db"), ("none.db", "copy.db"), ("specs/shared.yaml", "copy.db")],
    "store migrate": [(), ("-C", "fresh")],
    "store purge": [(), ("nowhere", "--yes"), ("-C", "fresh")],
    "store restore": [("backup.db", "--yes"), ("none.db", "--yes"), ("specs/shared.yaml", "--yes")],
    "store status": [(), ("-C", "fresh"), ("--store", "none.db")],
    "propose": [("--space", "people/home", "--contact", "ana@example.com", "-n", "9", "--explain", *TIME, "--live-now"), ("--space", "people/home", *TIME), ("--space", "people/home", *TIME, "--no-store"),
                ("--space", "people/side", "--contact", "nobody@example.com", "--no-store"), ("--space", "people/home", "--no-store"),
                ("--space", "people/nowhere"), ("--space", "people/mail"), ("--space", "people/home", "-n", "0"),
                ("--space", "people/home", "--contact", "dan@example.com", "--theme", "none", "--category", "none", "--no-store"),
                ("--space", "people/desk", "--data", "basket=much"), ("--space", "people/home", "-C", "fresh")],
    "explain": [("PROPOSITION",), ("PROPOSITION", "--with-present-contact"), ("none",), (EVIL,), ("PROPOSITION", "-C", "fresh")],
    "update": [("PROPOSITION", "rejected"), ("none", "accepted"), ("PROPOSITION", "bought")],
    "propositions": [(), ("-e", "people"), ("--cursor-file", "cursor"), ("--cursor-file", "cursor"), ("--since", EVIL), ("--since", "2026-06-01"), ("--contact", "none"), ("--offer", "none"), ("--space", "nowhere/home"), ("none",),
                     ("PROPOSITION",), ("--status", "x"), ("--until", "soon"), ("-C", "fresh")],
    "preview": [("people/offer.card",), ("people/offer.beach",), ("people/offer.card", "--contact", "<b>2|\"'"), ("people/offer.none",),
                ("people/offer.card", "--space", "nowhere"), ("people/offer.card", "--example", EVIL), ("people/offer.card", "--stage", "live"), ("people/offer.card", "--contact", "none")],
    "weights": [(), ("people/offer.card", "--stage", "live"), ("people/category.*", *TIME), ("people/offer.none",), (EVIL,), ("--at", "soon"), ("-C", "fresh")],
    "eval": [("person.income > 100 and true", "-e", "people"), ("person.country", "-e", "people"), ("person.country", "-c", "=1+1", "-e", "people"),
             ("person.none", "-e", "people"), ("1 / 0", "-e", "people"), (EVIL, "-e", "people"), ("true", "-e", "guests")],
    "prove": [("person.income > 100", "person.income >= 100", "-e", "people"), (f"person.country = {QUOTED}", "current_date > date '2026-07-01'", "-e", "people", *TIME),
              (EVIL, "person.none", "-e", "people"), ("true", "false", "-e", EVIL), ("true", "true", "-e", "people", "-C", "broken"),
              ("people@live", "specs"), ("people@live", "specs", "people/filter.*", *TIME), ("people@live", "guests@live"), ("specs", "nowhere@live"),
              ("people@live", "people@live", "--exclude", "*"), ("true", "true", "offer.*", "-e", "people")],
    "deliver": [(*DELIVER[1:], "june/aside", "--dry-run"), (*DELIVER[1:], "june/aside", "--dry-run", "--out", "tried"),
                (*DELIVER[1:], "june/cancelled", "--dry-run"), (*DELIVER[1:], "june/nobody", "--out", "nobody"),
                (*DELIVER[1:], "june/made", "--out", "made"), (*DELIVER[1:], "june/sent"), ("june/sent", "--withdraw"),
        (*DELIVER[1:], "june/made", "--dry-run", "--out", FILE),
                ("june/made", "--withdraw"), ("june/none",), (*DELIVER[1:], "june/made", "--dry-run", "--field", "none"),
                (*DELIVER[1:], "june/made", "--dry-run", "--contacts", "data/bad.csv"),
                (*DELIVER[1:], "june/made", "--out", "partly", "--contacts", "data/bad.csv", "--set-aside", "bad.csv"),
                (*DELIVER[1:], "june/made", "--dry-run", "--contacts", "data/none.csv"), ("june/made", "--dry-run", "--data", "x=1"),
                ("june/made", "-C", "fresh")],
    "sent": [("june/sent",), ("june/none",)],
    "simulate": [("people", *TIME), ("people", *TIME, "--by", "segment", "--out", "who.csv", "--html", "page.html"),
                 ("people", "--contacts", "data/bad.csv"), ("people", "--contacts", "data/bad.csv", "--set-aside", "bad.csv"), ("nowhere",),
                 ("people", "--by", "none"), ("people", "--space", "none"), ("guests",), ("people", "--contacts", "data/empty.csv"),
                 ("people", *TIME, "--by", "offer.category", "--by", "segment,offer.theme", "--population", "person.income > 1", "--offers", f"offer.name <> {QUOTED}"),
                 ("people", *TIME, "--save", "other"), ("people", *TIME, "--save", EVIL), ("people", "--population", EVIL, "--offers", "offer.none = 1", "--by", EVIL),
                 ("people", "--stage", "specs", "--category", "none"), ("people", "-C", "fresh"), ("people", "--out", "specs")],
    "report": [(), ("--by", "date,offer"), ("--by", "category,theme,space"), ("--by", "delivery,channel", "--since", "2026-06-01"), ("--by", EVIL),
               ("--space", "none", "--offer", EVIL, "--category", "none"), ("--since", "soon"), ("--since", "2026-06-02", "--until", "2026-06-01"), ("-e", EVIL), ("-C", "fresh")],
    "simulations list": [(), ("-e", "people"), ("-C", "fresh")],
    "simulations show": [("evil",), ("none",)],
    "simulations compare": [("evil", "evil"), ("evil", EVIL)],
    "simulations remove": [("none", "--yes"), (EVIL,), ("evil", "--yes")],
    "test": [(), ("-k", "none"), ("cases/evil.yaml", "--junit", "report.xml"), ("cases/none.yaml",), ("-C", "fresh"), ("specs/shared.yaml",)],
    "stop": [("people/offer.beach", "--message", EVIL), ("people/offer.none", "--message", "x"), ("people/offer.beach", "--message", " "),
             ("people/offer.beach", "--message", "x", "-C", "fresh")],
    "stops": [(), ("-C", "fresh")],
    "rights": [(), ("ada",), (EVIL,), ("-C", "fresh")],
    "webhooks send": [(), ("-C", "fresh")],
    "webhooks list": [(), ("--all",), ("--dead", "-C", "fresh")],
    "webhooks retry": [("--all",), (EVIL,), ("none",), ()],
    "resume": [("people/offer.card", "-m", EVIL, "-C", "governed"), ("people/offer.beach", "-m", EVIL), ("people/offer.none",), ("people/offer.beach", "-C", "fresh")],
    "snippet": [("people/home",), ("people/none",), ("guests/banner", "--public-url", EVIL)],
    "contact export": [("1",), ("=1+1", "-e", "people"), (EVIL,), ("1", "--out", FILE), ("1", "-e", EVIL), ("1", "--files", EVIL), ("1", "-C", "fresh")],
    "contact erase": [("1", "--dry-run"), ("=1+1", "-m", EVIL, "--yes"), (EVIL, "--yes"), ("1", "-e", EVIL), ("1",), ("1", "--yes", "-C", "fresh")],
    "contact-key": [("people", EVIL), ("nowhere", "1")],
    "token create": [("ada",), ("ada", "--name", EVIL), ("nobody",)],
    "token list": [(), ("-C", "fresh")],
    "token revoke": [("TOKEN",), ("none",)],
    "graph": [(), ("-C", "broken"), ("--focus", "people/offer.card"), ("--focus", "people/offer.none")],
    "export": [("people@live", "--to", "there"),
        ("people@live", "--to", FILE), ("live:2020-01-01", "--to", "there"), ("nowhere@live", "--to", "there"), ("live", "--to", "specs")],
    "import": [("exported", "-C", "exported"), ("exported",), ("there",), ("fresh",), ("broken",)],
    "schema": [(), ("--out", "specs"), ("--out", FILE)],
    "completion": [("bash",), ("none",)],
}  # fmt: skip
"""What is asked of each command, in the project that :func:`project` makes. ``PROPOSITION`` and ``TOKEN`` are ids."""
NOT_RUN = {"serve": "it does not end; tests/unit/server asks all of its routes"}


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every command there is, with its formats; ``()``: it takes none."""

    def below(command: click.Command, names: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        if isinstance(command, click.Group):
            with click.Context(command, **cli.context_settings) as context:
                for name in command.list_commands(context):
                    found = command.get_command(context, name)
                    assert found is not None
                    yield from below(found, (*names, name))
            return
        choices = [p.type.choices for p in command.params if "--format" in p.opts and isinstance(p.type, click.Choice)]
        yield " ".join(names), tuple(map(str, choices[0])) if choices else ()

    yield from below(cli, ())


FORMATS = dict(commands())


def test_every_command_has_situations() -> None:
    assert set(SITUATIONS) | set(NOT_RUN) == set(FORMATS)
    assert set(READERS) >= {form for forms in FORMATS.values() for form in forms}, "a new format needs a reader"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Live, with evil texts everywhere, deliveries made and sent, and specs ahead; three projects inside: fresh, broken, governed."""
    root = tmp_path_factory.mktemp("formats") / "project"
    shutil.copytree(PROJECT, root)
    quoted = json.dumps(EVIL)
    shared = root / "specs/shared.yaml"
    shared.write_text(
        shared.read_text().replace("id: {type: integer}", "id: {}").replace("label: Ada Novak", f"label: {quoted}")
    )
    people = root / "environments/people.yaml"
    people.write_text(people.read_text() + "  inbound: {key_secret_env: SITE_KEYS}\n")
    offers = root / "specs/people/offers.yaml"
    offers.write_text(
        offers.read_text()
        .replace("label: Gold card", f"label: {quoted}")
        .replace("title: A loan for you", f"title: {json.dumps(EVIL.replace('{{ x }}', ''))}")
    )
    (root / "data/people.csv").write_text(CONTACTS)
    (root / "data/bad.csv").write_text(CONTACTS + '5,eve@example.com,never,FR,mass,"many"\n')
    (root / "data/empty.csv").write_text(CONTACTS.split("\n", 1)[0] + "\n")
    (root / "cases/evil.yaml").write_text(
        f"version: 1\ncases:\n  {quoted}: {{space: people/home, contact: '1', now: '2026-06-01', expect: {{offers: [none]}}}}\n"
        f"  broken: {{space: people/home, contact: {quoted}, now: never, expect: {{offers: []}}}}\n"
    )
    shutil.copytree(root, root.parent / "fresh")
    shutil.copytree(root, root.parent / "broken")
    shutil.copytree(root, root.parent / "governed")
    (root.parent / "broken/specs/people/more.yaml").write_text(f"version: 1\noffers: {{{quoted}: {{categry: none}}}}\n")
    previous = Path.cwd()
    try:
        _govern(root.parent / "governed")
        os.chdir(root)
        succeeded("apply", "--yes", "-m", EVIL)
        succeeded("approve", "*/offer.*")
        succeeded("promote", "--yes")
        (root / "specs/people/campaigns.yaml").write_text(CAMPAIGN)
        succeeded("apply", "--yes")
        succeeded("deliver", *TIME, "june/sent", "--out", "sent")
        succeeded("sent", "june/sent")
        made = succeeded(
            "propose",
            "--space",
            "people/home",
            "--contact",
            "ana@example.com",
            "-n",
            "2",
            *TIME,
            "--live-now",
            "--format",
            "json",
        )
        (root / "id").write_text(json.loads(made.stdout)["spaces"][0]["propositions"][0]["id"])
        succeeded("simulate", "people", *TIME, "--by", "segment", "--save", "evil")
        succeeded("reject", "people/offer.beach", "-m", EVIL)
        offers.write_text(offers.read_text().replace("weight: 12", "weight: 13"))
        succeeded("apply", "--yes")
        offers.write_text(
            offers.read_text().replace("weight: 50", "weight: 60").replace("A week at the sea{%", "<b>A week</b> é{%")
        )
        (root / "specs/guests/catalog.yaml").write_text(
            (root / "specs/guests/catalog.yaml").read_text().partition("  tour:")[0]
        )
        succeeded("plan", "--out", "plan.json")
        succeeded("store", "backup", "backup.db")
        succeeded("audit", "export", "--out", "record.jsonl")
        succeeded("export", "people@live", "--to", "exported", "--force")
        (root / "token").write_text(succeeded("token", "create", "ada", "--name", EVIL[:20]).stdout.split("_")[1])
    finally:
        os.chdir(previous)
    for name in ("fresh", "broken", "governed"):
        shutil.move(root.parent / name, root / name)
    return root


def _govern(root: Path) -> None:
    """Duties separated, a rule changed by one person, and an offer that was stopped and approved since."""
    os.chdir(root)
    shared, people = root / "specs/shared.yaml", root / "environments/people.yaml"
    shared.write_text(shared.read_text().replace("operators:\n", "operators:\n  mia: {profile: administrator}\n"))
    people.write_text(
        people.read_text() + "  promotion: {separation_of_duties: true, anchors: ['file:anchors.jsonl']}\n"
    )
    succeeded("apply", "--yes")
    succeeded("approve", "*/offer.*", "--as", "mia")
    soon = datetime.now(UTC) + timedelta(days=1)
    succeeded("promote", "--at", soon.isoformat(), "--yes", "-m", EVIL)
    succeeded("promote", "--yes")
    succeeded("stop", "people/offer.card", "--message", "x")
    succeeded("approve", "people/offer.card", "--as", "mia")
    rules = root / "specs/people/catalog.yaml"
    rules.write_text(rules.read_text().replace("counted: {of: offer}", "counted: {of: category}"))
    succeeded("apply", "--yes")


def succeeded(*args: str) -> Result:
    """What a command says that must succeed."""
    found = told(*args)
    assert found.exception is None, (args, found.stderr, found.exception)
    return found


def told(*args: str) -> Result:
    """What a command says; Refused is exit code 1, whatever else is raised is a bug of ours."""
    done = CliRunner().invoke(cli, ["--as", "ada", *args], standalone_mode=False)
    expected = (Refused, click.BadParameter, SystemExit)  # another usage error is a mistake of this test
    if done.exception is not None and not isinstance(done.exception, expected):
        raise done.exception
    return done


class _Page(HTMLParser):
    """The tags of a page, and its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("meta", "br", "img", "hr", "input", "link", "col"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        return

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] in ("td", "th", "tr", "li", "p") and self.open[-1] != tag:  # their ends may be left out
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def _html(text: str) -> None:
    page = _Page(text)
    assert page.open == [] and "alert(1)" not in "".join(page.scripts)


def _json(text: str) -> None:
    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is not JSON")

    json.loads(text, parse_constant=refuse)


def _jsonl(text: str) -> None:
    for line in text.splitlines():
        _json(line)


def _csv(text: str) -> None:
    rows = list(csv.reader(io.StringIO(text), strict=True))
    assert len({len(row) for row in rows}) == 1
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "@", "+"))]


def _markdown(text: str) -> None:
    _html(cmarkgfm.github_flavored_markdown_to_html(text, options=Options.CMARK_OPT_UNSAFE))


def _xml(text: str) -> None:
    ElementTree.fromstring(text)


def _schema(text: str) -> None:
    _json(text) if text.startswith("{") else _text(text)


def _text(text: str) -> None:
    hidden = [sign for sign in text if sign in "\x1b\u202e\u200b"]
    assert hidden == [] and text.endswith("\n")


READERS: dict[str, Callable[[str], None]] = {
    "text": _text, "json": _json, "markdown": _markdown, "html": _html, "csv": _csv, "junit": _xml, "xml": _xml,
    "github": _text, "sarif": _json, "gitlab": _json, "mermaid": _text, "dot": _text,
    "jsonl": _jsonl,
}  # fmt: skip
FILES: dict[str, Callable[[str], None]] = {
    "*.json": _json, "*.jsonl": _jsonl, "*.csv": _csv, "*.html": _html, "*.xml": _xml,
}  # fmt: skip


def _check(place: Path, name: str, situation: tuple[str, ...], form: str) -> bool:
    """Run it in the folder ``place``; what it prints, and what it writes, can be read. Whether it was not refused."""
    proposition = (place / "id").read_text()
    token = (place / "token").read_text()
    words = [{"PROPOSITION": proposition, "TOKEN": token}.get(word, word) for word in situation]
    known = {path for path in place.rglob("*") if ".offerkit" not in path.parts}
    done = told(*name.split(), *words, *(["--format", form] if form else []))
    assert done.exit_code in (0, 1, 2)
    if isinstance(done.exception, Refused):
        Shell().tell(done.exception.diagnostics)
        assert "OFR901" not in {found.code for found in done.exception.diagnostics}
    if done.stdout:
        READERS[form or "text"](done.stdout) if form or name not in _OTHER else _OTHER[name](done.stdout)
    if done.stderr:
        _text(done.stderr)
    if not done.stdout and form and done.exception is None and done.return_value != 1 and (name, form) not in _SILENT:
        raise AssertionError("nothing was printed")
    for pattern, reader in FILES.items():
        for path in place.rglob(pattern):
            if path not in known and path.is_file() and ".offerkit" not in path.parts:
                reader(path.read_text(encoding="utf-8"))
    return done.exception is None


_OTHER: dict[str, Callable[[str], None]] = {"audit export": _jsonl, "schema": _schema, "fmt": str, "import": str}
"""What commands without --format print that is no text for people."""

_SILENT = {("propose", "html"), ("validate", "github"), ("lint", "github"), ("plan", "github"), ("ci plan", "github")}
"""Forms in which nothing to show is nothing at all."""

_OF_A_FORGE = {"ci apply", "ci approve", "ci check", "ci comment", "ci drift"}
"""They need a forge that answers, so they are refused here; tests/slow/test_pull_requests.py carries them out."""

CASES = [
    pytest.param(
        name,
        form,
        id=f"{name}-{form or 'text'}",
        marks=[] if form == "json" and name == "deliver" else [pytest.mark.slow],
    )
    for name in sorted(SITUATIONS)
    for form in FORMATS.get(name) or ("",)
]


@pytest.mark.parametrize(("name", "form"), CASES)
def test_what_is_said_can_be_read(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, form: str
) -> None:
    place = tmp_path / "project"
    shutil.copytree(project, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("SITE_KEYS", "a-secret-of-some-length")
    said = 0
    for situation in SITUATIONS[name]:
        try:
            said += _check(place, name, situation, form)
        except Exception as error:
            raise AssertionError(f"offerkit {name} {' '.join(situation)} --format {form}: {error!r}") from error
    assert said or name in _OF_A_FORGE, "it was refused in every situation"
