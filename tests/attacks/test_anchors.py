"""A store that is replaced as a whole, by an older one or one that was written anew, does not pass for the one that was live."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from attacking import Session
from helpers.server_process import serving

from offerkit.governance.anchors import Anchor
from offerkit.store import Store
from offerkit.usecases import anchor_places


class _Keeper(BaseHTTPRequestHandler):
    """A service that keeps anchors: POST adds lines, GET gives all of them."""

    kept = b""
    status = 200

    def do_POST(self) -> None:
        if self.status == 200:
            type(self).kept += self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(self.kept)

    def _answer(self, body: bytes) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def keeper() -> Iterator[tuple[type[_Keeper], str]]:
    """The service on a socket of its own, and its URL."""
    handler = type("_Own", (_Keeper,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield handler, f"http://127.0.0.1:{server.server_port}/anchors"
        server.shutdown()
        thread.join()


def anchored(team: Session, *places: str) -> None:
    """The environment declares places, live."""
    team.git("init --quiet --initial-branch main")
    team.save(".gitignore", ".offerkit/\n")
    team.edit(environment={"promotion": {"separation_of_duties": True, "anchors": list(places)}})
    team.git("add --all")
    team.git("-c user.name=x -c user.email=x@example.com commit --quiet -m One")
    team.do("ada", "apply --yes")
    team.do("alan", "promote --yes")


def went_live(team: Session, weight: int) -> None:
    team.edit(offers={"saver": {"weights": [{"weight": weight}]}})
    team.do("omar", "apply --yes")
    team.do("olga", "approve offer.saver")
    team.do("omar", "promote --yes")


def verify(team: Session, line: str = "--anchors") -> str:
    """What the audit says: sound, or the codes and summaries of what it found."""
    done = team.run("", f"audit verify {line}")
    return done.out if done.code == 0 else " ".join(done.err.split())


def places(tmp_path: Path, url: str) -> dict[str, str]:
    return {"git": "git", "file": f"file:{tmp_path / 'anchors.jsonl'}", "url": url}


@pytest.mark.embedded
@pytest.mark.parametrize("kind", ["git", "file", "url"])
def test_a_store_that_was_put_back_is_found(
    team: Session, kind: str, tmp_path: Path, keeper: tuple[type[_Keeper], str]
) -> None:
    """Put back without the memory of the checkout, as on another machine; and written on from there."""
    store = team.root / ".offerkit/store.db"
    anchored(team, places(tmp_path, keeper[1])[kind])
    shutil.copy(store, tmp_path / "older.db")
    went_live(team, 50)
    assert "anchor" in verify(team)
    last = team.serial()
    shutil.copy(tmp_path / "older.db", store)
    refused = team.run("", "history")  # the checkout itself remembers
    assert "OFR614" in refused.err
    (team.root / ".offerkit/heads.json").unlink()
    assert team.run("", "audit verify").code == 0  # consistent in itself
    missing = f"{last} are missing"
    assert missing in verify(team)
    assert "OFR970" in verify(team)
    went_live(team, 99)
    assert f"revision {last} was replaced" in verify(team)


def test_what_went_live_is_anchored_once(team: Session, tmp_path: Path) -> None:
    place = tmp_path / "anchors.jsonl"
    anchored(team, f"file:{place}", "git")
    team.do("ada", "stop recipients/offer.saver -m Wrong")
    lines = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    assert [line["action"] for line in lines] == ["promote", "stop"]
    assert lines[-1]["revision"] == team.serial()
    noted = subprocess.run(
        ["git", "notes", "--ref=offerkit", "show"], cwd=team.root, capture_output=True, check=True
    ).stdout.splitlines()
    assert [json.loads(line) for line in noted if line] == lines
    assert "already" in team.do("", "audit anchor")
    assert len(place.read_text(encoding="utf-8").splitlines()) == 2
    assert "4 anchors" in verify(team)


def test_a_failed_anchor_undoes_nothing_and_is_made_good(team: Session, keeper: tuple[type[_Keeper], str]) -> None:
    handler, url = keeper
    handler.status = 503
    anchored(team, url)
    done = team.run("ada", "stop recipients/offer.saver -m Wrong")
    assert done.code == 0
    assert "warning[OFR971]" in done.err
    assert "503" in done.err
    assert team.run("", "audit anchor").code == 1
    handler.status = 200
    assert "written" in team.do("", "audit anchor")
    assert json.loads(handler.kept)["revision"] == team.serial()
    assert "1 anchor" in verify(team)


@pytest.mark.embedded
def test_another_projects_store_is_found(team: Session, tmp_path: Path) -> None:
    """A store made anew from the same specs, with the same decisions."""
    place = f"file:{tmp_path / 'anchors.jsonl'}"
    anchored(team, place)
    shutil.rmtree(team.root / ".offerkit")
    team.do("ada", "apply --yes")
    team.do("omar", "approve offer.*")
    for who in ("brand", "risk"):
        team.do(who, "approve offer.*")
    assert "has anchors of another project only" in verify(team, f"--anchor {place}")
    with closing(Store.open(team.root / ".offerkit/store.db")) as store:
        assert store.last_serial() > 0


@pytest.mark.embedded
def test_a_store_that_declares_none_is_compared_with_those_of_the_specs(team: Session, tmp_path: Path) -> None:
    store = team.root / ".offerkit/store.db"
    shutil.copy(store, tmp_path / "older.db")  # from before anchors were declared
    anchored(team, f"file:{tmp_path / 'anchors.jsonl'}")
    shutil.copy(tmp_path / "older.db", store)
    (team.root / ".offerkit/heads.json").unlink()
    assert "OFR970" in verify(team)


def test_anchors_that_were_removed_are_found(team: Session, tmp_path: Path) -> None:
    """All of them, or the last lines; and a link or a pipe in their place."""
    place = tmp_path / "anchors.jsonl"
    anchored(team, f"file:{place}")
    team.do("ada", "stop recipients/offer.saver -m Wrong")
    kept = place.read_bytes()
    first = kept.splitlines(keepends=True)[0]
    for left in (b"", first, None):
        place.write_bytes(left) if left is not None else place.unlink()
        assert "changed live" in verify(team)
    place.symlink_to(tmp_path / "elsewhere.jsonl")
    assert "OFR971" in verify(team)
    assert team.run("", "audit anchor").code == 1
    assert not (tmp_path / "elsewhere.jsonl").exists()
    place.unlink()
    os.mkfifo(place)
    assert "it is not a file" in verify(team)
    assert team.run("", "audit anchor").code == 1
    place.unlink()
    place.write_bytes(first)
    team.do("", "audit anchor")
    assert place.read_bytes() == kept
    assert "2 anchors" in verify(team)


def test_a_file_that_is_locked_is_not_waited_for(
    team: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anchor_places, "_SECONDS", 0.2)
    place = tmp_path / "anchors.jsonl"
    anchored(team, f"file:{place}")
    with place.open("rb") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        done = team.run("ada", "stop recipients/offer.saver -m Wrong")
    assert (done.code, "another process has locked it" in done.err) == (0, True)


def test_a_service_that_trickles_is_not_waited_for(team: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers with a byte now and then, and never ends: the promotion is live, and one deadline ends the rest."""
    monkeypatch.setattr(anchor_places, "_SECONDS", 0.5)
    begun = threading.Event()

    class Trickling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            begun.set()
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):
                for _ in range(100):
                    self.wfile.write(b" ")
                    time.sleep(0.1)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Trickling) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        anchored(team, f"http://127.0.0.1:{server.server_port}/")
        since = time.monotonic()
        done = team.run("ada", "stop recipients/offer.saver -m Wrong")
        assert time.monotonic() - since < 5
        server.shutdown()
    assert begun.is_set()
    assert (done.code, "no answer within" in done.err) == (0, True)


