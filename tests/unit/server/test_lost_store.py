"""A served store that is deleted or replaced: nothing is answered until a sound one of the project is back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.serving import client, with_people
from helpers.workspace import Workspace
from starlette.testclient import TestClient

from offerkit.store import Store
from offerkit.usecases import restore, store_maintenance

BODY = {"spaces": ["shop/web"], "contact": "ann@example.com", "n": 3}


@pytest.fixture
def live(shop: Workspace) -> Workspace:
    with_people(shop).change({"specs/shop/catalog.yaml": {"rules": {"weekly": {"max": 1000}}}})
    return shop.go_live()


@pytest.fixture
def asking(live: Workspace) -> Iterator[TestClient]:
    with client(live) as asking:
        yield asking


def until(asking: TestClient, status: int) -> dict[str, Any]:
    """What /health/ready says once it says ``status``."""
    for _ in range(500):
        answer = asking.get("/health/ready")
        if answer.status_code == status:
            found: dict[str, Any] = answer.json()
            return found
        time.sleep(0.02)
    raise AssertionError(f"never {status}: {answer.text}")


def proposed(asking: TestClient) -> set[str]:
    answer = asking.post("/api/v1/propose", json=BODY)
    assert answer.status_code == 200, answer.text
    return {p["id"] for space in answer.json()["spaces"] for p in space["propositions"]}


def kept(path: Path) -> set[str]:
    with Store.open(path) as store:
        return {row.id for row in store.propositions(limit=0)}


def backed_up(live: Workspace) -> Path:
    target = live.root / "backup.db"
    store_maintenance.copy(live.location, target)
    return target


def file_of(live: Workspace) -> Path:
    assert isinstance(live.location, Path)
    return live.location


def swapped(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.embedded
@pytest.mark.parametrize(
    "way", [Path.unlink, lambda path: shutil.rmtree(path.parent), swapped, lambda path: path.write_bytes(b"x" * 4096)]
)
def test_a_lost_store_is_told_and_taken_up_when_it_is_back(
    live: Workspace, asking: TestClient, way: Callable[[Path], None]
) -> None:
    first = proposed(asking)
    backup, path = backed_up(live), file_of(live)
    way(path)
    answer = asking.post("/api/v1/propose", json=BODY)
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
    assert str(live.root) not in answer.text
    said = until(asking, 503)
    assert said["status"] == "not ready" and said["reason"] and str(live.root) not in said["reason"]
    for body in ({**BODY, "store": False}, BODY):
        assert asking.post("/api/v1/propose", json=body).status_code == 503
    assert asking.post("/api/v1/update", json={"proposition": min(first), "status": "accepted"}).status_code == 503
    assert asking.get("/health/live").status_code == 200
    if path.is_dir():
        path.rmdir()
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(backup, path.with_name("next.db"))
    path.with_name("next.db").rename(path)
    until(asking, 200)
    second = proposed(asking)
    assert first | second <= kept(path)


@pytest.mark.embedded
def test_another_projects_store_is_not_served_nor_written_to(
    live: Workspace, asking: TestClient, tmp_path: Path
) -> None:
    proposed(asking)
    path, theirs = file_of(live), tmp_path / "theirs.db"
    with Store.open(theirs, create=True) as store:
        project = store.project
    path.rename(path.with_name("ours.db"))
    shutil.copyfile(theirs, path)
    until(asking, 503)
    for _ in range(500):
        said = until(asking, 503)["reason"]
        if project in said:
            break
        time.sleep(0.02)
    assert project in said
    assert asking.post("/api/v1/propose", json=BODY).status_code == 503
    assert path.read_bytes() == theirs.read_bytes()
    path.with_name("ours.db").rename(path)
    until(asking, 200)
    proposed(asking)


@pytest.mark.embedded
def test_an_older_copy_is_served_as_it_is(live: Workspace, asking: TestClient) -> None:
    backup, path = backed_up(live), file_of(live)
    live.change({"specs/shop/offers.yaml": {"offers": {"safari": {"content": {"title": "Leopards"}}}}})
    live.apply("ada")
    live.approve_all()
    live.promote("ada")
    for _ in range(500):
        if "Leopards" in asking.post("/api/v1/propose", json=BODY).text:
            break
        time.sleep(0.02)
    assert "Leopards" in asking.post("/api/v1/propose", json=BODY).text
    backup.rename(path)
    for _ in range(500):
        answer = asking.post("/api/v1/propose", json=BODY)
        if answer.status_code == 200 and "Leopards" not in answer.text:
            break
        time.sleep(0.02)
    assert answer.status_code == 200 and "Leopards" not in answer.text


@pytest.mark.embedded
def test_one_that_does_not_verify_is_not_served(live: Workspace, asking: TestClient) -> None:
    backup, path = backed_up(live), file_of(live)
    sound = backup.read_bytes()
    with Store.open(backup, write=True) as store, store.transaction():
        store.database.run("UPDATE revision SET actor = 'mallory' WHERE serial = 1")
    backup.rename(path)
    for _ in range(500):
        said = until(asking, 503)["reason"]
        if "verify" in said:
            break
        time.sleep(0.02)
    assert "verify" in said
    path.with_name("sound.db").write_bytes(sound)
    path.with_name("sound.db").rename(path)
    until(asking, 200)
    proposed(asking)


def test_restoring_beside_a_server(live: Workspace) -> None:
    backup = backed_up(live)
    with client(live, environ={}) as asking:
        first = proposed(asking)
        with restore.prepare_restore(live.session("ada"), backup) as found:
            restore.restore(found)
        second = proposed(asking)
        assert until(asking, 200)["status"] == "ready"
    with live.store() as store:
        assert first | second <= {one.id for one in store.propositions(limit=0)}
        assert store.verify() == []
