"""``offerkit simulate --engine spark`` writes the very file that the batch writes, history and ties included."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from helpers.postgres import postgres_server
from helpers.repeats import often
from running import run, sure

from offerkit.batch.emit.spark import spark_failures
from offerkit.diagnostics import Code, Refused

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1] / "scripts" / "projects" / "deciding"
AT = ("--at", "2026-06-01T10:00")
COUNTRIES = ("DE", "FR", "CA", "")


@pytest.fixture(autouse=True)
def _installed() -> None:
    pytest.importorskip("pyspark", reason="the extra “spark” is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java runtime is installed (apt-get install default-jre-headless)")


def test_the_same_file(tmp_path: Path) -> None:
    root = tmp_path / "project"
    shutil.copytree(PROJECT, root)
    people = [
        f"{n},p{n}@example.com,{1950 + n % 60}-05-01,{COUNTRIES[n % 4]},{('mass', 'private')[n % 3 == 0]},{n * 20 % 9000}"
        for n in range(2_000)
    ]
    (root / "data/people.csv").write_text("id,email,birth,country,segment,income\n" + "\n".join(people) + "\n")
    sure(root, "apply", "--yes")
    sure(root, "approve", "*/offer.*")
    sure(root, "promote", "--yes")
    for number in range(6):
        sure(
            root,
            "propose",
            "--space",
            "people/home",
            "--contact",
            f"p{number}@example.com",
            "-n",
            "2",
            *AT,
            "--live-now",
        )
    sure(root, "simulate", "people", *AT, "--out", "embedded.csv")
    done = sure(root, "simulate", "people", *AT, "--engine", "spark", "--out", "spark.csv")
    assert len(done.err) < 2_000
    expected = (root / "embedded.csv").read_text()
    assert (root / "spark.csv").read_text() == expected
    assert expected.count("\n") > 3_000
    told = run(root, "simulate", "people", *AT, "--engine", "spark")
    assert told.code == 1 and "needs a Parquet or CSV file" in told.err


def large_project(root: Path, offers: int, contacts: int) -> Path:
    """Many offers, nearly all with a condition of their own, some with a formula; nothing applied."""
    (root / "environments").mkdir(parents=True)
    (root / "specs/people").mkdir(parents=True)
    (root / "environments/people.yaml").write_text(
        "version: 1\nenvironment: {dimension: person, when: person.country <> 'XX'}\n"
    )
    fields = "{id: {type: integer}, country: {}, age: {type: integer}, income: {type: decimal}, since: {type: date}}"
    (root / "specs/shared.yaml").write_text(
        "version: 1\ndimensions:\n"
        f"  person: {{key: [id], source: {{format: csv, path: people.csv}}, fields: {fields}}}\n"
    )
    (root / "specs/people/base.yaml").write_text(
        "version: 1\nspaces: {mail: {channel: email, fields: [{name: title}]}}\n"
        "categories: {all: {}, all/best: {multiplier: {factor: 1.25}}}\n"
        "filters: {rich: {parameters: {least: {}}, when: person.income >= 0 and parameter.least <> person.country}}\n"
    )
    lines = ["version: 1", "offers:"]
    for n in range(offers):
        tests = (
            f"person.age between {18 + n % 50} and {20 + n % 70}", f"person.income * 0.{n % 9 + 1}3 > {n}.5",
            f"lower(person.country) in ('de', 'c{n % 7}')", f"age_in_years(person.since) > {n % 20} or person.age < {n % 90}",
            f"date_diff('month', person.since, now) % {n % 11 + 2} = 1",
        )  # fmt: skip
        filters = f", filters: [{{filter: rich, with: {{least: C{n % 40}}}}}]" if n % 3 == 0 else ""
        weight = f"formula: person.income / {n % 13 + 1}" if n % 25 == 0 else f"weight: {n % 97 + 1}"
        lines.append(
            f'  o{n:04d}: {{category: {"all/best" if n % 2 else "all"}, eligible: {{when: "{tests[n % 5]}"{filters}}},'
            f" weights: [{{{weight}}}]}}"
        )
    (root / "specs/people/offers.yaml").write_text("\n".join(lines) + "\n")
    rows = [
        f"{n},{('DE', 'FR', 'C3', 'XX', '')[n % 5]},{n % 95 if n % 11 else ''},{n * 977 % 90000}.{n % 10},{1990 + n % 36}-0{n % 9 + 1}-28"
        for n in range(contacts)
    ]
    (root / "people.csv").write_text("id,country,age,income,since\n" + "\n".join(rows) + "\n")
    return root


def test_thousands_of_offers(tmp_path: Path) -> None:
    """Spark, PostgreSQL and DuckDB take as many offers, each with a condition of its own, and decide the same."""
    import psycopg

    root = large_project(tmp_path / "project", often(1_500, 5_000), 60)
    what = ("simulate", "people", "--stage", "specs", *AT)
    sure(root, *what, "--out", "embedded.csv")
    sure(root, *what, "--engine", "spark", "--out", "spark.csv")
    assert (root / "spark.csv").read_text() == (root / "embedded.csv").read_text()
    _, *lines = (root / "embedded.csv").read_text().splitlines()
    expected = sorted(tuple(line.split(",")) for line in lines)
    assert len(expected) > 100
    columns = f"read_csv('{root}/people.csv', all_varchar = true)"
    typed = (
        "CAST(id AS BIGINT) AS id, country, CAST(age AS BIGINT) AS age, CAST(income AS DECIMAL(18, 6)) AS income,"
        " CAST(since AS DATE) AS since"
    )
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE person AS SELECT {typed} FROM {columns}")
        people = db.execute("FROM person").fetchall()
        found = db.execute(sure(root, *what, "--emit-sql", "duckdb").out).fetchall()
        assert sorted(tuple(map(str, row)) for row in found) == expected
    with postgres_server("SELECT 1") as url, psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE person (id BIGINT, country TEXT, age BIGINT, income NUMERIC(18, 6), since DATE)"
        )
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO person VALUES (%s, %s, %s, %s, %s)", people)
        found = connection.execute(sure(root, *what, "--emit-sql", "postgres").out).fetchall()
        assert sorted(tuple(map(str, row)) for row in found) == expected


def test_a_process_that_is_gone_is_told() -> None:
    py4j = pytest.importorskip("py4j.protocol")
    for error in (ConnectionRefusedError(111, "Connection refused"), py4j.Py4JNetworkError("Error while sending")):
        with pytest.raises(Refused) as refused, spark_failures():
            raise error
        assert [told.summary for told in refused.value.diagnostics] == ["Spark failed: its process ended"]


def test_a_failure_is_told_in_a_line() -> None:
    plan = "Project [" + "x#1, " * 200_000 + "]"
    error = RuntimeError(f"Job aborted.\n{plan}\nCaused by: java.lang.OutOfMemoryError: Java heap space\n{plan}")
    with pytest.raises(Refused) as refused, spark_failures():
        raise error
    (told,) = refused.value.diagnostics
    assert told.code is Code.SPARK_FAILED
    assert told.summary == "Spark failed: java.lang.OutOfMemoryError: Java heap space"
