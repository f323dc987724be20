"""Text becomes an address or a stage at the edges only: inside, values carry their types."""

from __future__ import annotations

import ast
from pathlib import Path

import offerkit

ROOT = Path(offerkit.__file__).parent
EDGES = {
    "cli/complete.py",
    "cli/show_command.py",  # what somebody typed
    "specs/cache.py",
    "specs/load.py",
    "specs/parallel.py",  # rows of the parse cache
    "governance/overrides.py",  # what a revision recorded
    "governance/signatures.py",  # what a revision says that was signed
    "governance/stops.py",  # with what something was stopped, as a decision recorded it
    "plans/plan.py",
    "plans/sentences.py",  # a plan file, and what it says
    "server/operator_api.py",  # what another computer sent
    "server/ui/offers.py",  # a page's URL
    "store/append.py",
    "store/approvals.py",
    "store/outbox.py",
    "store/revisions.py",
    "store/rows.py",
    "store/stages.py",  # columns
    "store/history_file.py",  # an exported history
    "store/signed_revisions.py",  # columns
    "usecases/history_filters.py",
    "usecases/design_access.py",
    "usecases/show.py",  # arguments of commands
    "usecases/backends.py",  # what another computer sent
    "usecases/export.py",
    "usecases/history.py",
    "usecases/state_refs.py",
    "usecases/preview.py",
    "usecases/list_propositions.py",
    "usecases/rollback.py",  # arguments of commands and requests
}


def reading(source: str) -> bool:
    """Whether code reads addresses or stages from text, itself or by handing the reader on."""
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    return not names.isdisjoint({"parse_address", "parse_stage"})


def test_text_is_read_at_the_edges_only() -> None:
    files = {path.relative_to(ROOT).as_posix(): path.read_text() for path in ROOT.rglob("*.py")}
    found = {name for name, source in files.items() if reading(source)}
    assert found - {"address.py", "state/changes.py"} == EDGES


def test_a_reader_is_seen_however_it_is_used() -> None:
    assert reading("kind = parse_address(text).kind")
    assert reading("list(map(parse_stage, texts))")
    assert not reading("from offerkit.address import Address")
