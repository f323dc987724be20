"""The parse cache: used when it is sound, never believed when it is not, never needed."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from helpers.workspace import Workspace

from offerkit.cli.shell import Shell
from offerkit.cli.validate_command import command as validate
from offerkit.diagnostics import Refused
from offerkit.specs import Loaded, Project, load, parallel, parse
from offerkit.specs.cache import Cache, decode, encode, users_secret
from offerkit.specs.parse import Parsed
from offerkit.specs.project import SpecFile

pytestmark = pytest.mark.embedded

Poison = Callable[[dict[str, Any]], None]


def cache_file(root: Path) -> Path:
    return root / ".offerkit" / "cache" / "parse.db"


def told(loaded: Loaded) -> dict[str, Any]:
    """Everything a load says."""
    return {
        "digests": loaded.digests,
        "campaigns": loaded.campaigns,
        "moves": loaded.moves,
        "records": loaded.records,
        "bodies": loaded.bodies(sorted(loaded.records)),
    }


def rewrite(root: Path, change: Callable[[bytes, bytes, bytes], tuple[bytes, bytes]]) -> int:
    """Change every row (check, data) of the cache; how many there are."""
    with sqlite3.connect(cache_file(root)) as db:
        rows = db.execute("SELECT key, check_, data FROM row").fetchall()
        for key, check, data in rows:
            db.execute("UPDATE row SET check_ = ?, data = ? WHERE key = ?", (*change(key, check, data), key))
    db.close()
    return len(rows)


def signed(key: bytes, data: bytes, secret: bytes) -> bytes:
    """What stands beside a row that who has ``secret`` wrote."""
    return hashlib.blake2b(key + data, digest_size=32, key=secret).digest()


def poison(root: Path, change: Poison, secret: bytes = b"x" * 32) -> None:
    """Change what the rows say, each signed by who has ``secret``: by default, by somebody else."""

    def change_row(key: bytes, check: bytes, data: bytes) -> tuple[bytes, bytes]:
        value = orjson.loads(data)
        change(value)
        changed = orjson.dumps(value)
        return signed(key, changed, secret), changed

    assert rewrite(root, change_row)


@pytest.fixture
def shop(shop: Workspace) -> Workspace:
    shop.change(
        {
            "specs/shop/moved.yaml": {"version": 1, "moved": {"offer.lions": "offer.safari"}},
            "specs/shop/campaigns.yaml": {"version": 1, "campaigns": {"spring": {"label": "Spring"}}},
        }
    )
    return shop


def test_warm_is_as_cold(shop: Workspace) -> None:
    cold = told(load(Project(shop.root), use_cache=False))
    assert not cache_file(shop.root).exists()
    first = told(load(Project(shop.root)))
    warm = load(Project(shop.root))
    assert warm._records is None  # nothing was parsed, nothing checked again
    assert cold == first == told(warm)


def test_a_changed_file_is_parsed_again_and_the_others_are_not(shop: Workspace) -> None:
    load(Project(shop.root))
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"label": "Changed"}}}})
    assert told(load(Project(shop.root))) == told(load(Project(shop.root), use_cache=False))


def test_bodies_are_made_once(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan makes them from the YAML; the apply that follows has them."""
    true = told(load(Project(shop.root), use_cache=False))
    load(Project(shop.root)).bodies(["shop/offer.safari"])  # type: ignore[list-item]
    parsed = parsed_files(monkeypatch)
    assert told(load(Project(shop.root))) == true
    assert sorted(parsed) == sorted({r.position.file for r in true["records"].values()} - {"specs/shop/offers.yaml"})
    parsed.clear()
    assert told(load(Project(shop.root))) == true
    assert parsed == []


