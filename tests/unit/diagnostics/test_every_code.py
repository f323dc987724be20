"""Every code is triggered by a test, and the commands that hints name do what the hint says.

A code is triggered by a row of ``tests/bad_input/cases.yaml``, in a session of ``tests/scripts``, by a situation of
``helpers/triggers.py``, or by the test that ``TRIGGERED_BY`` names there. A new code without any of them fails here.
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from attacks.attacking import Session
from filelock import FileLock
from helpers.files import load_yaml, write
from helpers.postgres import new_schema
from helpers.situations import (
    case,
    not_applied_campaign,
)
from helpers.triggers import SITUATIONS, TRIGGERED_BY
from helpers.workspace import Workspace

from offerkit.batch import contact_table
from offerkit.diagnostics import CODES, Code, Refused
from offerkit.rules.types import BaseType, FieldType
from offerkit.store import Store, parse_location

TESTS = Path(__file__).resolve().parents[2]
ROOT = TESTS.parent
PROJECT = load_yaml(TESTS / "attacks/project.yaml")
_CODE = re.compile(r"\[(OFR[0-9]{3})\]")


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project of the attacks with all of it live."""
    root = tmp_path_factory.mktemp("every-code") / "p"
    write(root, PROJECT)
    session = Session(root, PROJECT)
    session.do("ada", "apply --yes")
    session.do("omar", "approve offer.*")
    session.do("brand", "approve offer.gold-card")
    session.do("risk", "approve offer.*")
    session.do("omar", "promote --yes")
    return root


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * one.slow) for name, one in SITUATIONS.items()]
)
def test_the_code_and_what_mends_it(name: str, live: Path, tmp_path: Path) -> None:
    """The command gives exactly this code; what the hint says is done as it stands there, and then it does not."""
    one = SITUATIONS[name]
    shutil.copytree(live, tmp_path / "p")
    team = Session(tmp_path / "p", PROJECT)
    one.arrange(team)
    codes, told = given(team, one.who, one.command)
    assert codes == {one.code}, told
    assert one.says in " ".join(told.split()), told
    for line in one.then:
        who, _, words = line.partition(": ")
        follow(team, who, words)
    if one.then and not one.shows:
        codes, told = given(team, one.who, one.command)
        assert one.code not in codes, told


def given(team: Session, who: str, command: str) -> tuple[set[Code], str]:
    """The codes that a command gives, and all that it prints."""
    done = team.run(who, command)
    return {Code(value) for value in _CODE.findall(done.out + done.err)}, done.out + done.err


def follow(team: Session, who: str, words: str) -> None:
    """Do what a hint says; it must succeed."""
    if who == "git":
        commit = "-c user.name=x -c user.email=x@example.com commit -qm one"
        team.git(commit if words == "commit" else words)
    elif who == "file":
        team.save(words, case("gold-card"))
    else:
        team.do(who, words)


# ---- Triggers that no command line gives


def test_another_projects_store(shop: Workspace) -> None:
    """Where a server expects its own."""
    shop.apply("ada")
    assert code_of(lambda: enter(shop.session(store_project="another").existing())) is Code.STORE_OTHER


@pytest.mark.slow
def test_no_room_for_contacts(monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB has less memory than a table needs."""
    monkeypatch.setattr(contact_table, "MEMORY", "1KB")
    rows = [{"id": number} for number in range(100_000)]
    types = {"id": FieldType(BaseType.INTEGER)}
    assert code_of(lambda: enter(contact_table.open_contact_table(rows, ["id"], types))) is Code.NO_ROOM


def test_no_package_to_serve_with(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uvicorn is not installed; the hint says how to install it."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    codes, told = given(Session(live, PROJECT), "ada", "serve")
    assert codes == {Code.PACKAGE_MISSING}
    assert "pip install" in told


@pytest.mark.slow
def test_a_key_that_others_took() -> None:
    """In PostgreSQL, where others write at the same moment."""
    with Store.open(parse_location(new_schema()), create=True) as store:
        taken = lambda: store._db.run("INSERT INTO meta VALUES ('format', '1')")  # noqa: E731
        assert code_of(taken) is Code.STORE_CONFLICT


@pytest.mark.slow
def test_two_deliveries_at_once(live: Path, tmp_path: Path) -> None:
    """Another run holds the folder."""
    shutil.copytree(live, tmp_path / "p")
    team = Session(tmp_path / "p", PROJECT)
    not_applied_campaign(team)
    team.do("dora", "apply --yes")
    folder = team.root / "deliveries/winter/mail.partial"
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock", timeout=0):
        codes, told = given(team, "dora", "deliver winter/mail")
    assert codes == {Code.DELIVERY_RUNNING}, told


def code_of(call: Callable[[], object]) -> Code:
    """The one code that a call is refused with."""
    with pytest.raises(Refused) as refused:
        call()
    (found,) = refused.value.diagnostics
    return found.code


def enter(context: AbstractContextManager[object]) -> None:
    """Enter and leave it."""
    with context:
        pass


# ---- Every code has a trigger


def test_every_code_is_triggered() -> None:
    """By a row, a session, a situation or a test; and none is named twice that has none of them."""
    rows = {Code(row["code"]) for row in load_yaml(TESTS / "bad_input/cases.yaml")}
    told = re.compile(r"^[!\s]*(?:error|warning)\[(OFR[0-9]{3})\]", re.MULTILINE)
    sessions = {
        Code(code)
        for path in (TESTS / "scripts").glob("*.txt")
        for code in told.findall(path.read_text(encoding="utf-8"))
    }
    elsewhere = rows | sessions | {one.code for one in SITUATIONS.values()}
    assert set(Code) - elsewhere - set(TRIGGERED_BY) == set(), (
        "give each of these codes a trigger: bad input in tests/bad_input/cases.yaml, a session in tests/scripts, "
        "a situation in tests/helpers/triggers.py, or a test that TRIGGERED_BY names there"
    )
    assert set(CODES) == set(Code)


@pytest.mark.parametrize("code", TRIGGERED_BY, ids=str)
def test_the_test_that_triggers_a_code_names_it(code: Code) -> None:
    """It is there, and asserts this code."""
    place, _, name = TRIGGERED_BY[code].partition("::")
    names = re.compile(rf"Code\.{code.name}\b|\b{code.value}\b")
    texts = [text_of_test(path, name) for path in (TESTS / place).glob("test_*.py")] if name else [read(TESTS / place)]
    assert any(names.search(text) for text in texts)


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def text_of_test(path: Path, name: str) -> str:
    """The source of a test with its decorators and the functions and tables of its module that it names; empty without it."""
    content = read(path)
    if f"def {name}(" not in content:
        return ""
    lines = content.splitlines()
    parts: dict[str, ast.stmt] = {}
    for node in ast.parse(content).body:
        if isinstance(node, ast.FunctionDef):
            parts[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name):
                parts[target.id] = node
    test = parts[name]
    used = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)} & set(parts)
    texts = []
    for node in (test, *(parts[each] for each in used)):
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        texts.append("\n".join(lines[first - 1 : node.end_lineno]))
    return "\n".join(texts)
