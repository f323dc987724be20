"""fmt of whole projects: line ends of checkouts, what a diff shows, all cores, and what the cache may say."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from offerkit.diagnostics import Refused
from offerkit.specs import cache as caching
from offerkit.specs import fmt, parallel
from offerkit.specs.cache import Cache
from offerkit.specs.fmt import Formatted, format_files, formatted, unified
from offerkit.specs.load import load
from offerkit.specs.parallel import spread
from offerkit.specs.parse import parse_file
from offerkit.specs.project import Project, SpecFile
from offerkit.specs.write_files import replace_files

CANONICAL = """\
version: 1
offers:
  # the first
  a:
    category: c
    content:
      title: Need a loan?
      html: |
        <p>one</p>

        <p>two</p>
      destination_url: https://t.example/x
"""


def spec(content: str | bytes, name: str = "a") -> SpecFile:
    return SpecFile(
        f"specs/shop/{name}.yaml", "shop", False, content if isinstance(content, bytes) else content.encode()
    )


def diff(before: str | bytes) -> list[str]:
    file = spec(before)
    return list(unified(Formatted(file.path, file.content, formatted(file))))[3:]


# ---- line ends


def test_a_checkout_with_crlf_is_canonical_and_means_the_same() -> None:
    file, other = spec(CANONICAL), spec(CANONICAL.replace("\n", "\r\n"))
    assert formatted(file) == file.content
    assert formatted(other) == other.content
    assert parse_file(other).bodies == parse_file(file).bodies
    prints = [[record.fingerprint for record in parse_file(each).records] for each in (file, other)]
    assert prints[0] == prints[1]


@pytest.mark.parametrize(
    "text",
    [
        "a: |\n  x\n\n  y\n",
        "a: >\n  x\n  y\n\n  z\n",
        "a: 'x\n  y\n\n  z'\n",
        'a: "x\\\n  y\n  z"\n',
        "a: x\n  y\n",
        "a: |+\n  x\n\n",
        "a: [b:c, 'd\n  e']\n",
        "a: |-\n  x:\n    y\n",
    ],
)
def test_texts_of_several_lines_mean_the_same_with_any_line_end(text: str) -> None:
    from offerkit.specs.yaml_reader import parse

    value, _ = parse("x", text.encode())
    for end in ("\r\n", "\r"):
        assert parse("x", text.replace("\n", end).encode()) == (value, [])


def test_a_diff_shows_line_ends_that_differ() -> None:
    assert diff("version: 1\r\noffers: {}\n") == [" version: 1", "-offers: {}\\n", "+offers: {}"]
    assert diff("version: 1\noffers: {}\r\n") == [" version: 1", "-offers: {}\\r\\n", "+offers: {}"]
    assert diff("version: 1\noffers: {}\rmoved: {}\n") == [
        " version: 1",
        "-offers: {}\\r",
        "+offers: {}",
        " moved: {}",
    ]


def test_a_diff_shows_a_mark_and_a_missing_line_end() -> None:
    assert diff("\ufeffversion: 1\n") == ["-\ufeffversion: 1", "+version: 1"]
    assert diff("version: 1\r\noffers: {}") == [
        " version: 1",
        "-offers: {}",
        "\\ No newline at end of file",
        "+offers: {}",
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_whatever_is_not_canonical_has_a_diff(end: str) -> None:
    text = CANONICAL.replace("\n", end)
    for before in (text, "\ufeff" + text, text.removesuffix(end), text.replace(end, "\r", 1), text + end, text + "# x"):
        file = spec(before)
        after = formatted(file)
        assert (after == file.content) == (list(unified(Formatted(file.path, file.content, after))) == [])


# ---- what the C parser refuses


def test_what_only_yaml_1_2_allows_is_formatted() -> None:
    text = """\
