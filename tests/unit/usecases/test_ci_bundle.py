"""A bundle is read as hostile data: it has been where others can write."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.fingerprint import canonical
from offerkit.plans.meaning import Fact
from offerkit.usecases import ci_bundle
from offerkit.usecases.ci_bundle import (
    INDEX,
    Bundle,
    PullRequestRef,
    expect,
    index_bytes,
    opened,
    opened_bytes,
    write,
)

HEAD = "ab" * 20
FACTS: tuple[Fact, ...] = (
    ("relies", "shared@design", "dimension.person", "4" * 64),
    ("relies", "shop@design", "shop/space.web", "3" * 64),
    ("step", "shop@design", "shop/offer.safari", "update", "", "1" * 64, "-", "2" * 64, "-"),
    ("waits", "shop@live", "shop/campaign.june", "", "", "", ""),
)
BUNDLE = Bundle(PullRequestRef(7, HEAD, "main"), "store", FACTS, "", "1.0")
GOOD = index_bytes(BUNDLE)
COMMENT = b"<!-- offerkit {} -->\n"


def zipped(*files: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, method)
    return out.getvalue()


def edited(**changes: object) -> bytes:
    return canonical({**orjson.loads(GOOD), **changes}) + b"\n"


def of_facts(*facts: tuple[str, ...]) -> bytes:
    return index_bytes(Bundle(BUNDLE.subject, "store", facts))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    files = [(INDEX, GOOD), ("shop/comment.md", COMMENT)]
    write(tmp_path / "read", files)
    write(tmp_path / "read.zip", files)
    assert (tmp_path / "read.zip").read_bytes() == ci_bundle._zipped(files)
    inner = zipped(*((f"read/{name}", content) for name, content in files))
    for found in (opened(tmp_path / "read"), opened(tmp_path / "read.zip"), opened_bytes(inner)):
        assert found.bundle == BUNDLE
        assert [(part.environment, part.steps) for part in found.bundle.parts] == [("shop", 1)]
        assert found.text("shop", "comment.md") == COMMENT
        assert found.text("shop", "report.json") is found.text("..", "comment.md") is found.plan() is None
    expect(BUNDLE, 7, HEAD)
    expect(BUNDLE)


def test_what_changes_no_more_is_taken_away(tmp_path: Path) -> None:
    write(tmp_path, [(INDEX, GOOD), ("shop/comment.md", COMMENT)])
    (tmp_path / "mine.txt").write_text("x")
    nothing = Bundle(BUNDLE.subject, "store", ())
    write(tmp_path, [(INDEX, index_bytes(nothing))])
    assert opened(tmp_path).bundle == nothing
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.txt", INDEX]


@pytest.mark.parametrize("number, head", [(8, ""), (0, "cd" * 20), (7, HEAD[:-1] + "0"), (8, HEAD)])
def test_of_another_pull_request(number: int, head: str) -> None:
    with pytest.raises(Refused) as caught:
        expect(BUNDLE, number, head)
    assert {found.code for found in caught.value.diagnostics} == {Code.BUNDLE_OTHER}


INDEXES: dict[str, bytes] = {
    "no JSON": b"{",
    "a list": b"[]",
    "deep": b"[" * 5_000 + b"]" * 5_000,
    "nothing": b"",
    "not UTF-8": b'{"format":1,"against":"\xff"}',
    "no format": edited(format="1"),
    "a newer format": edited(format=2),
    "a format that is none": edited(format=True),
    "a forged meaning": edited(meaning="1:" + "0" * 64),
    "other facts": edited(facts=[list(fact) for fact in FACTS[:2]]),
    "facts in another order": edited(facts=[list(fact) for fact in FACTS[::-1]]),
    "facts that are no texts": edited(facts=[[1, 2]]),
    "a fact of another kind": of_facts(("step", "shop@design", "shop/offer.x")),
    "an environment elsewhere": of_facts(("relies", "../../etc@design", "a", "")),
    "another environment's part": edited(parts=[{"environment": "other", "meaning": "1:" + "0" * 64, "steps": 1}]),
    "an unknown key": edited(more=1),
    "a key twice": GOOD.replace(b'"against":"store"', b'"against":"git","against":"store"'),
    "another number twice": GOOD.replace(b'"number":7', b'"number":7,"number":8'),
    "spaces": GOOD.replace(b",", b", ", 1),
    "a number that is a text": edited(subject={"number": "7", "head": HEAD, "base": ""}),
    "a negative number": edited(subject={"number": -7, "head": HEAD, "base": ""}),
    "a head that is none": edited(subject={"number": 7, "head": "main", "base": ""}),
    "against something else": edited(against="somebody"),
}


@pytest.mark.parametrize("index", INDEXES.values(), ids=INDEXES)
def test_an_index_that_nobody_wrote_so(index: bytes) -> None:
    with pytest.raises(Refused) as caught:
        opened_bytes(zipped((INDEX, index)))
    assert {found.code for found in caught.value.diagnostics} == {Code.BUNDLE}


def _link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def _lying() -> bytes:
    """A zip that says that its file is small, and unpacks to more."""
    content = zipped((INDEX, GOOD + b" " * 100_000))
    size = len(GOOD) + 100_000
    return content.replace(size.to_bytes(4, "little"), len(GOOD).to_bytes(4, "little"))


def _encrypted() -> bytes:
    content = bytearray(zipped((INDEX, GOOD)))
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    return bytes(content)


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "no zip": lambda: b"PK\x03\x04 and nothing more",
    "empty": lambda: b"",
    "no index": lambda: zipped(("plan.json", b"{}")),
    "two of them": lambda: zipped((f"a/{INDEX}", GOOD), (f"b/{INDEX}", GOOD)),
    "above": lambda: zipped((INDEX, GOOD), ("../evil", b"x")),
    "far above": lambda: zipped((INDEX, GOOD), ("shop/../../evil", b"x")),
    "absolute": lambda: zipped((INDEX, GOOD), ("/etc/passwd", b"x")),
    "of Windows": lambda: zipped((INDEX, GOOD), ("..\\evil", b"x")),
    "a drive": lambda: zipped((INDEX, GOOD), ("C:evil", b"x")),
    "a link": lambda: zipped((INDEX, GOOD), (_link("shop"), b"/etc")),
    "a link for the index": lambda: zipped((_link(INDEX), b"/etc/passwd")),
    "lying": _lying,
    "encrypted": _encrypted,
    "packed otherwise": lambda: zipped((INDEX, GOOD), method=zipfile.ZIP_LZMA),
    "a bomb": lambda: zipped((INDEX, b" " * (ci_bundle.MAX_INDEX + 1))),
    "cut short": lambda: zipped((INDEX, GOOD))[:-30],
    "damaged": lambda: zipped((INDEX, GOOD), method=zipfile.ZIP_STORED).replace(b'"format":1', b'"format":9', 1),
    "many files": lambda: zipped((INDEX, GOOD)) + b"PK\x01\x02" * 10_001,
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("make", ARCHIVES.values(), ids=ARCHIVES)
def test_an_archive_that_nobody_wrote_so(make: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(make())
    with pytest.raises(Refused) as caught:
        opened(path)
    assert {found.code for found in caught.value.diagnostics} == {Code.BUNDLE}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_file_twice() -> None:
    with pytest.raises(Refused, match="twice"):
        opened_bytes(zipped((INDEX, GOOD), (INDEX, index_bytes(Bundle(PullRequestRef(8, HEAD), "store", ())))))


def test_a_folder_with_links(tmp_path: Path) -> None:
    """Neither the index nor a file of an environment is read through a link, nor from a pipe."""
    (tmp_path / "secret").write_bytes(GOOD)
    linked, piped, within = (tmp_path / name for name in ("linked", "piped", "within"))
    for folder in (linked, piped, within):
        folder.mkdir()
    (linked / INDEX).symlink_to(tmp_path / "secret")
    os.mkfifo(piped / INDEX)
    for folder in (linked, piped, tmp_path / "none"):
        with pytest.raises(Refused) as caught:
            opened(folder)
        assert {found.code for found in caught.value.diagnostics} == {Code.BUNDLE}
    (within / INDEX).write_bytes(GOOD)
    (within / "shop").symlink_to(tmp_path)
    (tmp_path / "comment.md").write_bytes(COMMENT)
    with pytest.raises(Refused):
        opened(within).text("shop", "comment.md")