def test_a_plan_after_a_validation_parses_nothing(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    validation = CliRunner().invoke(validate, [], obj=Shell(project=str(shop.root)), standalone_mode=False)
    assert validation.exception is None
    parsed = parsed_files(monkeypatch)
    assert shop.plan().steps
    assert parsed == []


def test_bodies_with_another_fingerprint_are_made_anew(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    true = told(load(Project(shop.root)))

    def another_body(value: dict[str, Any]) -> None:
        if "records" not in value:
            value.update((key, f"{text} ") for key, text in value.items() if isinstance(text, str) and "{" in text)

    poison(shop.root, another_body, users_secret() or b"")
    parsed = parsed_files(monkeypatch)
    assert told(load(Project(shop.root))) == true
    assert sorted(parsed) == sorted({r.position.file for r in true["records"].values()})


def parsed_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are parsed from now on."""
    paths: list[str] = []

    def parse_file(file: SpecFile) -> Parsed:
        paths.append(file.path)
        return parse.parse_file(file)

    monkeypatch.setattr(parallel, "parse_file", parse_file)
    return paths


def test_equal_files_in_two_places_keep_their_places(shop: Workspace) -> None:
    load(Project(shop.root))
    (shop.root / "specs/shop/offers.yaml").rename(shop.root / "specs/shop/renamed.yaml")
    warm = load(Project(shop.root))
    assert warm.records["shop/offer.safari"].position.file == "specs/shop/renamed.yaml"
    assert told(warm) == told(load(Project(shop.root), use_cache=False))


def test_the_same_content_in_another_role_is_another_thing(shop: Workspace) -> None:
    load(Project(shop.root))
    (shop.root / "specs/shop/offers.yaml").rename(shop.root / "specs/offers.yaml")
    with pytest.raises(Refused, match="belong to an environment"):
        load(Project(shop.root))


def test_mistakes_are_told_again_on_every_run(shop: Workspace) -> None:
    shop.change({"specs/shop/offers.yaml": {"offers": {"safari": {"category": "nowhere"}, "saver": {"label": True}}}})
    messages = []
    for _ in range(3):
        with pytest.raises(Refused) as caught:
            load(Project(shop.root))
        messages.append([(d.code, d.summary, d.position) for d in caught.value.diagnostics])
    assert messages[0] == messages[1] == messages[2]
    assert len(messages[0]) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda key, check, data: (check, data.replace(b"shop", b"shpo")),
        lambda key, check, data: (b"", data),
        lambda key, check, data: (check, b""),
        lambda key, check, data: (hashlib.sha256(key + b"{").digest(), b"{"),
        lambda key, check, data: (hashlib.sha256(data).digest(), data),
    ],
)
def test_rows_that_do_not_verify_are_as_good_as_none(
    shop: Workspace, damage: Callable[[bytes, bytes, bytes], tuple[bytes, bytes]]
) -> None:
    cold = told(load(Project(shop.root)))
    assert rewrite(shop.root, damage)
    assert told(load(Project(shop.root))) == cold


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_damaged_file_is_as_good_as_none(shop: Workspace, content: bytes) -> None:
    cold = told(load(Project(shop.root)))
    for file in cache_file(shop.root).parent.iterdir():
        file.unlink()
    cache_file(shop.root).write_bytes(content)
    assert told(load(Project(shop.root))) == cold
    assert told(load(Project(shop.root))) == cold


def test_a_cache_of_another_shape_is_as_good_as_none(shop: Workspace) -> None:
    cache_file(shop.root).parent.mkdir(parents=True)
    with sqlite3.connect(cache_file(shop.root)) as db:
        db.execute("CREATE TABLE row (something INTEGER)")
    db.close()
    assert told(load(Project(shop.root))) == told(load(Project(shop.root), use_cache=False))


@pytest.mark.parametrize("value", ["'text'", "NULL", "7"])
@pytest.mark.parametrize("column", ["data", "check_"])
def test_a_row_of_another_type_is_as_good_as_none(shop: Workspace, column: str, value: str) -> None:
    cold = told(load(Project(shop.root)))
    with sqlite3.connect(cache_file(shop.root)) as db:
        db.execute(f"UPDATE row SET {column} = {value}")
    db.close()
    assert told(load(Project(shop.root))) == cold


def test_where_nothing_can_be_written_nothing_is_kept(shop: Workspace) -> None:
    shutil.rmtree(shop.root / ".offerkit", ignore_errors=True)
    (shop.root / ".offerkit").write_text("a file where the folder belongs")
    assert told(load(Project(shop.root))) == told(load(Project(shop.root), use_cache=False))


def test_a_folder_where_the_cache_belongs(shop: Workspace) -> None:
    cache_file(shop.root).mkdir(parents=True)
    assert told(load(Project(shop.root))) == told(load(Project(shop.root), use_cache=False))


def _another_fingerprint(value: dict[str, Any]) -> None:
    for record in value.get("records", ()):
        record[3] = "0" * 64


def _another_digest(value: dict[str, Any]) -> None:
    if "digests" in value:
        value["digests"] = dict.fromkeys(value["digests"], "0" * 64)


def _unsound(value: dict[str, Any]) -> None:
    value.update(sound="0" * 32)


@pytest.mark.parametrize("change", [_another_fingerprint, _another_digest, _unsound])
@pytest.mark.parametrize("secret", [b"x" * 32, b""])
def test_a_row_that_somebody_else_signed_is_not_used(shop: Workspace, change: Poison, secret: bytes) -> None:
    true = told(load(Project(shop.root)))
    poison(shop.root, change, secret)
    loaded = load(Project(shop.root))
    assert loaded._records is not None  # all of it was read again
    assert told(loaded) == true


def test_a_row_with_a_checksum_that_needs_no_secret_is_not_used(shop: Workspace) -> None:
    true = told(load(Project(shop.root)))
    assert rewrite(shop.root, lambda key, check, data: (hashlib.sha256(key + data).digest(), data))
    loaded = load(Project(shop.root))
    assert loaded._records is not None
    assert told(loaded) == true


def test_a_wrong_row_of_our_own_never_makes_a_plan_and_is_gone_afterwards(shop: Workspace) -> None:
    """Nobody but offerkit itself can write one: that would be a mistake of offerkit's own."""
    true = shop.plan(use_cache=False)
    load(Project(shop.root))
    poison(shop.root, _another_fingerprint, users_secret() or b"")
    with pytest.raises(RuntimeError, match="another fingerprint than when it was cached"):
        shop.plan()
    assert shop.plan() == true


def test_another_version_of_a_library_judges_anew(
    shop: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    load(Project(shop.root))
    (tmp_path / "elsewhere/pydantic-99.0.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    loaded = load(Project(shop.root))
    assert loaded._records is not None
    assert load(Project(shop.root))._records is None


def test_a_link_in_the_place_of_the_cache_is_not_followed(shop: Workspace, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE theirs (something INTEGER)")
    db.close()
    before = other.read_bytes()
    cache_file(shop.root).parent.mkdir(parents=True)
    cache_file(shop.root).symlink_to(other)
    assert told(load(Project(shop.root))) == told(load(Project(shop.root), use_cache=False))
    assert other.read_bytes() == before


def test_a_cache_that_another_run_writes_stays(shop: Workspace) -> None:
    cache_file(shop.root).parent.mkdir(parents=True)
    with sqlite3.connect(cache_file(shop.root), isolation_level=None) as db:
        db.execute("CREATE TABLE row (key BLOB PRIMARY KEY, check_ BLOB, data BLOB) WITHOUT ROWID")
        db.execute("BEGIN EXCLUSIVE")
        assert told(load(Project(shop.root))) == told(load(Project(shop.root), use_cache=False))
        db.execute("INSERT INTO row VALUES (x'01', x'02', x'03')")
        db.execute("COMMIT")
    db.close()
    with sqlite3.connect(cache_file(shop.root)) as db:
        assert db.execute("SELECT count(*) FROM row").fetchone() == (1,)
    db.close()


def test_without_a_secret_nothing_is_kept(shop: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert told(load(Project(shop.root))) == told(load(Project(shop.root), use_cache=False))
    assert not cache_file(shop.root).exists()


@pytest.mark.parametrize("change", [_another_fingerprint, _another_digest])
def test_a_plan_made_with_a_poisoned_cache_is_the_true_one(shop: Workspace, change: Poison) -> None:
    true = shop.plan(use_cache=False)
    load(Project(shop.root))
    poison(shop.root, change)
    assert shop.plan() == true
    shop.apply("ada")
    assert shop.plan(use_cache=False).steps == ()


def test_a_promotion_that_meets_a_poisoned_cache_goes_on(shop: Workspace) -> None:
    shop.apply("ada")
    shop.approve_all()
    load(Project(shop.root))
    shop.change({"specs/shop/campaigns.yaml": {"campaigns": {"autumn": {}}}})
    load(Project(shop.root))
    poison(shop.root, lambda value: value.update(campaigns=dict.fromkeys(value.get("campaigns", ()), "0" * 64)))
    poison(shop.root, _another_fingerprint)
    assert "shop/campaign.autumn" in [step.address for step in shop.promote("ada").steps]
    assert shop.verified() == []


def test_old_rows_are_dropped_after_a_while(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache" / "parse.db")
    keep = {b"kept"}
    cache.put({b"kept": 1}, keep)
    for number in range(120):
        cache.put({b"%d" % number: number}, keep)
    assert cache.get([b"kept"]) == {b"kept": 1}
    assert len(list(cache._keys())) <= 105
    cache.close()
    assert cache.get([b"kept"]) == {}


def test_records_come_back_as_they_were(shop: Workspace) -> None:
    records = list(load(Project(shop.root), use_cache=False).records.values())
    file = records[0].position.file
    same_file = [record for record in records if record.position.file == file]
    assert decode(file, orjson.loads(orjson.dumps(encode(same_file)))) == same_file
