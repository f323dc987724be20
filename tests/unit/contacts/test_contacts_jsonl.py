"""Contacts in JSON Lines files: what is read, found and refused, by a scan and by the index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from contacts_samples import ANA_ROW, only

from offerkit.contacts import Contacts
from offerkit.contacts.jsonl import MAX_LINE
from offerkit.contacts.key_index import SCANS
from offerkit.diagnostics import Code, Refused

Lines = Callable[..., Contacts]
ANA = (
    b'{"id": 1, "email": "ana@example.com", "born": "1984-02-29", "tier": "gold", "balance": 12.5, "consent": true,'
    b' "tags": ["city", "snow"], "seen": "2026-11-20T08:00:00+00:00"}'
)
BEN = b'{"id": "2", "email": "ben@example.com"}'


@pytest.fixture
def jsonl(tmp_path: Path, opened: Callable[..., Contacts]) -> Lines:
    def of(*lines: bytes, end: bytes = b"\n") -> Contacts:
        (tmp_path / "c.jsonl").write_bytes(end.join(lines))
        return opened({"format": "jsonl", "path": "c.jsonl"})

    return of


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_read_and_found(jsonl: Lines, end: bytes, mark: bytes) -> None:
    contacts = jsonl(mark + ANA, b" ", b"", BEN, end=end)
    ben = {**dict.fromkeys(ANA_ROW), "id": 2, "email": "ben@example.com"}
    assert list(contacts.rows()) == [ANA_ROW, ben]
    assert contacts.count() == 2
    for _ in range(SCANS + 2):
        assert contacts.find({"id": 1}) == ANA_ROW and contacts.find({"email": "ben@example.com"}) == ben
        assert contacts.find({"id": 3}) is None


def test_two_contacts_with_one_key_are_ambiguous(jsonl: Lines) -> None:
    contacts = jsonl(ANA, BEN, b'{"id": 1}')
    for _ in range(SCANS + 2):
        only(lambda: contacts.find({"id": 1}), Code.CONTACT_AMBIGUOUS)


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"[1]", Code.CONTACT_ROW), (b"{", Code.CONTACT_ROW), (b'{"id": 3, "born": "soon"}', Code.CONTACT_VALUE)],
)
def test_a_bad_line_is_named_by_a_scan_and_by_the_index(jsonl: Lines, line: bytes, code: Code) -> None:
    contacts = jsonl(ANA, b"", BEN, line)
    for _ in range(SCANS + 2):
        (problem,) = only(lambda: contacts.find({"id": 3}), code)
        assert problem.position is not None and problem.position.line == 4


def test_a_line_too_long_is_refused_at_every_search(jsonl: Lines) -> None:
    contacts = jsonl(ANA, b'{"id": 2, "email": "' + b"x" * MAX_LINE + b'"}', BEN)
    for _ in range(SCANS + 2):
        (problem,) = only(lambda: contacts.find({"id": 2}), Code.CONTACT_ROW)
        assert problem.position is not None and problem.position.line == 2


def test_the_index_follows_the_file(jsonl: Lines, tmp_path: Path) -> None:
    contacts = jsonl(ANA, BEN)
    stamp = contacts.stamp()
    for _ in range(SCANS + 1):
        assert contacts.find({"id": 3}) is None
    with (tmp_path / "c.jsonl").open("ab") as file:
        file.write(b'\n{"id": 3}')
    assert contacts.stamp() != stamp
    found = contacts.find({"id": 3})
    assert found is not None and found["id"] == 3
    (tmp_path / "c.jsonl").unlink()
    with pytest.raises(Refused):
        contacts.find({"id": 3})