def test_a_file_that_holds_something_else_is_left_alone(team: Session, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("export PATH=/bin\n", encoding="utf-8")
    anchored(team, f"file:{other}")
    assert other.read_text(encoding="utf-8") == "export PATH=/bin\n"
    assert "1 line is no anchor" in verify(team)


def test_without_anchors_there_is_nothing_to_compare(team: Session) -> None:
    assert "OFR972" in verify(team)
    assert "OFR972" in team.run("", "audit anchor").err


@pytest.mark.slow
def test_through_a_server_the_client_anchors(team: Session, tmp_path: Path) -> None:
    """It has the repository; the copy of the history that it read before lacks what it has just made."""
    anchored(team, f"file:{tmp_path / 'anchors.jsonl'}", "git")
    token = team.do("alan", "token create alan --scope all").split()[0]
    with serving(team.root, store=team.environ.get("OFFERKIT_STORE", "")) as server:
        far = Session(team.root, team.files, f"http://127.0.0.1:{server.port}")
        far.environ["OFFERKIT_TOKEN"] = token
        done = far.run("", "stop recipients/offer.saver -m Wrong")
        assert (done.code, done.err) == (0, "")
        assert "4 anchors" in verify(far)
    kept = (tmp_path / "anchors.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(kept[-1])["revision"] == team.serial()


def test_a_place_without_anchors_proves_nothing(team: Session, tmp_path: Path) -> None:
    """Emptied, never written, or with a name that was mistyped: the history is not said to be sound by it."""
    place = tmp_path / "anchors.jsonl"
    anchored(team, f"file:{place}")
    assert "1 anchor" in verify(team)
    assert f"there is no anchor in file:{tmp_path / 'anchor.jsonl'}" in verify(
        team, f"--anchor file:{tmp_path / 'anchor.jsonl'}"
    )
    place.write_bytes(b"")
    assert "OFR972" in verify(team)
    team.do("", "audit export --out record.jsonl")
    assert "OFR972" in verify(team, f"record.jsonl --anchor file:{place}")
    team.do("", "audit anchor")
    assert "1 anchor" in verify(team)


@pytest.mark.embedded
def test_a_store_without_revisions_is_compared_too(team: Session, tmp_path: Path) -> None:
    place = f"file:{tmp_path / 'anchors.jsonl'}"
    anchored(team, place)
    store = team.root / ".offerkit/store.db"
    store.unlink()
    Store.open(store, create=True).close()
    (team.root / ".offerkit/heads.json").unlink()
    assert "has anchors of another project only" in verify(team, f"--anchor {place}")


def restored(team: Session, tmp_path: Path, *others: str) -> str:
    """Anchors of a promotion that a lawful restore took back; gives the place."""
    place = f"file:{tmp_path / 'anchors.jsonl'}"
    anchored(team, place, *others)
    team.do("ada", f"store backup {tmp_path / 'monday.db'}")
    went_live(team, 50)
    team.do("ada", f"store restore {tmp_path / 'monday.db'} --yes")
    return place


def test_what_a_restore_took_back_can_be_accepted(team: Session, tmp_path: Path) -> None:
    """By an administrator and with a reason; it is anchored itself, shown for good, and accepts nothing else."""
    place = restored(team, tmp_path, "git")
    assert "--accept-lost" in verify(team)
    assert (
        "omar (offer-manager) is not allowed to accept lost anchors"
        in team.run("omar", "audit anchor --accept-lost -m Monday").err
    )
    assert "needs a reason" in team.run("ada", "audit anchor --accept-lost").err
    assert "goes with --accept-lost" in team.run("ada", "audit anchor -m Monday").err
    before = team.serial()
    done = team.do("ada", "audit anchor --accept-lost -m Monday")
    accepted = f"by ada in revision {before + 1}"
    assert team.serial() == before + 1
    assert "Lost, and accepted: 1 anchor of revision" in done and accepted in " ".join(done.split())
    kept = [json.loads(line) for line in (tmp_path / "anchors.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (kept[-1]["action"], kept[-1]["revision"]) == ("accept-lost", before + 1)
    assert "OFR972" in team.run("ada", "audit anchor --accept-lost -m Again").err
    for line in ("", "--anchors", f"--anchor {place}"):
        assert accepted in " ".join(verify(team, line).split())
        (loss,) = json.loads(verify(team, f"{line} --format json"))["accepted"]
        assert (loss["operator"], loss["reason"], loss["anchors"][0]["places"]) == ("ada", "Monday", [place, "git"])
    team.do("", "audit export --out record.jsonl")
    assert accepted in " ".join(verify(team, f"record.jsonl --anchor {place}").split())
    went_live(team, 70)
    assert accepted in " ".join(verify(team).split())


def test_accepting_hides_nothing(team: Session, tmp_path: Path) -> None:
    """Somebody who put an older store in place and accepts that is named by it; and cannot take that back."""
    store, heads = team.root / ".offerkit/store.db", team.root / ".offerkit/heads.json"
    if "OFFERKIT_STORE" in team.environ:
        pytest.skip("the store is no file")
    restored(team, tmp_path)
    shutil.copy(store, tmp_path / "older.db")
    team.do("ada", "audit anchor --accept-lost -m Monday")
    last = team.serial()
    shutil.copy(tmp_path / "older.db", store)
    heads.unlink()
    assert f"revisions {last} to {last + 1} are missing" in verify(team)
    team.do("ada", "audit anchor --accept-lost -m Nothing")
    assert f"2 anchors of revisions {last} to {last + 1}" in " ".join(verify(team).split())
    (tmp_path / "anchors.jsonl").write_bytes(b"".join((tmp_path / "anchors.jsonl").read_bytes().splitlines(True)[:-1]))
    assert f"revision {last} accepts lost anchors, and" in verify(team)
    team.do("", "audit anchor")
    assert "Lost, and accepted" in verify(team)


def test_what_is_lost_after_that_is_found(team: Session, tmp_path: Path) -> None:
    restored(team, tmp_path)
    team.do("ada", "audit anchor --accept-lost -m Monday")
    team.do("ada", f"store backup {tmp_path / 'tuesday.db'}")
    went_live(team, 60)
    team.do("ada", f"store restore {tmp_path / 'tuesday.db'} --yes")
    assert "OFR970" in verify(team)
    team.do("ada", "audit anchor --accept-lost -m Tuesday")
    said = verify(team)
    assert "Monday" in said and "Tuesday" in said


def _notes(team: Session, line: str) -> str:
    words = shlex.split(f"git -c user.name=x -c user.email=x@example.com notes --ref=offerkit {line}")
    return subprocess.run(words, cwd=team.root, capture_output=True, text=True, check=True).stdout


def test_notes_that_were_rewritten_by_hand(team: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is none, a line less, another digest or project; no notes at all, or more than is read."""
    anchored(team, "git")
    team.do("ada", "stop recipients/offer.saver -m Wrong")
    first, last = (json.loads(line) for line in _notes(team, "show HEAD").splitlines() if line)
    told = {
        "signed off": "1 line is no anchor",
        json.dumps(first): "changed live, and git (refs/notes/offerkit) has no anchor of it",
        json.dumps({**last, "digest": "0" * 64}): f"revision {last['revision']} was replaced",
        json.dumps({**last, "revision": 99}): f"revisions {last['revision'] + 1} to 99 are missing",
        json.dumps({**last, "project": "another"}): "has anchors of another project only",
    }
    for line, said in told.items():
        _notes(team, f"add --force --message={shlex.quote(line)} HEAD")
        assert said in verify(team), line
    _notes(team, "remove HEAD")
    assert "there is no anchor in git" in verify(team)
    team.git("update-ref refs/notes/offerkit HEAD")  # a tree of files
    assert "there is no anchor in git" in verify(team)
    team.git("update-ref -d refs/notes/offerkit")
    assert "there is no anchor in git" in verify(team)
    team.do("", "audit anchor")
    assert "1 anchor" in verify(team)
    monkeypatch.setattr(anchor_places, "LARGEST", 20)
    assert "OFR971" in verify(team)


@pytest.mark.parametrize("kind", ["git", "file"])
def test_two_who_anchor_at_once(tmp_path: Path, kind: str) -> None:
    """Git reads notes, adds a line and writes them: none may be lost between."""
    for words in ("init --quiet", "-c user.name=x -c user.email=x@example.com commit --quiet --allow-empty -m One"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    name = "git" if kind == "git" else "file:anchors.jsonl"
    many = [Anchor("p", number, f"{number:064x}", "promote", "2026-01-01T00:00:00.000000Z") for number in range(1, 13)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda anchor: anchor_places.place_of(name, tmp_path, dict(os.environ)).add(anchor), many))
    place = anchor_places.place_of(name, tmp_path, dict(os.environ)).read()
    assert (sorted(place.anchors), place.strange) == (many, 0)
