"""Which files make a project, and what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from offerkit.diagnostics import Code, Refused
from offerkit.specs import Project, find_project
from offerkit.specs.limits import MAX_BYTES
from offerkit.specs.project import read_all, read_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "environments").mkdir()
    (tmp_path / "specs" / "shop" / "deep").mkdir(parents=True)
    return tmp_path


def codes(root: Path) -> list[tuple[str, str]]:
    return [(d.code, str(d.position).partition(":")[0]) for d in read_files(root)[1]]


def test_files_know_their_environment_and_role(root: Path) -> None:
    for path in (
        "environments/shop.yaml",
        "specs/people.yml",
        "specs/shop/a.yaml",
        "specs/shop/deep/b.yaml",
        "specs/shop/notes.txt",
        "specs/shop/.hidden.yaml",
        "specs/.git/x.yaml",
        "other/x.yaml",
    ):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)
    files, found = read_files(root)
    assert found == []
    assert [(f.path, f.environment, f.declares, f.content.decode()) for f in files] == [
        ("environments/shop.yaml", "shop", True, "environments/shop.yaml"),
        ("specs/people.yml", "shared", False, "specs/people.yml"),
        ("specs/shop/a.yaml", "shop", False, "specs/shop/a.yaml"),
        ("specs/shop/deep/b.yaml", "shop", False, "specs/shop/deep/b.yaml"),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "environments/a/b.yaml",
        "environments/shared.yaml",
        "environments/a b.yaml",
        "specs/a b/x.yaml",
        "specs/shared/x.yaml",
    ],
)
def test_files_in_the_wrong_place(root: Path, path: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("version: 1\n")
    assert codes(root) == [(Code.MISPLACED, path)]


def test_a_link_may_not_lead_out_of_the_project(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.yaml").write_text("x")
    (root / "specs/shop/inside.yaml").write_text("version: 1\n")
    (root / "specs/shop/a-link.yaml").symlink_to("inside.yaml")
    (root / "specs/shop/b-link.yaml").symlink_to(outside / "secret.yaml")
    (root / "specs/c-link").symlink_to(outside)
    outside_links = [(Code.LINK_OUTSIDE, "specs/c-link"), (Code.LINK_OUTSIDE, "specs/shop/b-link.yaml")]
    assert sorted(codes(root)) == outside_links
    assert [f.path for f in read_files(root)[0]] == ["specs/shop/a-link.yaml", "specs/shop/inside.yaml"]


def test_a_link_to_a_neighbour_of_the_project_leads_out_of_it(root: Path) -> None:
    neighbour = root.with_name(root.name + "-more")
    neighbour.mkdir()
    (neighbour / "x.yaml").write_text("x")
    (root / "specs/shop/link.yaml").symlink_to(neighbour / "x.yaml")
    assert codes(root) == [(Code.LINK_OUTSIDE, "specs/shop/link.yaml")]


def test_a_link_back_up_ends(root: Path) -> None:
    (root / "specs/shop/a.yaml").write_text("version: 1\n")
    (root / "specs/shop/loop").symlink_to("..")
    assert [f.path for f in read_files(root)[0]] == ["specs/shop/a.yaml"]


def test_a_link_to_nothing(root: Path) -> None:
    (root / "specs/shop/gone.yaml").symlink_to("nowhere.yaml")
    assert codes(root) == [(Code.UNREADABLE, "specs/shop/gone.yaml")]


def test_a_pipe_is_not_waited_for(root: Path) -> None:
    os.mkfifo(root / "specs/shop/pipe.yaml")
    assert codes(root) == [(Code.UNREADABLE, "specs/shop/pipe.yaml")]


def test_a_file_over_the_limit_is_not_read(root: Path) -> None:
    with (root / "specs/shop/big.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert codes(root) == [(Code.FILE_TOO_LARGE, "specs/shop/big.yaml")]


def test_all_that_cannot_be_read_is_told_at_once(root: Path) -> None:
    (root / "specs/shop/gone.yaml").symlink_to("nowhere.yaml")
    (root / "environments/a b.yaml").write_text("x")
    (root / "specs/shop/good.yaml").write_text("version: 1\n")
    assert len(codes(root)) == 2
    assert len(read_files(root)[0]) == 1


def test_a_project_is_found_from_any_folder_of_it(root: Path) -> None:
    assert find_project(root / "specs/shop/deep") == Project(root)
    assert Project(root).store == root / ".offerkit" / "store.db"


def test_no_project(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    with pytest.raises(Refused) as caught:
        find_project(tmp_path)
    assert caught.value.diagnostics[0].code == Code.NO_PROJECT


def test_a_project_without_any_file(root: Path) -> None:
    with pytest.raises(Refused) as caught:
        read_all(Project(root))
    assert caught.value.diagnostics[0].code == Code.NO_PROJECT
