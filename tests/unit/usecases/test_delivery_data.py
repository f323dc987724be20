"""Data that a run brings for each recipient, cells with limits, and offers that a field of the contact names."""

from __future__ import annotations

import json
import shutil
import sqlite3
from hashlib import md5
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner, Result

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.usecases import deliver as delivering
from offerkit.usecases import delivery_selection

PROJECT = Path(__file__).resolve().parents[2] / "scripts" / "projects" / "deciding"
SHOW = "        space: mail\n        show_nothing_where_missing: true\n"
BASKET = SHOW + "        data: [basket]\n"
MANY = 40


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything live; forty contacts whose e-mail may name an offer."""
    made = tmp_path / "project"
    shutil.copytree(PROJECT, made)
    monkeypatch.chdir(made)
    names = ["loan", "card", "nothing", "", "private", "beach"]
    people = [f"{n},{names[n % 6]},1990-05-01,DE,mass,{n}" for n in range(MANY)]
    (made / "data/people.csv").write_text("id,email,birth,country,segment,income\n" + "\n".join(people) + "\n")
    offers = made / "specs/people/offers.yaml"
    offers.write_text(offers.read_text().replace("A loan for you", "'A loan for you, {{ interaction.basket }}'"))
    offerkit("apply", "--yes")
    offerkit("approve", "*/offer.*")
    offerkit("promote", "--yes")
    return made


def offerkit(*args: str, ok: bool = True) -> Result:
    done = CliRunner().invoke(cli, ["--as", "ada", *args])
    if ok and done.exception is not None:
        raise done.exception
    return done


def campaign(root: Path, delivery: str) -> None:
    text = f"version: 1\ncampaigns:\n  june:\n    deliveries:\n      it:\n{delivery}"
    (root / "specs/people/campaigns.yaml").write_text(text)
    offerkit("apply", "--yes")


def told(*more: str) -> dict[str, Any]:
    """The result of a dry run."""
    shutil.rmtree("made", ignore_errors=True)
    args = ("deliver", "june/it", "--at", "2026-06-01", "--dry-run", "--out", "made", "--format", "json", *more)
    result: dict[str, Any] = json.loads(offerkit(*args).stdout)
    return result


def refused(*more: str) -> Refused:
    done = offerkit("deliver", "june/it", "--at", "2026-06-01", "--dry-run", *more, ok=False)
    assert isinstance(done.exception, Refused), done.output
    return done.exception


def offers_of() -> dict[str, list[str]]:
    """The offers of each contact with a message."""
    lines = (line for path in sorted(Path("made").glob("messages-*")) for line in path.read_text().splitlines())
    found = map(json.loads, lines)
    return {message["contact"]: [one["offer"] for one in message["propositions"]] for message in found}


def texts() -> dict[str, str]:
    lines = (line for path in sorted(Path("made").glob("messages-*")) for line in path.read_text().splitlines())
    return {message["contact"]: message["text"] for message in map(json.loads, lines)}


# ---- Data of the run


def _csv(rows: list[tuple[int, str | None]]) -> str:
    Path("data/run.csv").write_text("basket,id\n" + "".join(f"{basket or ''},{key}\n" for key, basket in rows))
    return "data/run.csv"


def _jsonl(rows: list[tuple[int, str | None]]) -> str:
    lines = [json.dumps({"id": key, **({"basket": basket} if basket else {})}) for key, basket in rows]
    Path("data/run.jsonl").write_text("\n".join(lines) + "\n\n")
    return "data/run.jsonl"


def _parquet(rows: list[tuple[int, str | None]]) -> str:
    values = ", ".join(f"({key}, {basket or 'NULL'}::DECIMAL(10,2))" for key, basket in rows)
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {values}) AS v(id, basket)) TO 'data/run.parquet' (FORMAT parquet)")
    return "data/run.parquet"


def _table(rows: list[tuple[int, str | None]]) -> str:
    with sqlite3.connect("data/run.db") as db:
        db.execute("create table run (id integer, basket text)")
        db.executemany("insert into run values (?, ?)", rows)
    return "sqlite:///data/run.db#run"


@pytest.mark.parametrize("source", [_csv, _jsonl, _parquet, _table])
@pytest.mark.parametrize("one_by_one", [False, True])
def test_each_recipient_has_its_own_call_data(
    source: Any, one_by_one: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In conditions, formulas and texts; who has no row, or an empty cell, has unknown data."""
    campaign(root, BASKET + "        engine: {count: 1}\n        target: interaction.basket is not null\n")
    monkeypatch.setattr(delivery_selection, "uses_hooks", lambda program: one_by_one)
    result = told("--data-from", source([(1, "500"), (2, "499.5"), (3, None), (999, "7")]))
    assert result["set_aside"] == {"not in the target": MANY - 2}
    assert offers_of() == {"1": ["loan"], "2": ["card"]}
    assert texts()["1"] == "A loan for you, 500"


