"""An export of the history: what is in it, and that any other byte in it is found."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from random import Random

import orjson
import pytest
from store_samples import append, change, draft, entry, sample

from offerkit.diagnostics import Code, Refused
from offerkit.fingerprint import canonical
from offerkit.store import Store, history_file, schema
from offerkit.store.history_file import HistoryLines, HistoryReader
from offerkit.store.replay import replayed


def exported(store: Store) -> bytes:
    with store.reading():
        return b"".join(HistoryLines(store.database))


def read_again(content: bytes) -> bytes:
    """What an export of the export gives. Raises Refused if it does not prove itself."""
    with replayed(HistoryReader(io.BytesIO(content), "history.jsonl")) as store:
        assert store.verify(tokens_too=False) == []
        return exported(store)


def is_refused(content: bytes, code: Code = Code.EXPORT_BROKEN, *, replay: bool = False) -> str:
    """What is wrong with it: one thing. Without ``replay`` the file is only read."""
    with pytest.raises(Refused) as caught:
        read_again(content) if replay else list(HistoryReader(io.BytesIO(content), "history.jsonl").records())
    (found,) = caught.value.diagnostics
    assert found.code in (code, Code.EXPORT_UNREADABLE)
    assert len(found.summary) < 400 and len(found.detail) < 400
    return found.summary


def sealed(content: bytes, **end: object) -> bytes:
    """The lines with an end that fits them, as a forger would write it."""
    *lines, last = content.splitlines(keepends=True)
    before = b"".join(lines)
    return before + canonical({**orjson.loads(last), "sha256": hashlib.sha256(before).hexdigest(), **end}) + b"\n"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with sample(tmp_path_factory.mktemp("small") / "store.db") as store:
        return exported(store)


def test_an_export_leads_to_the_same_store_and_the_same_bytes(history: Store) -> None:
    content = exported(history)
    assert read_again(content) == content
    with replayed(HistoryReader(io.BytesIO(content), "h")) as store:
        assert list(store.recorded()) == list(history.recorded())
        assert store.heads() == history.heads()
        assert all(store.entries(stage) == history.entries(stage) for stage in history.heads())
        assert (store.project, store.head()) == (history.project, history.head())
        assert history.known(_prints(history)) == _prints(store)


def _prints(store: Store) -> set[str]:
    return {text.after_fingerprint for one in store.recorded() for text in one.changes if text.after_fingerprint}


def test_an_empty_history(store: Store) -> None:
    content = exported(store)
    assert content.count(b"\n") == 2 and read_again(content) == content
    assert orjson.loads(content.splitlines()[-1])["digest"] == schema.genesis(store.project)


def test_a_later_export_begins_with_the_same_revisions(history: Store) -> None:
    revisions = [line for line in exported(history).splitlines() if b'"record":"body"' not in line][1:-1]
    append(history, draft(change("d", None, entry("four")), day=6))
    later = [line for line in exported(history).splitlines() if b'"record":"body"' not in line][1:-1]
    assert later[: len(revisions)] == revisions and len(later) > len(revisions)


def test_the_columns_are_said(small: bytes) -> None:
    head, *lines = map(orjson.loads, small.splitlines())
    assert (head["format"], head["store_format"]) == (2, schema.current_format())
    assert all(line.keys() - {"record"} == set(head["columns"][line["record"]]) for line in lines)


@pytest.mark.slow
def test_no_byte_can_be_changed(small: bytes) -> None:
    random = Random(21)
    for place in range(len(small)):
        before, byte, after = small[:place], small[place], small[place + 1 :]
        is_refused(before + bytes([byte ^ (1 << random.randrange(8))]) + after)
        is_refused(before + after)
        is_refused(before + bytes([random.randrange(256)]) + small[place:])
        if place:
            is_refused(before)
    is_refused(small + b"\n")
    is_refused(small + small)


@pytest.mark.slow
def test_no_line_can_be_moved_repeated_or_removed(small: bytes) -> None:
    lines = small.splitlines(keepends=True)
    for place in range(len(lines)):
        is_refused(b"".join([*lines[:place], *lines[place + 1 :]]))
        is_refused(b"".join([*lines[: place + 1], *lines[place:]]))
        for other in range(place):
            swapped = list(lines)
            swapped[place], swapped[other] = swapped[other], swapped[place]
            is_refused(b"".join(swapped))


@pytest.mark.parametrize(
    "rewritten",
    [
        lambda line: line.replace(b'":', b'": ', 1),
        lambda line: line.replace(b"\n", b" \n"),
        lambda line: line.replace(b"\n", b"\r\n"),
        lambda line: b"{" + b'"record":"body",' + line[1:],
        lambda line: canonical(dict(reversed(orjson.loads(line).items()))).replace(b"e", b"\\u0065", 1) + b"\n",
        lambda line: orjson.dumps(dict(reversed(orjson.loads(line).items()))) + b"\n",
        lambda line: b"\xef\xbb\xbf" + line,
        lambda line: b"\n" + line,
    ],
)
def test_another_spelling_of_the_same_is_found(small: bytes, rewritten: Callable[[bytes], bytes]) -> None:
    lines = small.splitlines(keepends=True)
    for place in (0, 1, 5, len(lines) - 1):
        changed = b"".join([*lines[:place], rewritten(lines[place]), *lines[place + 1 :]])
        is_refused(changed)
        if 0 < place < len(lines) - 1:
            is_refused(sealed(changed), replay=True)


@pytest.mark.slow
def test_a_forger_who_mends_the_end_is_found(small: bytes) -> None:
    """The digests of revisions and bodies hold, whatever the end says: each value of each line is changed."""
    lines = small.splitlines(keepends=True)
    for place, line in enumerate(lines[1:-1], 1):
        record = orjson.loads(line)
        for name, value in record.items():
            other = value + 1 if isinstance(value, int) else {"n": 9} if isinstance(value, dict) else f"{value}x"
            forged = canonical({**record, name: other}) + b"\n"
            is_refused(sealed(b"".join([*lines[:place], forged, *lines[place + 1 :]])), replay=True)
        less = b"".join([*lines[:place], *lines[place + 1 :]])
        is_refused(sealed(less), replay=True)
    bodies = sum(b'"record":"body"' in line for line in lines)
    last = max(place for place, line in enumerate(lines) if b'"record":"revision"' in line)
    shorter = b"".join([*lines[:last], lines[-1]])
    previous = orjson.loads(next(line for line in reversed(lines[:last]) if b'"record":"revision"' in line))["digest"]
    whole = sealed(shorter, revisions=4, digest=previous)
    assert read_again(whole) == whole  # a whole history that is older: only a digest noted elsewhere shows it
    extra = canonical({"record": "body", "fingerprint": "0" * 64, "kind": "offer", "body": "{}"}) + b"\n"
    is_refused(sealed(b"".join([lines[0], extra, *lines[1:]]), bodies=bodies + 1), replay=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"\n", "not an exported history"),
        (b"{}\n", "not an exported history"),
        (b"[" * 5000 + b"]" * 5000, "not an exported history"),
        (b"x" * (2 << 20), "not an exported history"),
        (b'{"record":"history","format":true}\n', "not an exported history"),
        (b'{"record":"history","format":3,"project":"p","store_format":8}\n', "has format 3"),
        (b'{"record":"history","format":1e400,"project":"p","store_format":8}\n', "not an exported history"),
        (b'{"changes":[],"parent_digest":"","serial":1}\n', "an earlier offerkit"),
        (b"\xff\xfe\n", "not an exported history"),
        (b"SQLite format 3\0", "not an exported history"),
    ],
)
def test_what_is_no_export(content: bytes, says: str) -> None:
    assert says in is_refused(content, Code.EXPORT_UNREADABLE)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 200 + b"]" * 200,
        b'{"record":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"record":"body","fingerprint":1,"kind":"offer","body":"{}"}',
        b'{"body":"{}","fingerprint":"0","kind":"offer","record":"body","record":"end"}',
        b'{"body":null,"fingerprint":"0","kind":"offer","record":"body"}',
        b'{"body":1.5,"fingerprint":"0","kind":"offer","record":"body"}',
        b'{"record":"revision","serial":123456789012345678901234567890}',
        b'{"record":["body"]}',
        b'{"record":"everything"}',
        b"null",
        b"NaN",
        b'"\\ud800"',
    ],
)
def test_hostile_lines(small: bytes, line: bytes) -> None:
    head, *lines = small.splitlines(keepends=True)
    is_refused(sealed(b"".join([head, line + b"\n", *lines])))


def test_lines_and_revisions_are_bounded(small: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_file, "LONGEST_LINE", 300)
    assert "longer than" in is_refused(small)
    monkeypatch.undo()
    monkeypatch.setattr(history_file, "MOST_ROWS", 2)
    assert "more than 2 lines" in is_refused(small)


def test_a_huge_line_is_not_read_whole(small: bytes, tmp_path: Path) -> None:
    """A file of 10 GB without a second line: no more than one line's bytes are ever in memory."""
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as file:
        file.write(small.splitlines(keepends=True)[0])
        file.truncate(10 << 30)
    with path.open("rb") as file, pytest.raises(Refused) as caught:
        list(HistoryReader(file, "huge.jsonl").records())
    assert "longer than 64 MiB" in caught.value.diagnostics[0].summary


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """2,000 offers in 61 revisions."""
    with Store.open(tmp_path_factory.mktemp("large") / "store.db", create=True) as store:
        names = [f"o{number}" for number in range(2000)]
        append(store, draft(*(change(name, None, entry("one")) for name in names)))
        for number in range(30):
            own = names[number::7]
            append(store, draft(*(change(name, entry("one"), entry("two")) for name in own), day=2))
            append(store, draft(*(change(name, entry("two"), entry("one")) for name in own), day=3))
        return exported(store)


@pytest.mark.slow
def test_random_edits_of_a_large_one(large: bytes) -> None:
    assert read_again(large) == large
    random = Random(7)
    for _ in range(10):
        place, length = random.randrange(len(large)), random.randrange(1, 2000)
        part = large[place : place + length]
        is_refused(large[:place] + bytes([large[place] ^ (1 << random.randrange(8))]) + large[place + 1 :])
        is_refused(large[:place] + large[place + length :])
        is_refused(large[:place] + part + large[place:])
        is_refused(large[:place])
    lines = large.splitlines(keepends=True)
    for _ in range(10):
        one, other = sorted(random.sample(range(len(lines)), 2))
        swapped = [*lines[:one], lines[other], *lines[one + 1 : other], lines[one], *lines[other + 1 :]]
        is_refused(b"".join(swapped))
