"""fmt: what it changes, what it leaves, and what it refuses."""

from __future__ import annotations

import os
import stat
import textwrap
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from offerkit.cli.fmt_command import command
from offerkit.cli.shell import Shell
from offerkit.diagnostics import Code, Refused
from offerkit.specs import fmt
from offerkit.specs.fmt import format_files, formatted, spec_files
from offerkit.specs.project import Project, SpecFile, read_files

ROOT = Path(__file__).resolve().parents[3]


def block(text: str) -> str:
    """A text as it is indented here, without its first line end."""
    return textwrap.dedent(text).removeprefix("\n")


def done(text: str, *, declares: bool = False) -> str:
    """``text`` formatted, and shown to be stable."""
    file = SpecFile("specs/shop/a.yaml", "shop", declares, block(text).encode())
    once = formatted(file)
    assert formatted(file._replace(content=once)) == once
    return once.decode()


def test_sections_and_keys_are_put_in_order_with_their_comments() -> None:
    assert done(
        """
        # The catalog.

        # offers come last
        offers:
            # the best one
            b: # really
                category: a # where
                label: "B"


                # why
                code: 'no'
            a: {category: a}
        # the tree
        categories:
            a: {label: A}
        version: 1
        # the end
        """
    ) == block(
        """
        # The catalog.

        # offers come last
        version: 1
        # the tree
        categories:
          a:
            label: A
        offers:
          # the best one
          b:  # really
            label: B
            category: a  # where

            # why
            code: no
          a:
            category: a
        # the end
        """
    )


def test_comments_in_lists_and_maps_keep_them_in_blocks() -> None:
    text = """
        version: 1
        offers:
          a:
            category: a
            weights: [{weight: 1}, # low
              {weight: 010, label: ten} # high
              # none
              ]
            themes: [x, y] # both
            reviewers: {content: [brand, # words
                risk]}
            spaces:
            - mail # letters
            -  # the site
              web
            eligible: # when
              # from
              from: 2026-01-01
        """
    assert done(text) == block(
        """
        version: 1
        offers:
          a:
            category: a
            eligible:  # when
              # from
              from: 2026-01-01
            weights:
              - {weight: 1}  # low
              - {label: ten, weight: 010}  # high
              # none
            themes: [x, y]  # both
            spaces:
              - mail  # letters
              - web  # the site
            reviewers:
              content:
                - brand  # words
                - risk
        """
    )


def test_comments_at_the_end_belong_to_what_they_are_indented_for() -> None:
    text = """
        version: 1
        categories:
          a:
            label: A
            # end of a
          # before b
          b:
            label: B

            # end of b

          # end of categories
        # before offers
        offers:
          c:
            category: a
            content:
              html: |  # a header
                <p>
                # no comment

              # end of content
        """
    assert done(text) == block(text)


def test_texts() -> None:
    text = """
        version: 1
        rules:
          a:
            label: >-
              one line
            description: "a text that
              goes on"
            contacts: >-
              p.age > 3
              and p.age < 9
            max: 0010
        filters:
          b:
            when: "a = 'x'"
            parameters: {n: {type: integer, default: "18"}, t: {default: '010'}}
        """
    assert done(text) == block(
        """
        version: 1
        filters:
          b:
            when: a = 'x'
            parameters:
              n: {type: integer, default: 18}
              t: {default: '010'}
        rules:
          a:
            label: one line
            description: a text that goes on
            contacts: >-
              p.age > 3
              and p.age < 9
            max: 0010
        """
    )


def test_anchors_stay_and_never_come_after_their_aliases() -> None:
    text = """
        version: 1
        offers:
          a:
            category: &c x
            content: &texts {title: T, html: H}
          b:
            code: &code K
            category: *c
            label: *code
            content: *texts
        """
    assert done(text) == block(
        """
        version: 1
        offers:
          a:
            category: &c x
            content: &texts
              title: T
              html: H
          b:
            code: &code K
            category: *c
            label: *code
            content: *texts
        """
    )


