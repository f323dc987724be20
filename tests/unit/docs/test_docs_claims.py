"""What pages name, the program has: asked of click, of the routes, of the models and of the loader themselves."""

from __future__ import annotations

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from docs_claims import CLAIMING, SPAN, all_options, calls, codes, sections, unknown, words, yaml_blocks
from docs_text import FENCE, ROOT, name, text
from helpers.files import load_yaml
from offerkit_docs import properties

import offerkit
from offerkit.address import SECTION_OF, SHARED_KINDS, Kind
from offerkit.cli.main import cli
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, Refused
from offerkit.engine.cases import read_case
from offerkit.models import model_of
from offerkit.models.webhook import SECRET
from offerkit.server.route_scopes import ROUTES
from offerkit.specs import load_folder

claiming = pytest.mark.parametrize("page", CLAIMING, ids=name)
OPTIONS = all_options()


@claiming
def test_commands_and_their_options_exist(page: Path) -> None:
    """In every code span and every line of every block, whatever its language."""
    for code in codes(page):
        for called in calls(code):
            assert unknown(called) == "", f"{name(page)}: {code.line.strip()}"


@claiming
def test_options_that_stand_alone_exist(page: Path) -> None:
    for code in codes(page):
        if code.language == "span" and re.match(r"--?[a-z]", code.line):
            option = re.split(r"[\s=,…]", code.line)[0]
            assert option in OPTIONS | OF_OTHERS, f"{name(page)}: {code.line}"


OF_OTHERS = {"-wal", "-x", "--quick", "--all-databases", "--thorough"}
"""The end of a file name, an operator, options of benchmarks/ and of the tests."""


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("plan", ""),
        ("--as omar promote --yes", ""),
        ("token create OPERATOR --scope apply", ""),
        ("propose … --explain --no-store", ""),
        ("COMMAND --help", ""),
        ("diff live design | head", ""),
        ("plam", "plam"),
        ("--as plan promote --yess", "--yess"),
        ("promote --explain", "--explain"),
        ("store shrink", "shrink"),
        ("--ass omar plan", "--ass"),
        ("knows formats", "knows"),
        ("plan --out=x.json --detailed", "--detailed"),
    ],
)
def test_the_reader_of_commands_is_not_easily_fooled(line: str, wrong: str) -> None:
    assert unknown(words(line)) == wrong


# --- addresses of the service


PATHS = {re.sub(r"\{\w+\}", "*", path) for _, path in ROUTES}
FILES = ("/srv/", "/usr/", "/var/", "/etc/", "/dev/", "/bin/", "/proc/", "/path/", "/start")
"""What begins with a slash and is no address of the service; “/start” is a page of the bundled bank in call data."""
SERVED = re.compile(
    r"https?://(?:127\.0\.0\.1|localhost|offers\.bank\.example|offers\.example)(?::\d+)?(/[^\s'\"`<>)#]*)"
)
SPAN_PATH = re.compile(r"(?:(?:GET|POST|HEAD) )?(/[\w.{}*/@-]*)(?:[?…].*|\s.*)?")


def served(path: str) -> bool:
    """Whether the service has a route of that path; a part in capitals or braces stands for any."""
    parts = re.sub(r"\{\w+\}", "*", path).split("?")[0].rstrip("…").split("/")
    return any(
        len(parts) == len(route) and all(a in ("*", b) for a, b in zip(route, parts, strict=True))
        for route in (known.split("/") for known in PATHS)
    )


def addresses(page: Path) -> Iterator[str]:
    for code in codes(page):
        yield from SERVED.findall(code.line)
        match = SPAN_PATH.fullmatch(code.line) if code.language == "span" else None
        if match and not match[1].startswith(FILES) and match[1] not in ("/", "//"):
            yield match[1]


@claiming
def test_addresses_of_the_service_exist(page: Path) -> None:
    for path in addresses(page):
        assert served(path), f"{name(page)}: {path}"


def test_every_address_that_people_or_programs_ask_is_named() -> None:
    named = {path for page in CLAIMING if name(page).startswith("docs/") for path in addresses(page)}
    assets = re.compile(r"\.(?:css|js|html)$|^/$|/$|^/demo$|^/ui/log(?:in|out)$|^/api/v1/store/")
    for path in PATHS:
        if assets.search(path) and path != "/nl/interactionProposal.js":
            continue
        pattern = re.compile(re.escape(path).replace(r"\*", r"[^/]+") + r"(?:\?.*)?")
        assert any(pattern.fullmatch(one) for one in named), f"no page names {path}"


def test_the_reader_of_addresses_is_not_easily_fooled() -> None:
    assert served("/health/live") and served("/ui/offers/ENV/NAME") and served("/interaction/ENVIRONMENT/SPACE?wsdl")
    assert not served("/healthz") and not served("/ui/offer") and not served("/ui/offers/ENV/NAME/more")


# --- environment variables