def test_data_changes_the_messages_and_so_begins_a_run_anew(root: Path) -> None:
    campaign(root, BASKET + "        engine: {count: 1}\n")
    told("--data-from", _csv([(1, "500")]))
    assert texts()["1"] == "A loan for you, 500"
    told("--data-from", _csv([(1, "600")]))
    assert texts()["1"] == "A loan for you, 600"


def test_rows_for_nobody_are_counted_without_their_keys(root: Path) -> None:
    campaign(root, BASKET + "        engine: {count: 1}\n")
    args = ("deliver", "june/it", "--dry-run", "--at", "2026-06-01", "--data-from", _csv([(1, "5"), (987654, "7")]))
    done = offerkit(*args)
    assert "OFR832" in done.output and "1 row of the data is for no person" in done.output
    assert "987654" not in done.output


@pytest.mark.parametrize(
    ("text", "codes", "said"),
    [
        ("id,baskt\n1,2\n", [Code.RECIPIENT_DATA, Code.RECIPIENT_DATA], "no column “basket”"),
        ("id,basket,step\n1,2,pay\n", [Code.RECIPIENT_DATA], "a column “step” that the delivery does not name"),
        ("basket\n1\n", [Code.RECIPIENT_DATA], "no column “id”"),
        ("id,basket\n1,s3cret\n2,s3cret\n", [Code.DATA_ROW, Code.DATA_ROW], "“basket” is not a value of type decimal"),
        ("id,basket\n,5\n", [Code.DATA_ROW], "“id” is not a value of type integer"),
        ("id,basket\n1,5\n1,6\n1,7\n", [Code.DATA_ROW], "2 rows of the data repeat the key of another"),
        ("id,basket\n1,5,6\n", [Code.DATA_ROW], "the row has 3 cells"),
        ('id,basket\n1,"5\n', [Code.DATA_ROW], "a double quote is opened"),
    ],
)
def test_data_that_is_wrong_stops_the_run_and_shows_no_value(
    text: str, codes: list[Code], said: str, root: Path
) -> None:
    campaign(root, BASKET + "        engine: {count: 1}\n")
    Path("data/run.csv").write_text(text)
    found = refused("--data-from", "data/run.csv").diagnostics
    assert [one.code for one in found] == codes
    assert any(said in one.summary for one in found)
    assert not any("s3cret" in f"{one.summary}{one.detail}{one.hint}" for one in found)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("[1, 2]", "not a JSON object"),
        ("{1}", "not JSON"),
        ('{"id": 1, "basket": "s3cret"}', "“basket” is not a value of type decimal"),
        ('{"id": null, "basket": 2}', "“id” is not a value of type integer"),
    ],
)
def test_a_line_that_is_wrong_is_named_by_its_place(line: str, said: str, root: Path) -> None:
    campaign(root, BASKET + "        engine: {count: 1}\n")
    Path("data/run.jsonl").write_text('{"id": 5, "basket": 1}\n' + line + "\n")
    (found,) = refused("--data-from", "data/run.jsonl").diagnostics
    assert said in found.summary and str(found.position).startswith("data/run.jsonl:2:")
    assert "s3cret" not in f"{found.summary}{found.detail}{found.hint}"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "needs basket for each recipient"),
        ("data/run.txt", "neither a file nor a table"),
        ("postgresql://ada:s3cret@db/shop#run", "holds a password"),
        ("env:NOT_SET_HERE#run", "NOT_SET_HERE"),
        ("mysql://db/shop#run", "databases mysql are not supported"),
        ("data/none.csv", "does not exist"),
        ("../outside.csv", "outside of the project"),
    ],
)
def test_a_source_that_cannot_be_read(source: str, said: str, root: Path) -> None:
    campaign(root, BASKET + "        engine: {count: 1}\n")
    found = refused(*(("--data-from", source) if source else ())).diagnostics
    assert any(said in one.summary for one in found), found
    assert not any("s3cret" in f"{one.summary}{one.detail}{one.hint}" for one in found)


