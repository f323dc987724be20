"""The copy of the history that operators elsewhere read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.server import history_copies
from offerkit.store import Store
from offerkit.usecases import tokens

COPY = "/api/v1/store/copy"


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    found = with_people(shop).go_live()
    found.later(days=300)  # the workspace's clock is behind the server's
    return found


@pytest.fixture
def headers(live: Workspace) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.create(live.session('ada'), 'ada', '', '366d')[1]}"}


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def asking(live: Workspace, scratch: Path) -> Iterator[TestClient]:
    with client(live) as found:
        yield found


def change(live: Workspace, title: str) -> None:
    live.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": title}}}}})
    live.apply("ada")


def test_each_revision_has_its_copy_and_none_is_left_on_the_disk(
    asking: TestClient, live: Workspace, headers: dict[str, str], scratch: Path, tmp_path: Path
) -> None:
    for number in range(3):
        answer = asking.get(COPY, headers=headers)
        assert answer.status_code == 200
        path = tmp_path / f"copy-{number}.db"
        path.write_bytes(answer.content)
        with Store.open(path) as copy, live.store() as store:
            assert copy.revisions() == store.revisions()
            assert answer.headers["etag"] == f'"{store.revisions(limit=1)[0].digest}"'
            assert copy.verify(tokens_too=False) == []
            assert (copy.tokens(), copy.propositions()) == ([], [])
        assert asking.get(COPY, headers={**headers, "If-None-Match": answer.headers["etag"]}).status_code == 304
        assert list(scratch.iterdir()) == []
        change(live, f"Zebras {number}")


def test_a_copy_is_read_to_its_end_while_the_next_one_takes_its_place(live: Workspace, scratch: Path) -> None:
    copies = history_copies.HistoryCopies(live.session())
    old = copies.newest()
    reading = old.parts()
    change(live, "Zebras")
    new = copies.newest()
    assert (old.etag != new.etag, list(scratch.iterdir())) == (True, [])
    assert len(b"".join(reading)) == old.size


def test_it_is_named_by_what_is_in_it(live: Workspace, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy_history = history_copies.copying.copy_history

    def late(*places: Path) -> None:
        change(live, "Zebras")  # after the store was asked for its newest revision
        copy_history(*places)

    monkeypatch.setattr(history_copies.copying, "copy_history", late)
    made = history_copies.HistoryCopies(live.session()).newest()
    with live.store() as store:
        assert made.etag == store.revisions(limit=1)[0].digest


def test_one_is_made_for_all_who_ask_at_once(
    asking: TestClient, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Path] = []
    copy_history = history_copies.copying.copy_history
    monkeypatch.setattr(
        history_copies.copying, "copy_history", lambda *places: (made.append(places[1]), copy_history(*places))
    )
    monkeypatch.setattr(history_copies, "PART", 1000)  # many parts, read by many at once
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: asking.get(COPY, headers=headers).content, range(12)))
    assert (len(made), len(set(answers))) == (1, 1)


def test_it_is_for_operators(asking: TestClient) -> None:
    answer = asking.get(COPY)
    assert answer.status_code == 401
    assert answer.json()["errors"] == [{"code": "OFR702", "message": "only operators can call this"}]