def test_anchors_on_items() -> None:
    text = """
        version: 1
        offers:
          a:
            category: x
            weights:
              - &w- {label: one, when: "a in (1, 2)", weight: 1}
              - &v
                weight: 2
              - *w-
              - *v
        """
    assert done(text) == block(
        """
        version: 1
        offers:
          a:
            category: x
            weights:
              - &w-
                label: one
                weight: 1
                when: a in (1, 2)
              - &v {weight: 2}
              - *w-
              - *v
        """
    )


def test_blank_lines_are_kept_one_at_a_time() -> None:
    text = (
        "\n\nversion: 1\n\n\noperators:\n\n  a:\n\n    profile: administrator\n\n\n  b: {profile: administrator}\n\n\n"
    )
    expected = "version: 1\n\noperators:\n  a:\n    profile: administrator\n\n  b:\n    profile: administrator\n"
    file = SpecFile("specs/a.yaml", "shared", False, text.encode())
    assert formatted(file).decode() == expected


@pytest.mark.parametrize("start", ["---", "&a", "--- &a", "%YAML 1.2\n---"])
def test_a_comment_behind_the_beginning_of_the_document(start: str) -> None:
    for rest in ("version: 1\n# z\n", "{version: 1}\n# z\n"):
        file = SpecFile("specs/a.yaml", "shared", False, f"{start} # x\n# y\n{rest}".encode())
        assert formatted(file) == b"# x\n# y\nversion: 1\n# z\n"


def test_line_ends_and_marks_of_other_systems() -> None:
    content = "\ufeffversion: 1\r\n# c\r\noperators:\r\n  a:\r\n    profile: administrator # d\r\n".encode()
    file = SpecFile("specs/a.yaml", "shared", False, content)
    expected = b"version: 1\n# c\noperators:\n  a:\n    profile: administrator  # d\n"
    assert formatted(file) == expected.replace(b"\n", b"\r\n")
    for other in (b"\r", b"\n"):
        assert formatted(file._replace(content=content.replace(b"\r\n", other))) == expected


def test_an_environment_and_renames() -> None:
    text = "environment: {dimension: d, promotion: {retention: 30d}}\nversion: 1\n"
    assert done(text, declares=True) == ("version: 1\nenvironment:\n  dimension: d\n  promotion: {retention: 30d}\n")
    assert done("moved: {offer.a: offer.b}\nversion: 1\n") == "version: 1\nmoved:\n  offer.a: offer.b\n"


def test_the_bundled_specs_are_in_canonical_form() -> None:
    files, found = read_files(ROOT)
    assert not found
    assert [file.path for file in format_files(files) if file.changed] == []


def test_all_mistakes_of_all_files_at_once() -> None:
    bad = [
        SpecFile("specs/shop/a.yaml", "shop", False, b"version: 1\noffers:\n  a: {categry: x}\n"),
        SpecFile("specs/shop/b.yaml", "shop", False, b"\tno"),
        SpecFile("specs/shop/c.yaml", "shop", False, b"\xff"),
    ]
    with pytest.raises(Refused) as refused:
        format_files(bad)
    files = {d.position.file for d in refused.value.diagnostics if d.position}
    assert files == {file.path for file in bad}


def test_a_change_of_meaning_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the writer ever be wrong, the file stays as it is."""
    monkeypatch.setattr(fmt, "_written", lambda file, reorder: file.content.replace(b"10", b"11"))
    file = SpecFile(
        "specs/shop/a.yaml", "shop", False, b"version: 1\noffers:\n  a: {category: x, weights: [{weight: 10}]}\n"
    )
    with pytest.raises(Refused) as refused:
        formatted(file)
    assert refused.value.diagnostics[0].code is Code.BUG


def test_a_lost_comment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fmt, "_written", lambda file, reorder: file.content.replace(b"# why", b""))
    with pytest.raises(Refused):
        formatted(SpecFile("specs/shop/a.yaml", "shop", False, b"version: 1 # why\n"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two files, one of them not in canonical form."""
    (tmp_path / "environments").mkdir()
    (tmp_path / "specs" / "shop").mkdir(parents=True)
    (tmp_path / "specs" / "operators.yaml").write_text("version: 1\noperators:\n  a:\n    profile: administrator\n")
    (tmp_path / "specs" / "shop" / "a.yaml").write_text("version: 1\ncategories: {a: {label: 'A'}} # c\n")
    return tmp_path