def _variables(folder: Path) -> set[str]:
    found: set[str] = set()
    for path in (*folder.rglob("*.py"), *folder.rglob("*.yml")):  # the workflow of a new project names a secret
        found |= set(re.findall(r"\bOFFERKIT_[A-Z]+(?:_[A-Z]+)*\b", path.read_text(encoding="utf-8")))
    return found


def test_variables_of_the_environment_are_those_of_the_code() -> None:
    named = {each for page in CLAIMING for each in re.findall(r"\bOFFERKIT_[A-Z]+(?:_[A-Z]+)*\b", text(page))}
    known = _variables(ROOT / "offerkit")
    named = {f"{SECRET}NAME" if each.startswith(SECRET) else each for each in named}  # the name of a webhook
    assert named - known == set()
    assert (
        known - named == {"OFFERKIT_SERVE", "OFFERKIT_COMPLETE"} & known
    )  # between processes of offerkit; click's own


# --- files of the repository that commands use


@claiming
def test_scripts_and_files_in_commands_are_there(page: Path) -> None:
    for code in codes(page):
        if code.language in ("bash", "console", "sh", "span"):
            for path in re.findall(r"(?<![\w./-])((?:scripts|benchmarks|examples|\.ci)/[\w./-]+)", code.line):
                assert (ROOT / path.rstrip(".")).exists(), f"{name(page)}: {code.line}"


# --- what is installed

INSTALLED = re.compile(r"\bpip3? install((?: +(?:-q|-e|-r|--no-deps|--upgrade))*) +(\"[^\"]+\"|'[^']+'|[^\s`;&|]+)")
WORKS = re.compile(
    r"\.(?:\[(?P<extras>[\w,]+)\])?|(?:\$OFFERKIT_PROJECT/)?requirements\.txt|examples/hooks[a-z-]*"  # in a checkout, or in a project
    r"|[\w./-]*offerkit-[\w.]+-py3-none-any\.whl(?:\[(?P<wheel>[\w,]+)\])?"
    r"|offerkit(?:\[(?P<git>[\w,]+)\])? @ git\+https://HOST/REPOSITORY@COMMIT"
)


@claiming
def test_what_is_installed_can_be_installed_today(page: Path) -> None:
    """offerkit is not published: a page names a checkout, a wheel or a commit, and extras that there are."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for code in codes(page):
        for _, what in INSTALLED.findall(code.line):
            if name(page) == "docs/installing.md" and what in ("offerkit", f"offerkit=={offerkit.__version__}"):
                continue  # what must not be done, and what does with an index of one's own
            if name(page).startswith("docs/adr/"):
                continue  # how it was
            works = WORKS.fullmatch(what.strip("'\""))
            assert works is not None, f"{name(page)}: {code.line}"
            asked = next((group for group in works.groups() if group), "")
            assert set(filter(None, asked.split(","))) <= extras.keys(), f"{name(page)}: {code.line}"


# --- names of the code


def test_names_of_the_code_in_the_architecture_exist() -> None:
    """Classes, constants and functions that the page for newcomers to the code leads to."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "offerkit").rglob("*.py"))
    for one in codes(ROOT / "docs" / "architecture.md"):
        found = (
            re.fullmatch(r"([A-Z]\w*[a-z_]\w*|[A-Z_]{4,}|[a-z_]+\(\))", one.line) if one.language == "span" else None
        )
        if found and found[1] not in ("NAME",):
            plain = found[1].removesuffix("()")
            assert re.search(rf"(?:class|def) {plain}\b|^{plain}\b.*=", code, re.MULTILINE), plain


# --- properties


ROWS = {f"{kind}": {row.path for row in properties.rows(model_of(kind))} for kind in Kind}
PROPERTIES = {re.sub(r"\[\]|\.<name>", "", path) for paths in ROWS.values() for path in paths}
BEGINNINGS = {path.partition(".")[0] for path in PROPERTIES if "." in path} - {"offer", "content", "source"}


@claiming
def test_properties_that_are_named_exist(page: Path) -> None:
    """``history.retention``, ``promotion.tests``: a dotted path that begins with a property of some kind."""
    for code in codes(page):
        dotted = code.language == "span" and re.fullmatch(r"[a-z_]+(?:\.[a-z_]+)+", code.line)
        if dotted and code.line.partition(".")[0] in BEGINNINGS:
            assert code.line in PROPERTIES, f"{name(page)}: {code.line}"


# --- YAML


STRUCTURE = {
    Code.YAML_SYNTAX, Code.DUPLICATE_KEY, Code.UNKNOWN_KEY, Code.WRONG_TYPE, Code.BAD_VALUE, Code.BAD_NAME,
    Code.PERIOD_ORDER, Code.TEMPLATE_SYNTAX, Code.CUSTOM_TAG, Code.NOT_UTF8, Code.VERSION, Code.MISPLACED,
}  # fmt: skip
"""What a part of a project can be judged by; what it refers to stands elsewhere."""
SECTIONS = {section: kind for kind, section in SECTION_OF.items()}


