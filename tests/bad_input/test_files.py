"""What lies in a project that is no spec file, or is one that cannot be read."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.work import at_most, bytes_read
from processes import ROOT_BYPASSES, offerkit
from wrong import NEW, Outcome, run, state, write

SOUND = "version: 1\nfilters: {mine: {when: 1 = 1}}\n"
WRONG = "version: 1\nfilters: {mine: {when: 1 = 1, x: y}}\n"


def refused(project: Path, code: str, at: str, says: str = "") -> Outcome:
    """Check and apply: one diagnostic at the place, nothing changed."""
    before = state(project)
    outcome = run(project, "apply", "--yes")
    assert (outcome.only.code.value, str(outcome.only.position)) == (code, at)
    assert says in outcome.only.summary
    assert state(project) == before
    assert run(project, "validate", "--format", "json").code == 1
    return outcome


def test_link_to_a_file_outside(project: Path, tmp_path: Path) -> None:
    """What is planned is what is reviewed: nothing outside of the project is read."""
    write(tmp_path, {"outside.yaml": SOUND})
    (project / NEW).symlink_to(tmp_path / "outside.yaml")
    refused(project, "OFR108", f"{NEW}:1:1", "points outside the project")


def test_link_to_a_folder_outside(project: Path, tmp_path: Path) -> None:
    """Nor through a folder, or a chain of links."""
    write(tmp_path, {"outside/x.yaml": SOUND})
    (project / "specs/people/more").symlink_to("../../chain")
    (project / "chain").symlink_to(tmp_path / "outside")
    refused(project, "OFR108", "specs/people/more:1:1")


def test_whole_specs_outside(project: Path, tmp_path: Path) -> None:
    """Nor when specs/ itself is the link."""
    shutil.move(project / "specs", tmp_path / "elsewhere")
    (project / "specs").symlink_to(tmp_path / "elsewhere")
    found = run(project, "plan").diagnostics
    assert ("OFR108", "specs:1:1") in [(d.code.value, str(d.position)) for d in found]


def test_links_inside(project: Path) -> None:
    """A link within the project is read like a file; one that goes round in circles ends."""
    write(project, {"shelf/x.yaml": SOUND})
    (project / NEW).symlink_to("../../shelf/x.yaml")
    (project / "specs/people/round").symlink_to("..")
    assert "1 to create" in run(project, "plan").out


@pytest.mark.parametrize(("target", "says"), [("nothing.yaml", "No such file"), ("new.yaml", "Too many levels")])
def test_links_to_nothing(project: Path, target: str, says: str) -> None:
    """A link to nothing, or to itself."""
    (project / NEW).symlink_to(target)
    refused(project, "OFR112", f"{NEW}:1:1", says)


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: socket.socket(socket.AF_UNIX).bind(path)], ids=["fifo", "socket"]
)
def test_special_files(project: Path, make: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a writer that never comes."""
    monkeypatch.chdir(project / "specs/people")  # a socket's name may only be short
    make("new.yaml")
    found = refused(project, "OFR112", f"{NEW}:1:1").only
    assert "not a regular file" in found.summary or "No such device" in found.summary


def test_folder_named_like_a_file(project: Path) -> None:
    """It is a folder."""
    write(project, {"specs/people/x.yaml/new.yaml": WRONG})
    refused(project, "OFR201", "specs/people/x.yaml/new.yaml:2:31")
    shutil.rmtree(project / "specs/people/x.yaml")
    (project / "specs/people/x.yaml").mkdir()
    assert run(project, "plan").code == 0


def test_hidden_files(project: Path) -> None:
    """Editors leave these behind; they are nobody's specs."""
    write(
        project, {"specs/people/.new.yaml.swp": "x", "specs/people/.x.yaml": WRONG, "specs/people/.git/a.yaml": WRONG}
    )
    assert run(project, "validate").code == 0


@pytest.mark.parametrize("name", ["specs/people/new.yaml", "specs/people/dark"])
def test_unreadable(project: Path, name: str) -> None:
    """A file or a folder that may not be read (as root the capability to read everything is dropped)."""
    if name.endswith(".yaml"):
        write(project, {name: SOUND})
    else:
        (project / name).mkdir()
    (project / name).chmod(0)
    before = state(project)
    try:
        done = offerkit(project, "apply", "--yes", rights=False)
    finally:
        (project / name).chmod(0o700)
    if ROOT_BYPASSES:
        pytest.skip("capabilities cannot be dropped here, and root reads everything")
    assert done.returncode == 1
    assert "error[OFR112]: cannot be read: Permission denied" in done.stderr
    assert f"--> {name}:1:1" in done.stderr
    assert state(project) == before


@pytest.mark.parametrize(
    ("content", "at"),
    [
        (b"version: 1\n# caf\xe9\n", "2:6"),
        (SOUND.encode("utf-16"), "1:1"),
        (b"version: 1\nfilters:\n  a: {when: '\xed\xa0\x80'}\n", "3:14"),
        (b"\x00\x01\x02\xff\xfe", "1:4"),
    ],
    ids=["latin-1", "utf-16", "a half of a pair", "bytes"],
)
def test_not_utf8(project: Path, content: bytes, at: str) -> None:
    """The first byte that is wrong is the place."""
    write(project, {NEW: content})
    refused(project, "OFR107", f"{NEW}:{at}")


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n"], ids=["crlf", "cr", "lf"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["", "bom"])
def test_line_endings(project: Path, ending: str, mark: str) -> None:
    """Files of other systems are read, and their positions are right."""
    write(project, {NEW: (mark + WRONG.replace("\n", ending)).encode()})
    refused(project, "OFR201", f"{NEW}:2:31")


def test_too_large(project: Path) -> None:
    """50 MB of aliases: the file is not even read."""
    with (project / NEW).open("wb") as file:
        file.write(b"version: 1\na: &a [x]\nb: [")
        file.write(b"*a, " * (50 * 1024 * 1024 // 4))
    before = bytes_read()
    refused(project, "OFR105", f"{NEW}:1:1", "at most 16,777,216 are read")
    assert bytes_read() - before < 16_000_000  # what is imported, too


@pytest.mark.parametrize("wide", [False, True], ids=["laughs", "a long list"])
def test_aliases(project: Path, wide: bool) -> None:
    """Aliases that expand to 10⁹ nodes, and 16 MB of them in one list, end at the budget."""
    if wide:
        content = "version: 1\nfilters: &a {}\nrules: [" + "*a, " * 4_000_000 + "]\n"
    else:
        content = "version: 1\na: &a [x, x, x, x, x, x, x, x, x]\n"
        for before, letter in zip("abcdefgh", "bcdefghi", strict=True):
            content += f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]\n"
    write(project, {NEW: content})
    with at_most(1_500_000):
        found = refused(project, "OFR104", f"{NEW}:{'3:40009' if wide else '6:8'}").only
    assert "10,000 nodes" in found.summary


@pytest.mark.parametrize("bracket", ["[", "{a: ", "- "])
def test_depth(project: Path, bracket: str) -> None:
    """A million brackets: the stack holds."""
    write(project, {NEW: "version: 1\nfilters: " + "\n  " * (bracket == "- ") + bracket * 1_000_000})
    assert run(project, "validate", "--format", "json").out.count('"code": "OFR106"') == 1


def test_long_lines(project: Path) -> None:
    """A column beyond a million is the right one."""
    write(project, {NEW: "version: 1\nfilters: {" + " " * 2_000_000 + "a: {x: y, when: 1 = 1}}\n"})
    refused(project, "OFR201", f"{NEW}:2:2000015")


@pytest.mark.parametrize("name", [b"\xff.yaml", b"\xf0\x28\x8c\x28.yaml"])
def test_file_name_that_is_no_text(project: Path, name: bytes) -> None:
    """A file system takes any bytes as a name; a plan is text."""
    with open(os.fsencode(project / "specs/people") + b"/" + name, "w") as file:  # noqa: PTH123 - bytes
        file.write(SOUND)
    assert refused(project, "OFR113", f"specs/people/{name.decode(errors='replace').replace(chr(0xFFFD), '?')}:1:1")


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x1b[31mb", "a\u202eb", "a b", "a'\"b", "a:1:2", "::error::x", "x" * 250, "é", "$(ls)"]
)
@pytest.mark.parametrize("content", [WRONG, SOUND], ids=["wrong", "sound"])
def test_hostile_file_names(project: Path, name: str, content: str) -> None:
    """Wherever the name is shown it does nothing to the terminal, and the project works."""
    write(project, {f"specs/people/{name}.yaml": content})
    outcome = run(project, "apply", "--yes")
    assert outcome.code == (1 if content == WRONG else 0)
    shown = outcome.err + outcome.out
    assert "\x1b" not in shown and "\u202e" not in shown
    for form in ("json", "github"):
        told = run(project, "validate", "--format", form).out
        assert "\x1b" not in told
        if form == "github" and content == WRONG:
            assert len(told.splitlines()) == 1


def test_two_thousand_mistakes(project: Path) -> None:
    """All of them at once, in the order of files and lines, with little work."""
    bad = "".join(f"  f{number}: {{when: 1 = 1, wen: 1}}\n" for number in range(200))
    write(
        project,
        {
            f"specs/people/bad{file}.yaml": f"version: 1\nfilters:\n{bad.replace('  f', f'  g{file}-')}"
            for file in range(10)
        },
    )
    with at_most(6_000_000):
        outcome = run(project, "apply", "--yes")
    assert outcome.code == 1
    places = [diagnostic.position for diagnostic in outcome.diagnostics]
    assert len(places) == 2000 and places == sorted(places, key=str if None in places else lambda p: p or ("", 0, 0))
    assert outcome.err.rstrip().endswith("2,000 errors.")