def run(project: Path, *arguments: str) -> Result:
    """The command, in ``project``."""
    return CliRunner().invoke(
        command, list(arguments), obj=Shell(project=str(project), color="never"), standalone_mode=False
    )


def test_check_lists_and_diff_shows_and_neither_writes(project: Path) -> None:
    target = project / "specs" / "shop" / "a.yaml"
    before = target.read_bytes()
    checked = run(project, "--check")
    assert (checked.return_value, checked.stdout) == (1, "specs/shop/a.yaml\n")
    shown = run(project, "--diff")
    assert shown.return_value == 0
    assert "-categories: {a: {label: 'A'}} # c\n+categories:  # c\n+  a:\n+    label: A\n" in shown.stdout
    assert run(project, "--check", "--diff").return_value == 1
    assert target.read_bytes() == before


def test_it_writes_whole_files_and_keeps_their_mode(project: Path) -> None:
    target = project / "specs" / "shop" / "a.yaml"
    target.chmod(0o640)
    assert run(project).stdout == "specs/shop/a.yaml\n"
    assert target.read_text() == "version: 1\ncategories:  # c\n  a:\n    label: A\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert sorted(path.name for path in target.parent.iterdir()) == ["a.yaml"]
    assert run(project, "--check").return_value == 0


def test_paths_narrow_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "specs")
    here = Project(project)
    assert [file.path for file in spec_files(here, [Path("shop")])] == ["specs/shop/a.yaml"]
    assert [file.path for file in spec_files(here, [Path("operators.yaml")])] == ["specs/operators.yaml"]
    assert len(spec_files(here, [project])) == len(spec_files(here, [])) == 2
    for nothing in (Path("../.."), Path("/"), Path("nope.yaml"), Path("x" * 5000), project / "environments"):
        with pytest.raises(Refused) as refused:
            spec_files(here, [nothing])
        assert refused.value.diagnostics[0].code is Code.NO_MATCH


def test_a_broken_neighbour_does_not_matter_to_a_named_file(project: Path) -> None:
    (project / "specs" / "shop" / "b.yaml").write_bytes(b"\x00")
    assert isinstance(run(project).exception, Refused)
    assert run(project, str(project / "specs" / "shop" / "a.yaml")).stdout == "specs/shop/a.yaml\n"


def test_links_stay_links(project: Path) -> None:
    target = project / "specs" / "shop" / "a.yaml"
    (project / "kept.yaml").write_bytes(target.read_bytes())
    target.unlink()
    target.symlink_to("../../kept.yaml")
    run(project)
    assert target.is_symlink()
    assert "  a:\n" in (project / "kept.yaml").read_text()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anything")
def test_a_read_only_file_is_left_alone(project: Path) -> None:
    (project / "specs" / "shop" / "a.yaml").chmod(0o440)
    assert isinstance(run(project).exception, Refused)


def test_the_command_says_what_main_says() -> None:
    from offerkit.cli.main import COMMANDS

    assert isinstance(command, click.Command)
    assert (command.help or "").startswith(COMMANDS["fmt"])


def test_the_order_of_a_case_names_each_of_its_keys() -> None:
    from offerkit.engine.cases import KEYS
    from offerkit.specs.shapes import cases_document

    case = cases_document().keys["cases"].item
    assert case is not None
    assert {*case.keys} == KEYS