def test_a_delivery_that_declares_no_data_takes_none(root: Path) -> None:
    campaign(root, SHOW + "        engine: {count: 1}\n")
    assert [one.code for one in refused("--data-from", _csv([(1, "5")])).diagnostics] == [Code.RECIPIENT_DATA]


def test_data_is_given_for_all_or_for_each(root: Path) -> None:
    campaign(root, BASKET + "        engine: {count: 1}\n")
    (found,) = refused("--data-from", _csv([(1, "5")]), "--data", "basket=3").diagnostics
    assert "given for all contacts and comes with the data for each" in found.summary


# ---- Cells with a limit


def _expected(cells: list[tuple[Any, int | None]], seed: str = "") -> dict[str, int]:
    """Who is in which cell, as the words of the documentation say it."""
    found: dict[str, int] = {}
    for number, (holds, limit) in enumerate(cells):
        came = [n for n in range(MANY) if str(n) not in found and holds(n)]
        prefix = f"{seed}\npeople/june/it\n\n{number}\n"
        came.sort(key=lambda n: md5(f"{prefix}{n}".encode(), usedforsecurity=False).hexdigest())
        found |= {str(n): number for n in (came if limit is None else came[:limit])}
    return found


def test_a_cell_takes_its_limit_and_the_rest_goes_on(root: Path) -> None:
    campaign(
        root,
        SHOW + "        cells:\n"
        "          - {when: person.income < 20, offer: loan, limit: 5}\n"
        "          - {when: person.income < 30, offer: card, limit: 8}\n"
        "          - {when: person.income < 25, offer: private}\n",
    )
    expected = _expected([(lambda n: n < 20, 5), (lambda n: n < 30, 8), (lambda n: n < 25, None)])
    result = told()
    offers = ["loan", "card", "private"]
    assert {key: found for key, found in offers_of().items() if found} == {
        key: [offers[cell]] for key, cell in expected.items()
    }
    assert [(cell["number"], cell["came"], cell["taken"]) for cell in result["cells"]] == [
        (1, 20, 5),
        (2, 25, 8),
        (3, len([key for key, cell in expected.items() if cell == 2]), len([c for c in expected.values() if c == 2])),
    ]
    first = offers_of()
    people = Path("data/people.csv").read_text().splitlines()
    Path("data/people.csv").write_text("\n".join([people[0], *reversed(people[1:])]) + "\n")
    told()
    assert offers_of() == first
    told("--seed", "other")
    assert offers_of() != first
    text = offerkit("deliver", "june/it", "--at", "2026-06-01", "--dry-run").output
    assert "Cell 1: 5 of 5 at most; 15 went on" in text


def test_a_cell_is_only_for_the_target(root: Path) -> None:
    campaign(
        root,
        SHOW + "        target: person.income >= 30\n        cells: [{when: 'true', offer: loan, limit: 3}]\n",
    )
    result = told()
    assert result["cells"] == [{"slot": "", "number": 1, "limit": 3, "came": MANY - 30, "taken": 3}]
    assert all(int(key) >= 30 for key in offers_of())


# ---- Offers that a field names


