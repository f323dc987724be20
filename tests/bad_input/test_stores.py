"""Stores that are none, cannot be written, have no room, are held by another, or are of another time."""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from processes import ROOT_BYPASSES, offerkit
from wrong import edit, run, state

OFFERS = "specs/people/offers.yaml"
WRITING = (
    ("apply", "--yes"),
    ("approve", "people/offer.saver"),
    ("rollback", "people@design", "--to", "0", "--yes"),
)
READING = (
    ("plan",),
    ("history",),
    ("approvals",),
    ("audit", "verify"),
    ("promote", "--plan-only"),
    ("diff", "design", "specs"),
)


@pytest.fixture
def store(project: Path) -> Path:
    """The store of a project with one change to apply."""
    edit(project, {OFFERS: ("label: Saver", "label: Saver plus")})
    return project / ".offerkit/store.db"


def refused(project: Path, code: str, *commands: tuple[str, ...]) -> None:
    """Every command says so in one diagnostic, and changes not a byte."""
    before = state(project)
    for command in commands or (*WRITING, *READING):
        found = run(project, *command).only
        assert found.code.value == code, (command, found)
        assert state(project) == before, command


@pytest.mark.parametrize(
    "content", [b"just text\n" * 100, b"\x00" * 4096, b"SQLite format 3\x00" + b"\xff" * 4096, b"x"]
)
def test_a_file_that_is_no_store(project: Path, store: Path, content: bytes) -> None:
    """It is somebody's: nothing of it is touched."""
    store.write_bytes(content)
    before = state(project)
    for command in (*WRITING, *READING):
        assert run(project, *command).only.code.value in ("OFR601", "OFR607"), command
        assert state(project) == before


def test_a_folder(project: Path, store: Path) -> None:
    """Where the store should be."""
    store.unlink()
    store.mkdir()
    refused(project, "OFR601")


def test_another_database(project: Path, store: Path) -> None:
    """An SQLite database, of another application."""
    store.unlink()
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE meta (key, value)")
    connection.close()
    refused(project, "OFR601")


def test_no_store_yet(project: Path, store: Path) -> None:
    """What needs one says that the first apply makes it."""
    shutil.rmtree(store.parent)  # with what was seen of it: a store that only went is another refusal
    refused(project, "OFR606", *[c for c in (*WRITING, *READING) if c[0] not in ("apply", "plan")])
    assert run(project, "plan").code == 0
    assert not store.exists()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("UPDATE meta SET value = '99' WHERE key = 'format'", "OFR605"),
        ("UPDATE meta SET value = 'new' WHERE key = 'format'", "OFR607"),
        ("UPDATE meta SET value = '0' WHERE key = 'format'", "OFR607"),
        ("DELETE FROM meta", "OFR607"),
        ("DROP TABLE meta", "OFR607"),
    ],
)
def test_of_another_time(project: Path, store: Path, change: str, code: str) -> None:
    """Of a newer offerkit, or of none."""
    with sqlite3.connect(store) as connection:
        connection.execute(change)
    connection.close()
    refused(project, code)


@pytest.mark.parametrize("table", ["revision", "change", "approval", "outcome", "snapshot", "stage", "stage_entry"])
@pytest.mark.parametrize(
    "how", ["DROP TABLE {}", "UPDATE {} SET {column} = x'ff'", "UPDATE {} SET {column} = 'nonsense'"]
)
def test_damaged(project: Path, store: Path, table: str, how: str) -> None:
    """By a foreign hand: whatever is read of it ends in a refusal or an answer, and verify tells."""
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        for column in columns:
            try:
                connection.execute(how.format(table, column=column))
            except sqlite3.Error:  # a key: it stays
                continue
    connection.close()
    for command in (*READING, *WRITING):
        outcome = run(project, *command)
        assert outcome.code in (0, 1), command
    if table != "approval":  # there are none yet
        assert run(project, "audit", "verify").code == 1


def test_every_page_of_it(project: Path, store: Path) -> None:
    """Bytes overwritten anywhere: a refusal or an answer, never a traceback."""
    content = store.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 40)):
        store.write_bytes(content[:place] + b"\xa5" * 64 + content[place + 64 :])
        for command in (("plan",), ("audit", "verify"), ("apply", "--yes")):
            assert run(project, *command).code in (0, 1), (place, command)
        for beside in store.parent.glob("store.db-*"):
            beside.unlink()


