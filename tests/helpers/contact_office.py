"""A project that has stored something of a contact everywhere, and where its key is found."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import psycopg
from click.testing import CliRunner, Result

from offerkit.cli.main import cli
from offerkit.diagnostics import Code, Refused
from offerkit.models.status import Status
from offerkit.store import EvidenceRow, PropositionRow, Store, contact_data
from offerkit.store.copying import TABLES
from offerkit.store.location import Location, PostgresAddress

PROJECT = Path(__file__).resolve().parents[1] / "scripts" / "projects" / "deciding"
KEY = "770031"
OTHER = "1"
TIME = "2026-06-01T10:00:00.000000Z"
STORAGE = "    storage: {proposed: presented, evidence: true, proposed_data: {who: person.id}}\n"
CAMPAIGN = """version: 1
campaigns:
  june:
    outlines: {both: {offers: [loan, card]}}
    deliveries:
      best: {space: mail, outline: both, show_nothing_where_missing: true}
      none: {space: mail, offers: [beach]}
"""


class Office:
    """The project, what is typed in it, and its store behind its back."""

    def __init__(self, root: Path, location: Location, named: str) -> None:
        self.root, self.location, self._named = root, location, named

    def run(self, *args: str, ok: bool = True, given: str = "") -> Result:
        done = CliRunner().invoke(cli, ["--as", "ada", "--store", self._named, *args], input=given)
        if ok and done.exception is not None:
            raise done.exception
        return done

    def refused(self, *args: str) -> Code:
        done = self.run(*args, ok=False)
        assert isinstance(done.exception, Refused), done.output
        assert KEY not in str(done.exception.diagnostics)
        return done.exception.diagnostics[0].code

    def report(self) -> str:
        return self.run("report", "--by", "environment,space,offer,date", "--format", "json").stdout

    def without_source(self) -> None:
        """The contact is taken out of its source, as a company does first."""
        people = self.root / "data/people.csv"
        people.write_text("".join(line for line in people.read_text().splitlines(True) if not line.startswith(KEY)))

    def replaced_by(self, backup: Path) -> None:
        """An older state is put in the store's place behind its back."""
        if isinstance(self.location, PostgresAddress):
            with psycopg.connect(self.location.conninfo, autocommit=True) as server:
                server.execute(f'DROP SCHEMA "{self.location.schema}" CASCADE')
            self.run("store", "copy", str(backup), self._named)
        else:
            for path in self.location.parent.glob("store.db*"):
                path.unlink()
            shutil.copy(backup, self.location)
        self.run("--accept-restored", "history")

    def cookie(self) -> str:
        """What the contact's browser got when it identified."""
        with Store.open(self.location) as store:
            (row,) = contact_data.cookies(store.database, "people", [KEY])
            return row.cookie

    def traces(self, *also: str) -> list[str]:
        """Where the key is: every row of every table, and every byte of every file."""
        with Store.open(self.location) as store:
            for table in TABLES:
                rows: list[tuple[object, ...]] = store.database.rows(f"SELECT * FROM {table}")
                if any(word in str(row) for row in rows for word in (KEY, *also)):
                    return [table]
        if isinstance(self.location, PostgresAddress):
            return self._dead() + self._files(also)
        return self._files(also)

    def _files(self, also: tuple[str, ...]) -> list[str]:
        files = [path for top in (self.root, self.root.parent / "sent") for path in top.rglob("*") if path.is_file()]
        return [str(p) for p in files if any(word.encode() in p.read_bytes() for word in (KEY, *also))]

    def _dead(self) -> list[str]:
        """Tables of the server with dead rows."""
        assert isinstance(self.location, PostgresAddress)
        with psycopg.connect(self.location.conninfo, autocommit=True) as server:
            server.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
            tables = [f'"{self.location.schema}".{table}' for table in contact_data.PERSONAL]
            return [
                t
                for t in tables
                if server.execute("SELECT dead_tuple_count FROM pgstattuple(%s)", (t,)).fetchone() != (0,)
            ]


def hidden(id_: str, contact: str) -> PropositionRow:
    """A proposition whose contact's key is in all that is stored with it: as a number, in a list, in a URL."""
    data = {"id": int(contact), "link": f"https://bank.example/?c={contact}&x=1", "list": [{"k": f"x{contact}y"}]}
    return PropositionRow(
        id_, "people", contact, "home", "inbound-web", "card", "bank/best", f"call-{id_}", 1, Decimal(15),
        Status.ACCEPTED, TIME, TIME, 3, data, data, {"interested": data}, {"sku": f"card-{contact}"},
    )  # fmt: skip


def read(id_: str, contact: str) -> EvidenceRow:
    """Evidence of that proposition."""
    body = {"propositions": [id_], "contact": {"id": int(contact)}, "data": {"url": f"https://x.example/{contact}"}}
    return EvidenceRow("people", contact, TIME, id_, f"call-{id_}", "home", body)
