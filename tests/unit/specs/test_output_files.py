"""Files that a user names to be written: whole or not at all, and never in place of another kind."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.specs import output_files
from offerkit.specs.json_schema import schema_files
from offerkit.specs.output_files import (
    CURSOR,
    HISTORY,
    JSON_SCHEMA,
    JUNIT,
    PLAN,
    RESULTS,
    SET_ASIDE,
    FileKind,
    alone,
    check_output,
    writing,
)

A_PLAN = b'{"digest":"' + b"a" * 64 + b'","plan":{}}\n'
OWN = {
    "plan": (PLAN, A_PLAN),
    "plan, laid out": (PLAN, A_PLAN.replace(b":", b" : ").replace(b",", b",\n ")),
    "history": (HISTORY, b'{"action":"apply","actor":"ada","approvals":[]}\n'),
    "csv": (RESULTS, b"space,contact,rank,offer,category\r\na,b,1,c,d\r\n"),
    "set aside": (SET_ASIDE, b"where,code,reason\r\n"),
    "junit": (JUNIT, b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites tests="1">'),
    "page": (output_files.SIMULATION_PAGE, b"<!doctype html>\n<title>r in live: who gets what</title>"),
    "schema": (JSON_SCHEMA, schema_files()["specs.json"]),
    "with a mark": (SET_ASIDE, b"\xef\xbb\xbfwhere,code,reason\n"),
}
FOREIGN = (
    b"version: 1\noffers: {}\n",
    b"{}",
    b"id,email\n1,a@b.c\n",
    b"<!doctype html><title>x</title>",
    b"SQLite format 3\0",
    b"PAR1" + b"\0" * 99 + b"PAR1",
    b"<html>",
    b" ",
    b'{"digest":"x"}',
    b"spaced,contact",
    b"\0" * 100_000,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refused(target: Path, kind: FileKind = PLAN) -> tuple[str, str]:
    with pytest.raises(Refused) as caught, writing(target, kind) as file:
        file.write(b"never")
    (found,) = caught.value.diagnostics
    return found.code, f"{found.summary}. {found.detail}"


@pytest.mark.parametrize("which", OWN)
def test_what_is_of_its_own_kind_is_replaced(tmp_path: Path, which: str) -> None:
    kind, content = OWN[which]
    target = tmp_path / "x"
    target.write_bytes(content)
    target.chmod(0o640)
    with writing(target, kind) as file:
        file.write(b"new")
        assert target.read_bytes() == content
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("content", FOREIGN)
@pytest.mark.parametrize(
    "kind", sorted({kind for kind, _ in OWN.values()}, key=lambda kind: kind.title), ids=lambda kind: kind.title
)
def test_what_is_not_stays(tmp_path: Path, kind: FileKind, content: bytes) -> None:
    target = tmp_path / "x"
    target.write_bytes(content)
    code, told = refused(target, kind)
    assert code == Code.TARGET_EXISTS
    assert kind.title in told
    assert target.read_bytes() == content
    assert names(tmp_path) == ["x"]


def test_one_kind_is_not_another(tmp_path: Path) -> None:
    target = tmp_path / "x"
    for one, content in OWN.values():
        target.write_bytes(content)
        for other, _ in OWN.values():
            if one is not other:
                assert refused(target, other)[0] == Code.TARGET_EXISTS


def test_what_was_not_there(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with writing(tmp_path / "new", PLAN) as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


def test_an_empty_file_is_taken_but_for_a_lock(tmp_path: Path) -> None:
    for name in ("mktemp", "store.db.lock", "store.db-wal"):
        (tmp_path / name).touch()
    check_output(tmp_path / "mktemp", PLAN)
    for name in ("store.db.lock", "store.db-wal"):
        assert refused(tmp_path / name)[0] == Code.TARGET_EXISTS


@pytest.mark.parametrize("folder", [".offerkit", ".git", ".git/hooks"])
def test_nothing_is_written_where_others_keep_their_files(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir(parents=True)
    assert refused(tmp_path / folder / "new")[0] == Code.TARGET_EXISTS
    (tmp_path / "link").symlink_to(folder)
    assert refused(tmp_path / "link/new")[0] == Code.TARGET_EXISTS
    assert names(tmp_path / folder) in ([], ["hooks"])


@pytest.mark.parametrize("name", [".offerkit", ".git"])
def test_no_file_takes_the_place_of_such_a_folder(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name)[0] == Code.TARGET_EXISTS
    assert names(tmp_path) == []


def test_links_stay_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("real")
    for content in (b"", A_PLAN):
        (tmp_path / "real").write_bytes(content)
        with writing(tmp_path / "link", PLAN) as file:
            file.write(b"new")
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "real").read_bytes() == b"new"
    (tmp_path / "real").write_bytes(b"version: 1\n")
    assert refused(tmp_path / "link")[0] == Code.TARGET_EXISTS
    (tmp_path / "dangling").symlink_to("made")
    with writing(tmp_path / "dangling", PLAN) as file:
        file.write(b"x")
    assert (tmp_path / "made").read_bytes() == b"x"
    (tmp_path / "loop").symlink_to("loop")
    assert refused(tmp_path / "loop")[0] == Code.UNREADABLE


def test_a_file_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "x"
    with pytest.raises(Refused), writing(target, PLAN) as file:
        file.write(b"new")
        target.write_bytes(b"version: 1\n")
    assert target.read_bytes() == b"version: 1\n"
    assert names(tmp_path) == ["x"]


def test_a_run_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "x"
    target.write_bytes(A_PLAN)
    with pytest.raises(KeyError), writing(target, PLAN) as file:
        file.write(b"half")
        raise KeyError
    assert target.read_bytes() == A_PLAN
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no/where", "there is no folder"),
        ("a\0b", "null"),
        ("x" * 300, "too long"),
        (".", "is a folder"),
        ("", "is a folder"),
    ],
)
def test_names_that_cannot_be_written(tmp_path: Path, name: str, words: str) -> None:
    code, told = refused(tmp_path / name)
    assert code == Code.UNREADABLE
    assert words in told
    assert names(tmp_path) == []


def test_a_folder_is_made_where_that_is_wanted(tmp_path: Path) -> None:
    with writing(tmp_path / "a/b/c", PLAN, folders=True) as file:
        file.write(b"x")
    (tmp_path / "file").touch()
    with pytest.raises(Refused), writing(tmp_path / "file/c", PLAN, folders=True):
        pass


def test_not_all_below_dev_is_a_device() -> None:
    if Path("/dev/shm").is_dir():  # a folder of files like any other
        with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
            file.write(b"version: 1\n")
            file.flush()
            assert refused(Path(file.name))[0] == Code.TARGET_EXISTS
            assert Path(file.name).read_bytes() == b"version: 1\n"


def test_pipes_and_devices_are_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    with writing(pipe, PLAN) as file:
        file.write(A_PLAN)
    reader.join()
    assert read == [A_PLAN]
    with writing(Path("/dev/null"), PLAN) as file:
        file.write(A_PLAN)
    assert "No space left" in refused(Path("/dev/full"))[1]
    code = (
        "from pathlib import Path; from offerkit.specs.output_files import *\n"
        "print('before', flush=True)\nwith writing(Path('/dev/stdout'), PLAN) as f: f.write(b'plan\\n')\nprint('after')"
    )
    with (tmp_path / "out").open("ab") as out:
        subprocess.run([sys.executable, "-c", code], check=True, stdout=out)
    assert names(tmp_path) == ["out", "pipe"]
    assert (tmp_path / "out").read_text() == "before\nplan\nafter\n"


def test_of_two_runs_with_one_file_one_is_told(tmp_path: Path) -> None:
    target = tmp_path / "cursor"
    with alone(target, CURSOR):
        with pytest.raises(Refused) as caught, alone(target, CURSOR):
            pass
        assert [one.code for one in caught.value.diagnostics] == [Code.OUTPUT_IN_USE]
        with alone(tmp_path / "other", CURSOR), alone(Path(os.devnull), CURSOR), alone(Path(os.devnull), CURSOR):
            pass
    with alone(target, CURSOR):
        assert not target.exists()