def test_cut_short(project: Path, store: Path) -> None:
    """Half of a store."""
    content = store.read_bytes()
    for size in (1, 99, 100, 4096, len(content) // 2, len(content) - 4096):
        store.write_bytes(content[:size])
        for command in (("plan",), ("audit", "verify"), ("apply", "--yes")):
            assert run(project, *command).code == 1, (size, command)


@pytest.mark.skipif(ROOT_BYPASSES, reason="capabilities cannot be dropped here, and root writes everything")
@pytest.mark.parametrize("locked", ["file", "folder", "both"])
def test_read_only(project: Path, store: Path, locked: str) -> None:
    """Writing is refused, reading works (as root the capability to write everything is dropped)."""
    targets = {"file": [store], "folder": [store.parent], "both": [store, store.parent]}[locked]
    modes = [(path, path.stat().st_mode) for path in targets]
    before = state(project)
    try:
        for path in targets:
            path.chmod(0o555 if path.is_dir() else 0o444)
        for command in WRITING:
            done = offerkit(project, *command, rights=False)
            assert done.returncode == 1 and done.stderr.count("error[OFR602]") == 1, (command, done)
        for command in (("plan",), ("audit", "verify")):
            done = offerkit(project, *command, rights=False)
            assert done.returncode == 0, (command, done)
    finally:
        for path, mode in modes:
            path.chmod(mode)
    assert state(project) == before


@pytest.mark.skipif(ROOT_BYPASSES, reason="capabilities cannot be dropped here, and root writes everything")
def test_nowhere_to_write(project: Path, store: Path) -> None:
    """A project on a read-only disk: plans are made (without a cache), a store cannot be."""
    shutil.rmtree(store.parent)
    mode = project.stat().st_mode
    project.chmod(0o555)
    try:
        assert offerkit(project, "plan", rights=False).returncode == 0
        done = offerkit(project, "apply", "--yes", rights=False)
        assert done.returncode == 1 and "error[OFR602]" in done.stderr
        saved = offerkit(project, "plan", "--out", "plan.json", rights=False)
        assert saved.returncode == 1 and "error[OFR112]: a plan cannot be written" in saved.stderr
    finally:
        project.chmod(mode)
    assert not store.parent.exists()


@pytest.mark.parametrize("room", [0, 4096, 20_000])
def test_full(project: Path, store: Path, room: int) -> None:
    """A limit on file size stands for a full disk: the transaction is as if it had never been."""
    big = "".join(f"  more-{number}: {{category: bank, content: {{title: '{'x' * 2000}'}}}}\n" for number in range(400))
    (project / "specs/people/more.yaml").write_text(f"version: 1\noffers:\n{big}")
    limit = store.stat().st_size + room

    def before() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = offerkit(project, "--no-cache", "apply", "--yes", before=before)
    assert done.returncode == 1 and done.stderr.count("error[") == 1, done
    assert "error[OFR603]" in done.stderr
    verified = run(project, "audit", "verify")
    assert (verified.code, "1 revision," in verified.out) == (0, True)
    assert run(project, "apply", "--yes").code == 0
    assert run(project, "audit", "verify").code == 0


def test_full_from_the_start(project: Path, store: Path) -> None:
    """No room for a store at all."""
    shutil.rmtree(store.parent)
    store.parent.mkdir()

    def before() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    done = offerkit(project, "--no-cache", "apply", "--yes", before=before)
    assert done.returncode == 1 and "error[OFR603]" in done.stderr, done
    assert run(project, "apply", "--yes").code == 0
    assert run(project, "audit", "verify").code == 0


@pytest.mark.parametrize(
    ("what", "limit", "code"),
    [
        (resource.RLIMIT_FSIZE, 0, "OFR603"),
        (resource.RLIMIT_FSIZE, 512, "OFR603"),
        (resource.RLIMIT_NOFILE, 5, "OFR112"),
    ],
)
@pytest.mark.parametrize("command", [("history",), ("--no-cache", "apply", "--yes")], ids=["history", "apply"])
def test_a_limit_is_not_damage(
    project: Path, store: Path, command: tuple[str, ...], what: int, limit: int, code: str
) -> None:
    """What the machine has no more of is told as that, to readers as well, who need files beside the store."""

    def before() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(what, (limit, limit))

    done = offerkit(project, *command, before=before)
    assert done.returncode == 1, done
    assert f"error[{code}]" in done.stderr or "Too many open files" in done.stderr, done
    assert "damaged" not in done.stderr
    verified = run(project, "audit", "verify")
    assert (verified.code, "1 revision," in verified.out) == (0, True)


@pytest.fixture
def holder(project: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock of the project's store, as *someone else*."""
    program = (
        "import sys, time; from pathlib import Path; from offerkit.store import write_lock\n"
        "with write_lock(Path('.offerkit/store.db').absolute(), who='someone else', timeout=0):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program], cwd=project, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_locked(project: Path, store: Path, holder: subprocess.Popen[str]) -> None:
    """Writing is told who holds it; reading works."""
    try:
        for command in WRITING:
            found = run(project, *command).only
            assert found.code.value == "OFR604"
            assert f"someone else (process {holder.pid})" in found.summary
        for command in READING:
            assert run(project, *command).code == 0
    finally:
        holder.kill()
        holder.wait()
    assert run(project, "apply", "--yes").code == 0


def test_note_of_the_holder_is_only_read(project: Path, store: Path) -> None:
    """Whatever stands in it decides nothing."""
    for note in (b"", b"nonsense", b"{}", json.dumps({"pid": 1, "who": "\x1b[31m", "since": "x"}).encode(), b"[1]"):
        store.with_name("store.db.holder").write_bytes(note)
        assert run(project, "approve", "people/offer.saver").code == 0


@pytest.mark.slow  # it waits for five seconds, as long as SQLite is told to
def test_locked_by_sqlite(project: Path, store: Path) -> None:
    """Another program has the database open for writing."""
    other = sqlite3.connect(store, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        done = offerkit(project, "apply", "--yes")
        assert done.returncode == 1 and "error[OFR604]" in done.stderr
    finally:
        other.close()
    assert run(project, "audit", "verify").code == 0
