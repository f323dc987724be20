"""A contact in files of deliveries: found by its key alone, taken out, and everything else stays byte by byte."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest
from filelock import FileLock
from helpers.workspace import Workspace

from offerkit.diagnostics import Code, Refused
from offerkit.usecases import delivery_files
from offerkit.usecases.contact_erasure import plan_erasure
from offerkit.usecases.contact_export import export_contact
from offerkit.usecases.delivery_files import erase_from, find_delivery_files
from offerkit.usecases.requests import ContactRequest

SUMMARY = {"environment": "shop", "not_rendered": {"safari": {"contacts": 2, "example": "=7: no title"}}}
MESSAGES = [
    {"contact": "=7", "fields": {"id": "=7"}, "html": "<a href='https://x.example/?c==7'>a</a>", "text": ""},
    {"contact": "8", "fields": {"note": "=7 is another"}, "html": "", "text": "é"},
]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder of a delivery."""
    folder = tmp_path / "deliveries" / "june" / "best"
    folder.mkdir(parents=True)
    (folder / "delivery.json").write_bytes(orjson.dumps(SUMMARY))
    (folder / "messages-00001.jsonl").write_bytes(b"".join(orjson.dumps(each) + b"\n" for each in MESSAGES))
    (folder / "set-aside.csv").write_bytes(b'contact,reason\r\n\'=7,too few\r\n"8\n9",none\r\n')
    (folder / "sample-1.html").write_text("<p>for =7</p>")
    (folder / "sample-2.html").write_text("<p>for 8</p>")
    return folder


def test_it_is_found_and_taken_out_and_others_stay(made: Path, tmp_path: Path) -> None:
    (found,) = find_delivery_files(tmp_path, (), {"shop": ("=7",), "other": ("8",)})
    assert (found.folder, found.environment, found.messages, found.others) == (made, "shop", 1, 3)
    mode = (made / "messages-00001.jsonl").stat().st_mode
    erase_from(found)
    assert (made / "messages-00001.jsonl").read_bytes() == orjson.dumps(MESSAGES[1]) + b"\n"
    assert (made / "messages-00001.jsonl").stat().st_mode == mode
    assert (made / "set-aside.csv").read_bytes() == b'contact,reason\r\n"8\n9",none\r\n'
    assert orjson.loads((made / "delivery.json").read_bytes())["not_rendered"]["safari"]["example"] == ""
    assert sorted(path.name for path in made.iterdir()) == [
        "delivery.json",
        "messages-00001.jsonl",
        "sample-2.html",
        "set-aside.csv",
    ]
    assert find_delivery_files(tmp_path, (), {"shop": ("=7",)}) == []


def test_one_that_is_cut_off_is_found_again(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (found,) = find_delivery_files(tmp_path, (), {"shop": ("=7",)})
    with monkeypatch.context() as patch, pytest.raises(Refused) as refused:
        patch.setattr(delivery_files, "_copy_messages", full)
        erase_from(found)
    assert refused.value.diagnostics[0].code is Code.UNREADABLE
    (again,) = find_delivery_files(tmp_path, (), {"shop": ("=7",)})
    assert (again.messages, again.others) == (1, 0)
    erase_from(again)
    assert not [path for path in made.iterdir() if b'"contact":"=7"' in path.read_bytes()]


def test_a_run_that_is_writing_is_waited_for(made: Path, tmp_path: Path) -> None:
    partial = made.rename(made.with_name("best.partial"))
    (partial / "run.json").write_bytes(orjson.dumps({"delivery": "shop/june/best"}))
    (found,) = find_delivery_files(tmp_path, (), {"shop": ("=7",)})
    with FileLock(partial / ".lock"), pytest.raises(Refused) as refused:
        erase_from(found)
    assert refused.value.diagnostics[0].code is Code.DELIVERY_RUNNING
    erase_from(found)
    assert find_delivery_files(tmp_path, (), {"shop": ("=7",)}) == []


def test_a_folder_that_was_moved_is_named(made: Path, tmp_path: Path) -> None:
    sent = made.rename(tmp_path / "sent")
    assert find_delivery_files(tmp_path, (), {"shop": ("=7",)}) == []
    (found,) = find_delivery_files(tmp_path, (tmp_path, sent), {"shop": ("=7",)})
    assert found.folder == sent


def test_who_may(live_shop: Workspace) -> None:
    request = ContactRequest("1")
    for who, may_export in (("ada", True), ("dora", True), ("omar", False)):
        session = live_shop.session(who)
        if may_export:
            assert export_contact(session, request).data["propositions"] == []
        else:
            with pytest.raises(Refused) as refused:
                export_contact(session, request)
            assert refused.value.diagnostics[0].code is Code.NOT_A_READER
        if who == "ada":
            assert plan_erasure(session, request).erasure.empty
        else:
            with pytest.raises(Refused) as refused:
                plan_erasure(session, request)
            assert refused.value.diagnostics[0].code is Code.NOT_ALLOWED


def test_what_a_link_leads_to_is_rewritten(made: Path, tmp_path: Path) -> None:
    """The sender may have moved a file to another disk, and left a link."""
    moved = (made / "messages-00001.jsonl").rename(tmp_path / "moved.jsonl")
    (made / "messages-00001.jsonl").symlink_to(moved)
    (found,) = find_delivery_files(tmp_path, (), {"shop": ("=7",)})
    erase_from(found)
    assert moved.read_bytes() == orjson.dumps(MESSAGES[1]) + b"\n"
    assert (made / "messages-00001.jsonl").is_symlink()


def test_what_is_no_file_is_not_read(made: Path, tmp_path: Path) -> None:
    os.mkfifo(made / "messages-00002.jsonl")
    (made / "messages-00003.jsonl").mkdir()
    (found,) = find_delivery_files(tmp_path, (), {"shop": ("=7",)})
    erase_from(found)
    assert find_delivery_files(tmp_path, (), {"shop": ("=7",)}) == []


def test_what_a_killed_erasure_of_another_left_is_cleared(made: Path, tmp_path: Path) -> None:
    (made / "messages-00001.jsonl").rename(made / ".messages-00001.jsonl.erasing")
    (found,) = find_delivery_files(tmp_path, (), {"shop": ("=7",)})
    erase_from(found)
    assert not [path for path in made.iterdir() if b'"contact":"=7"' in path.read_bytes()]
