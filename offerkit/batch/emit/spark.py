"""Runs the emitted query in PySpark, which reads contacts and history from Parquet files."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from importlib import import_module
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from offerkit.batch.contact_table import ContactTable
from offerkit.batch.emit.query import emit
from offerkit.batch.emit.rule_queries import InputTables
from offerkit.batch.program import BatchProgram
from offerkit.batch.results import copy_results
from offerkit.contacts.bulk import column
from offerkit.contacts.relation import quote_name, quote_text
from offerkit.diagnostics import Code, install_hint, refuse
from offerkit.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HISTORY = (
    "contact",
    "environment",
    "interaction",
    "space",
    "channel",
    "offer",
    "category",
    "rank",
    "weight",
    "status",
    "time",
    "revision",
)
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    # Days before 1582 are those of the calendar that is in use today; the default of Spark 3 fails at them.
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    # Java code for thousands of conditions is compiled for longer than it runs, and may be too large to compile.
    "spark.sql.maxPlanStringLength": "8192",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
_KINDS = {"rank": "BIGINT", "status": "BIGINT", "revision": "BIGINT"}


def run_spark(
    people: ContactTable, programs: Sequence[BatchProgram], store: Store | None, target: Path, ending: str
) -> int:
    """Decide all ``programs`` with Spark and write ``target`` (``ending``: .parquet or .csv); returns how many rows.

    Spark runs in local mode unless its own settings (``spark-defaults.conf``, ``SPARK_MASTER``) name a cluster that
    shares the temporary folder. Raises Refused if PySpark or Java is missing, or a program cannot be emitted.
    """
    tables = InputTables("offerkit_contact", "offerkit_history")
    queries = [emit(program, "spark", tables) for program in programs]
    with _session() as session, tempfile.TemporaryDirectory(prefix="offerkit-spark-") as name:
        folder = Path(name)
        names = ", ".join(f"{column(field)} AS {quote_name(field)}" for field in people.types)
        people.connection.execute(
            f"COPY (SELECT {names} FROM contact) TO {quote_text(str(folder / 'contacts.parquet'))} (FORMAT parquet)"  # noqa: S608
        )
        environment = programs[0].catalog.environment
        _history(people, environment, store, folder / "history.parquet")
        _runs(people, environment, store, folder / "runs.parquet")
        for table, file in ((tables.contacts, "contacts"), (tables.history, "history"), (tables.runs, "runs")):
            with spark_failures():
                session.read.parquet(str(folder / f"{file}.parquet")).createOrReplaceTempView(table)
        for number, query in enumerate(queries):
            with spark_failures():
                session.sql(query).write.parquet(str(folder / f"out-{number}"))
        results = f"read_parquet({quote_text(str(folder / 'out-*' / '*.parquet'))}) AS made"
        return copy_results(people.connection, f"{results} JOIN contact ON k = made.contact", target, ending)


def _history(people: ContactTable, environment: str, store: Store | None, target: Path) -> None:
    """Write the propositions of an environment, with the columns that queries read."""
    import numpy

    columns = ", ".join(f"{quote_name(name)} {_KINDS.get(name, 'VARCHAR')}" for name in _HISTORY)
    people.connection.execute(f"CREATE TEMP TABLE handed ({columns})")
    for part in store.exported(environment, _HISTORY) if store is not None else ():
        arrays = {
            name: numpy.array(cells, dtype=numpy.int64 if name in _KINDS else object)
            for name, cells in zip(_HISTORY, zip(*part, strict=True), strict=True)
        }
        people.connection.register("part", arrays)
        people.connection.execute("INSERT INTO handed SELECT * FROM part")
        people.connection.unregister("part")
    people.connection.execute(f"COPY handed TO {quote_text(str(target))} (FORMAT parquet)")
    people.connection.execute("DROP TABLE handed")


def _runs(people: ContactTable, environment: str, store: Store | None, target: Path) -> None:
    """Write the deliveries of an environment that were made, with the columns that queries read."""
    runs = store.deliveries(environment) if store is not None else []
    people.connection.execute(
        "CREATE TEMP TABLE handed (environment VARCHAR, campaign VARCHAR, delivery VARCHAR, id VARCHAR)"
    )
    if runs:
        rows = [(run.environment, run.campaign, run.delivery, run.id) for run in runs]
        people.connection.executemany("INSERT INTO handed VALUES (?, ?, ?, ?)", rows)
    people.connection.execute(f"COPY handed TO {quote_text(str(target))} (FORMAT parquet)")
    people.connection.execute("DROP TABLE handed")


@contextlib.contextmanager
def spark_failures() -> Iterator[None]:
    """Turn Spark's exceptions into one-line errors; its own messages repeat the query and the plan."""
    try:
        yield
    except Exception as error:  # pyspark raises whatever its gateway meets
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        cause = next((line for line in reversed(lines) if line.startswith("Caused by: ")), lines[0])
        if isinstance(error, OSError) or type(error).__name__ == "Py4JNetworkError":
            cause = "its process ended"  # the gateway is gone; the error only names a socket
        raise refuse(
            Code.SPARK_FAILED,
            f"Spark failed: {cause.removeprefix('Caused by: ')[:200]}",
            detail="Nothing was written.",
            hint="Give it more memory (SPARK_DRIVER_MEMORY=4g), or use the embedded engine: --engine embedded.",
        ) from error


@contextlib.contextmanager
def _session() -> Iterator[Any]:
    try:
        builder = import_module("pyspark.sql").SparkSession.builder
    except ImportError as error:
        raise refuse(
            Code.CONTACTS_PACKAGE,
            "deciding with Spark needs the Python package “pyspark”",
            hint=install_hint("spark"),
        ) from error
    logging.getLogger("py4j").setLevel(logging.CRITICAL)
    with tempfile.TemporaryFile() as log:
        try:
            with _stderr_to(log):
                for name, value in _SETTINGS.items():
                    builder = builder.config(name, value)
                session = builder.appName("offerkit").getOrCreate()
        except Exception as error:  # pyspark raises whatever its gateway meets
            log.seek(0)
            lines = log.read(4096).decode(errors="replace").strip().splitlines()
            messages = [line for line in lines if not line.startswith(("WARNING: ", "Using "))]
            raise refuse(
                Code.CONTACTS_PACKAGE,
                f"Spark did not start: {(str(error).splitlines() or ['no reason given'])[0][:200]}",
                detail=f"PySpark needs a Java runtime (17 or newer). {messages[0][:200] if messages else ''}".rstrip(),
                hint="Install one, and set JAVA_HOME to it.",
            ) from error
        try:
            yield session
        finally:
            with contextlib.suppress(Exception):  # whatever it raises if its process is gone
                session.stop()


@contextlib.contextmanager
def _stderr_to(log: IO[bytes]) -> Iterator[None]:
    """Redirect stderr to ``log``, for processes started meanwhile: Spark's log repeats whole plans on failure."""
    original = os.dup(2)
    try:
        os.dup2(log.fileno(), 2)
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