def test_a_field_of_the_contact_names_the_offer(root: Path) -> None:
    """loan and card are eligible; beach has no title without a step; private is for others; two name none."""
    campaign(root, SHOW + "        offer_from: person.email\n")
    result = told()
    names = {0: ["loan"], 1: ["card"]}
    assert offers_of() == {str(n): names.get(n % 6, []) for n in range(MANY)}
    assert result["missing"] == {
        "person.email names no live offer": 7,
        "person.email is empty and names no offer": 7,
        "person.email names an offer that is not eligible on mail": 6,
    }
    assert (
        "without it: person.email names no live offer"
        in offerkit("deliver", "june/it", "--at", "2026-06-01", "--dry-run").output
    )


@pytest.mark.parametrize("one_by_one", [False, True])
def test_an_offer_that_is_named_but_missing_is_as_any_other(
    one_by_one: bool, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_selection, "uses_hooks", lambda program: one_by_one)
    campaign(root, "        space: mail\n        offer_from: person.email\n")
    cancelled = "an offer is missing: message cancelled"
    assert told()["set_aside"] == {
        f"{cancelled} (person.email names no live offer)": 7,
        f"{cancelled} (person.email is empty and names no offer)": 7,
        f"{cancelled} (person.email names an offer that is not eligible on mail)": 6,
        cancelled: 6,
    }
    aside = Path("made/set-aside.csv").read_text()
    assert "nothing" not in aside and "beach" not in aside


def test_what_is_stopped_or_off_is_not_eligible(root: Path) -> None:
    campaign(root, SHOW + "        offer_from: person.email\n")
    offerkit("stop", "people/offer.card", "--reason", "wrong")
    result = told()
    assert result["missing"]["person.email names an offer that is not eligible on mail"] == 13
    assert "card" not in result["offers"]


def test_a_cell_may_take_its_offer_from_a_field(root: Path) -> None:
    campaign(
        root,
        SHOW + "        cells:\n"
        "          - {when: person.income < 3, offer: card}\n"
        "          - {when: person.income < 8, offer_from: person.email, limit: 3}\n",
    )
    told()
    taken = _expected([(lambda n: n < 3, None), (lambda n: n < 8, 3)])
    names = {0: ["loan"], 1: ["card"]}
    assert offers_of() == {
        str(n): ["card"] if taken.get(str(n)) == 0 else names.get(n % 6, []) if str(n) in taken else []
        for n in range(MANY)
    }


def test_a_field_of_the_run_names_the_offer_too(root: Path) -> None:
    """And so may every text in the call data, such as that of a list of the call centre."""
    environment = root / "environments/people.yaml"
    environment.write_text(environment.read_text().replace("    step:", "    best: {type: string}\n    step:"))
    offerkit("apply", "--yes")
    offerkit("promote", "--yes")
    campaign(root, SHOW + "        data: [best]\n        offer_from: interaction.best\n")
    Path("data/run.csv").write_text("id,best\n4,card\n5,loan\n")
    told("--data-from", "data/run.csv")
    assert {key: found for key, found in offers_of().items() if found} == {"4": ["card"], "5": ["loan"]}


def test_a_run_that_was_interrupted_does_not_go_on_with_other_data(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when two contacts have exchanged their values, in the last column, so that all rows hold the same ones."""
    campaign(root, BASKET + "        engine: {count: 1}\n")
    args = ("deliver", "june/it", "--at", "2026-06-01", "--data-from", "data/run.csv", "--out", "made")
    (root / "data/run.csv").write_text("id,basket\n1,600\n2,3\n7,\n")
    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_store", _interrupted)
        assert isinstance(offerkit(*args, ok=False).exception, SystemExit)
    (root / "data/run.csv").write_text("id,basket\n1,3\n2,600\n7,\n")
    assert "kept from an interrupted run" not in offerkit(*args).output
    shown = {
        m["contact"]: m["text"] for m in map(json.loads, Path("made/messages-00001.jsonl").read_text().splitlines())
    }
    assert (shown["1"], shown["2"]) == ("Gold, mass", "A loan for you, 600")


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt
