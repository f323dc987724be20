"""Spark in local mode, where PySpark and a Java runtime are installed (.ci/run installs both)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

KINDS = {"VARCHAR": "string", "BIGINT": "bigint", "DECIMAL(18,6)": "decimal(18,6)", "BOOLEAN": "boolean", "DATE": "date",
         "TIMESTAMP": "timestamp_ntz", "VARCHAR[]": "array<string>"}  # fmt: skip
"""DuckDB's types as Spark writes them."""
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For ``SPARK_SUBMIT_OPTS``: what the second compiler of Java makes is ready when the tests are done."""


@contextmanager
def spark_session() -> Iterator[Any]:
    """A session of two threads."""
    sql = pytest.importorskip("pyspark.sql", reason="the extra “spark” is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java runtime is installed (apt-get install default-jre-headless)")
    os.environ.setdefault("SPARK_SUBMIT_OPTS", SHORT_LIVED)
    session = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = session.config("spark.sql.session.timeZone", "UTC").config("spark.sql.shuffle.partitions", "2")
    made = session.getOrCreate()
    try:
        yield made
    finally:
        made.stop()


def view(session: Any, name: str, columns: dict[str, str], rows: list[tuple[object, ...]]) -> None:
    """A table of ``rows``; ``columns``: DuckDB's type by name."""
    from pyspark.sql.types import _parse_datatype_string

    schema = ", ".join(f"`{column}` {KINDS[kind]}" for column, kind in columns.items())
    session.createDataFrame(rows, _parse_datatype_string(schema)).createOrReplaceTempView(name)