version: 1
offers: {
  "a": {category: c, content: {title: Need a loan?, # why
    "html":"\\ud83d\\ude00", destination_url: https://t.example/x?a=1:2}} # end
  }
"""
    after = formatted(spec(text)).decode()
    assert formatted(spec(after)).decode() == after
    assert (
        after
        == """\
version: 1
offers:
  a:  # end
    category: c
    content:
      title: Need a loan?  # why
      html: 😀
      destination_url: https://t.example/x?a=1:2
"""
    )


def test_a_comment_sign_in_an_anchor_is_no_comment() -> None:
    text = "version: 1\noffers:\n  a:\n    label: &x#y one\n    category: *x#y\n    # z\n    code: '1'\n"
    after = formatted(spec(text)).decode()
    assert after.count("# z") == 1
    assert "&x#y one" in after
    assert "*x#y" in after


# ---- all cores


def test_several_processes_say_what_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [spec(f"version: 1\noffers:\n  a{n}: {{category: c}}\n", str(n)) for n in range(7)]
    files[3] = spec(CANONICAL, "3")
    alone = format_files(files)
    monkeypatch.setattr(fmt, "WORTH_IT", 0)
    monkeypatch.setattr(fmt, "workers", lambda: 3)
    assert format_files(files) == alone
    files[4:6] = [spec("version: 1\noffers: [\n", "4"), spec("version: 1\nofers: {}\n", "5")]
    with pytest.raises(Refused) as refused:
        format_files(files)
    assert {d.position.file for d in refused.value.diagnostics if d.position} == {files[4].path, files[5].path}


def test_every_process_takes_what_is_left_and_the_order_stays() -> None:
    def away(items: list[int]) -> list[list[int]]:
        return [[item, os.getpid()] for item in items]

    items = list(range(200))
    between = (lambda: time.sleep(0.05), lambda item, answer: (item, answer[1]))
    done = spread(items, lambda portion: [(item, 0) for item in portion], away, 3, between)
    assert [item for item, _ in done] == items
    assert len({process for _, process in done} - {0}) >= 1  # children began while this process was busy


def test_a_child_that_fails_leaves_its_part_to_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()

    def work(items: list[int]) -> list[int]:
        if os.getpid() != parent:
            os._exit(9)
        return items

    begun: list[str] = []
    done = spread([1, 2, 3, 4, 5], work, work, 3, (lambda: begun.append("first"), lambda item, answer: answer))
    assert all(given in (None, number) for number, given in enumerate(done, 1))
    assert done.count(None) <= 2  # each child took at most one portion with it
    assert begun == ["first"]
    monkeypatch.setattr(parallel, "WORTH_IT", 0)
    monkeypatch.setattr(parallel, "workers", lambda: 2)
    monkeypatch.setattr(parallel, "_answers", lambda files: os._exit(9))
    files = [spec(CANONICAL, "1"), spec(CANONICAL, "2")]
    assert [parsed.bodies for parsed in parallel.parse_files(files)] == [parse_file(file).bodies for file in files]


# ---- the cache


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The files that were really formatted since it was last asked."""
    seen: list[str] = []
    real = fmt.formatted

    def counting(file: SpecFile) -> bytes:
        seen.append(file.path)
        return real(file)

    monkeypatch.setattr(fmt, "formatted", counting)

    def since() -> list[str]:
        now = list(seen)
        seen.clear()
        return now

    return since


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this user's secret is."""
    folder = tmp_path / "home"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture
def files() -> list[SpecFile]:
    return [spec(CANONICAL, "a"), spec(CANONICAL.replace("  #", "    #"), "b")]


def test_what_is_known_to_be_canonical_is_not_formatted_again(
    tmp_path: Path, home: Path, files: list[SpecFile], counted: Callable[[], list[str]]
) -> None:
    first = format_files(files, Cache(tmp_path / "x.db"))
    assert counted() == [file.path for file in files]
    assert format_files(files, Cache(tmp_path / "x.db")) == first
    assert counted() == [files[1].path]  # what is not canonical has to be shown
    other = [files[0]._replace(environment="else"), files[0]._replace(content=files[0].content + b"# x\n")]
    format_files(other, Cache(tmp_path / "x.db"))
    assert counted() == [files[0].path] * 2
    format_files(files, Cache(None))
    assert counted() == [file.path for file in files]
    assert (home / "offerkit" / "secret").stat().st_mode & 0o777 == 0o600


def test_a_cache_of_somebody_else_is_not_believed(
    tmp_path: Path, home: Path, files: list[SpecFile], counted: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only who knows the user's secret can say under which key; rows of others are never looked up."""
    path = tmp_path / "x.db"
    wrong = [files[1]]
    code = caching.code_digest()
    keys = fmt._canonical_keys(wrong, code)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    forged = fmt._canonical_keys(wrong, code)
    assert forged != keys
    plain = caching.content_key(code, wrong[0])
    Cache(path).put(dict.fromkeys([*forged.values(), plain], True), set())
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    (done,) = format_files(wrong, Cache(path))
    assert done.changed
    assert counted() == [wrong[0].path]


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, b"not a database" * 1000])
def test_a_damaged_secret_or_cache_only_makes_it_slower(
    content: bytes, tmp_path: Path, home: Path, files: list[SpecFile], counted: Callable[[], list[str]]
) -> None:
    (home / "offerkit").mkdir(parents=True)
    (home / "offerkit" / "secret").write_bytes(content)
    (tmp_path / "x.db").write_bytes(content)
    for _ in range(2):
        assert [file.changed for file in format_files(files, Cache(tmp_path / "x.db"))] == [False, True]
        assert counted() == [file.path for file in files]


def test_a_secret_that_others_can_read_is_none(home: Path) -> None:
    assert caching.users_secret() is not None
    assert caching.users_secret() == caching.users_secret()
    (home / "offerkit" / "secret").chmod(0o644)
    assert caching.users_secret() is None


def test_a_secret_that_is_a_pipe_is_none(home: Path) -> None:
    (home / "offerkit").mkdir(parents=True)
    os.mkfifo(home / "offerkit" / "secret", 0o600)
    assert caching.users_secret() is None


def test_no_home_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert caching.users_secret() is None
    assert list(tmp_path.iterdir()) == []


def test_loading_and_formatting_share_a_cache(tmp_path: Path, home: Path, counted: Callable[[], list[str]]) -> None:
    for folder in ("environments", "specs"):
        (tmp_path / "p" / folder).mkdir(parents=True)
    (tmp_path / "p" / "specs" / "a.yaml").write_text("version: 1\noperators:\n  a:\n    profile: administrator\n")
    project = Project(tmp_path / "p")
    for _ in range(2):
        loaded = load(project)
        format_files(loaded.files, Cache.of(project))
    assert counted() == ["specs/a.yaml"]
    assert json.loads(json.dumps(loaded.digests)) == load(project, use_cache=False).digests


def test_what_was_saved_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
    (tmp_path / "b").write_bytes(b"saved by somebody")
    with pytest.raises(Refused, match="b cannot be written: it was changed in the meantime"):
        replace_files(tmp_path, {"a": (b"old", b"new"), "b": (b"old", b"new")})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old", "b": b"saved by somebody"}
    (tmp_path / "b").write_bytes(b"new")  # another run had the same in mind
    replace_files(tmp_path, {"a": (b"old", b"new"), "b": (b"old", b"new")})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"new", "b": b"new"}
