"""``offerkit simulate --engine spark`` writes the very file that the batch writes, history and ties included."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from running import run, sure

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).resolve().parents[1] / "scripts" / "projects" / "deciding"
AT = ("--at", "2026-06-01T10:00")
COUNTRIES = ("DE", "FR", "CA", "")


def test_the_same_file(tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra “spark” is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java runtime is installed (apt-get install default-jre-headless)")
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
        sure(root, "propose", "--space", "people/home", "--contact", f"p{number}@example.com", "-n", "2", *AT)
    sure(root, "simulate", "people", *AT, "--out", "embedded.csv")
    sure(root, "simulate", "people", *AT, "--engine", "spark", "--out", "spark.csv")
    expected = (root / "embedded.csv").read_text()
    assert (root / "spark.csv").read_text() == expected
    assert expected.count("\n") > 3_000
    told = run(root, "simulate", "people", *AT, "--engine", "spark")
    assert told.code == 1 and "needs a Parquet or CSV file" in told.err