def wrong(folder: Path, block: str) -> list[str]:
    """What the loader finds wrong in the structure of a block that has sections of spec files."""
    parts = sections(block)
    parts.pop("version", None)
    shutil.rmtree(folder, ignore_errors=True)
    shared = "".join(text for key, text in parts.items() if SECTIONS.get(key) in SHARED_KINDS)
    environment = parts.pop("environment", "environment:\n  dimension: recipient\n")
    own = "".join(text for key, text in parts.items() if SECTIONS.get(key) not in SHARED_KINDS)
    for path, content in {
        "environments/sample.yaml": environment,
        "specs/shared.yaml": shared,
        "specs/sample/own.yaml": own,
    }.items():
        if content:
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(f"version: 1\n{content}", encoding="utf-8")
    try:
        load_folder(folder)
    except Refused as refused:
        return [f"{found.code} {found.summary}" for found in refused.diagnostics if found.code in STRUCTURE]
    return []


def placed(block: str) -> Iterator[str]:
    """A part of one resource's body as whole files, one for each kind that it may be of."""
    yield "environment:\n  dimension: recipient\n" + _indented(block, 2)
    for section in SECTIONS:
        yield f"{section}:\n  sample:\n{_indented(block, 4)}"
    yield f"offers:\n  sample:\n    weights:\n      -\n{_indented(block, 8)}"


def _indented(block: str, by: int) -> str:
    return "".join(" " * by + line for line in block.splitlines(keepends=True))


def structure(folder: Path, block: str) -> list[str]:
    """What is wrong with a block of YAML, be it a file, some sections, or a part of a body."""
    keys = sections(block).keys()
    if "jobs" in keys:
        return []  # a workflow: its commands are read line by line
    if "cases" in keys:
        path = folder / "case.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block, encoding="utf-8")
        for title, case in load_yaml(path)["cases"].items():
            read_case(title, case)
        return []
    if keys <= {"version"}:
        return []
    if keys <= {*SECTIONS, "environment", "version", "moved"}:
        return wrong(folder, block)
    found = [wrong(folder, whole) for whole in placed(block)]
    return [] if [] in found else min(found, key=len)


YAML_PAGES = [page for page in CLAIMING if page.suffix == ".md" and yaml_blocks(page)]


@pytest.mark.parametrize("page", YAML_PAGES, ids=name)
def test_yaml_is_what_the_loader_takes(page: Path, tmp_path: Path) -> None:
    for block in yaml_blocks(page):
        assert structure(tmp_path / "sample", block) == [], f"{name(page)}:\n{block}"


def test_the_reader_of_yaml_is_not_easily_fooled(tmp_path: Path) -> None:
    for block in (
        "offers:\n  a: {label: A, category: b, weight: 3}\n",
        "offers:\n  a: {label: A, category: b, weights: [{weight: -1}]}\n",
        "environment:\n  promotion: {test: true}\n",
        "reviewer: {content: [brand]}\n",
        "inbound:\n  origin: [https://www.bank.example]\n",
        "offer:\n  a: {label: A}\n",
        "source: {format: csv, file: x.csv}\n",
        "promotion: {retention: soon}\n",
    ):
        assert structure(tmp_path / "sample", block) != [], block
    for block in ("inbound:\n  rate: 600\n", "when: recipient.age > 3\nformula: 1 + 1\n"):
        assert structure(tmp_path / "sample", block) == [], block


@claiming
def test_yaml_within_a_line_has_known_keys(page: Path) -> None:
    """``storage: {enabled: false}`` in a code span."""
    known = {part for path in PROPERTIES for part in path.split(".")} | {*SECTIONS, "environment", "moved", "version"}
    if page.suffix != ".md":
        return
    for _, span in SPAN.findall(FENCE.sub("", text(page))):
        match = re.fullmatch(r"([a-z_]+): (?:\{(.*)\}|\[.*\]|true|false)", span)
        if match:
            keys = [match[1], *re.findall(r"(?:^|[{,] ?)([a-z_]+)(?=:)", match[2] or "")]
            assert set(keys) <= known | OWN_NAMES, f"{name(page)}: {span}"


OWN_NAMES = {"a", "b", "supplier", "title"}
"""Keys that a reader chooses."""


def test_cases_in_pages_come_out_on_the_bundled_project(tmp_path: Path) -> None:
    """Those of docs/engine.md and docs/testing.md, run for real."""
    for folder in ("specs", "environments"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copytree(ROOT / "data", tmp_path / "data")
    (tmp_path / "cases").mkdir()
    blocks = [(page, block) for page in ("engine", "testing") for block in yaml_blocks(ROOT / f"docs/{page}.md")]
    written = [(page, block) for page, block in blocks if "cases" in sections(block)]
    assert {page for page, _ in written} == {"engine", "testing"}
    for page, block in written:
        (tmp_path / "cases" / f"{page}.yaml").write_text(block, encoding="utf-8")
    done = CliRunner().invoke(cli, ["-C", str(tmp_path), "test"], obj=Shell(color="never"))
    assert done.output == f"{len(written)} cases, all as expected.\n"
