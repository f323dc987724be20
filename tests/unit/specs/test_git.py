"""git: whose repository is asked, and that a revision shows what a clean checkout of it has."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.files import base, write
from helpers.git_repositories import IDENTITY, add_filter, at, commit, distrusting, git, in_a_folder, meaning, refusal

from offerkit.diagnostics import Code, Refused
from offerkit.specs.git import HEEDED, checkout, folder_in_repository, git_email

OFFERS = "specs/shop/offers.yaml"


@pytest.fixture(autouse=True)
def no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests has a git configuration of their own."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"):
        monkeypatch.setenv(name, os.devnull)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose top is the project, with one commit on the branch main."""
    root = tmp_path / "repository"
    write(root, base())
    git(root, "init", "-q", "-b", "main")
    commit(root)
    return root


def test_where_in_its_repository_a_project_lies(repository: Path, tmp_path: Path) -> None:
    """What forges need: their paths begin at the repository's top."""
    folder = repository / "shop" / "öffers"
    folder.mkdir(parents=True)
    assert [folder_in_repository(place) for place in (repository, folder, tmp_path)] == ["", "shop/öffers/", ""]


# The repository that is asked


def test_only_what_says_how_git_is_installed_reaches_it() -> None:
    told = subprocess.run(["git", "rev-parse", "--local-env-vars"], check=True, capture_output=True, text=True).stdout
    assert "GIT_DIR" in told.split()
    assert not HEEDED & set(told.split())


def test_another_repository_in_the_environment(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    shutil.copytree(repository, other)
    (other / OFFERS).unlink()
    commit(other)
    git(other, "config", "user.email", "other@example.com")
    git(repository, "config", "user.email", "own@example.com")
    leaks = {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / ".git/index"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git/objects"),
        "GIT_COMMON_DIR": str(other / ".git"),
        "GIT_NAMESPACE": "x",
        "GIT_PREFIX": "specs/",
        "GIT_CONFIG": str(other / ".git/config"),
        "GIT_CONFIG_PARAMETERS": "'user.email'='param@example.com'",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "user.email",
        "GIT_CONFIG_VALUE_0": "count@example.com",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_TRACE": "1",
        "GIT_ATTR_SOURCE": "nowhere",
        "GIT_SHALLOW_FILE": str(other / "nothing"),
    }
    assert at(repository, **leaks) == meaning(repository)
    for name, value in leaks.items():
        monkeypatch.setenv(name, value)
    assert git_email(repository) == "own@example.com"


def test_the_e_mail_is_that_of_the_users_configuration(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "gitconfig"
    mine.write_text("[user]\n\temail = mine@example.com\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(mine))
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "author@example.com")
    assert git_email(repository) == git_email(tmp_path) == "mine@example.com"
    git(repository, "config", "user.email", "project@example.com")
    assert git_email(repository) == "project@example.com"


def test_no_repository(tmp_path: Path) -> None:
    write(tmp_path / "p", base())
    assert "is not in a git repository" in refusal(tmp_path / "p")


def test_a_folder_that_looks_like_a_bare_repository(tmp_path: Path) -> None:
    """Its configuration comes with the files of a checkout, so that it is somebody else's."""
    root = tmp_path / "p"
    write(root, base())
    git(tmp_path, "init", "-q", "--bare", "p")
    (root / "config").write_text("[core]\n\tbare = true\n[user]\n\temail = planted@example.com\n")
    assert "bareRepository" in refusal(root)
    assert git_email(root) == ""


def test_a_repository_of_somebody_else(repository: Path, tmp_path: Path) -> None:
    assert "safe.directory" in refusal(repository, PATH=f"{distrusting(tmp_path)}:{os.environ['PATH']}")


def test_no_git(repository: Path, tmp_path: Path) -> None:
    assert "git could not be run" in refusal(repository, PATH=str(tmp_path))


# What a checkout has


def test_a_project_in_a_folder_of_a_repository(repository: Path, tmp_path: Path) -> None:
    project = in_a_folder(repository)
    (repository / ".gitattributes").write_text("*.yaml ident\n")
    (repository / "teams/.gitattributes").write_text("*.md ident\n")
    with (project / OFFERS).open("a") as file:
        file.write("\n# $Id$\n")
    commit(repository)
    assert at(project) == meaning(project)
    assert "git has no specs at" in refusal(project, "HEAD~1")
    git(repository, "worktree", "add", "-q", str(tmp_path / "linked"), "HEAD")
    assert at(tmp_path / "linked/teams/offers", GIT_DIR=str(repository / ".git/worktrees/linked")) == meaning(project)


def test_a_submodule_is_a_repository_of_its_own(repository: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q")
    git(outer, "submodule", "--quiet", "add", str(repository), "offers")
    commit(outer)
    assert at(outer / "offers") == meaning(repository)


def test_specs_in_a_submodule_are_not_left_out(repository: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    git(inner, "init", "-q")
    shutil.move(repository / OFFERS, inner / "offers.yaml")
    commit(inner)
    git(repository, "submodule", "--quiet", "add", str(inner), "specs/shop/more")
    commit(repository)
    assert "is a submodule" in refusal(repository)


def test_a_checkout_of_a_bare_repository(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "checkout"), "main")
    assert at(tmp_path / "checkout") == meaning(repository)
    shutil.rmtree(repository / ".git")
    assert "ignores GIT_DIR" in refusal(repository, GIT_DIR=str(tmp_path / "bare.git"), GIT_WORK_TREE=".")


ATTRIBUTES = {
    "export": (".gitattributes", "*.yaml export-subst\nspecs/shop/offers.yaml export-ignore\n", "by $Format:%h$"),
    "ident": (".gitattributes", "*.yaml ident\n", "by $Id$"),
    "nested": ("specs/.gitattributes", "*.yaml ident\n", "by $Id$"),
    "private": (".git/info/attributes", "*.yaml ident\n", "by $Id$"),
    "crlf": (".gitattributes", "*.yaml text eol=crlf\n", "plain"),
    "encoding": (".gitattributes", "*.yaml text working-tree-encoding=UTF-8\n", "ünï"),
}


@pytest.mark.parametrize("which", ATTRIBUTES)
def test_a_clean_checkout_is_its_own_head(repository: Path, which: str) -> None:
    place, attributes, text = ATTRIBUTES[which]
    (repository / place).write_text(attributes)
    path = repository / "specs/shop/labels.yaml"
    path.write_text(
        f'version: 1\nfilters:\n  labelled:\n    label: "{text}"\n    when: >\n      person.age\n\n      > 1\n'
    )
    commit(repository)
    git(repository, "rm", "-rq", "--cached", ".")
    git(repository, "reset", "-q", "--hard")
    path.unlink()
    git(repository, "checkout", "-q", "--", "specs")
    assert at(repository) == meaning(repository)
    assert git(repository, "status", "--porcelain") == ""


def test_line_ends_of_the_configuration(repository: Path) -> None:
    git(repository, "config", "core.autocrlf", "true")
    assert at(repository) == meaning(repository)


def test_the_attributes_are_those_of_the_revision(repository: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    before = meaning(repository)
    (repository / ".gitattributes").write_text("*.yaml working-tree-encoding=UTF-16\n")
    assert at(repository, first) == before


LINKS = {
    "file": ("specs/shop/offers.yaml", "../../common/offers.txt", "common/offers.txt"),
    "folder": ("specs/shop", "../common/shop", "common/shop"),
    "top": ("specs", "common/specs", "common/specs"),
    "through": ("specs/shop/offers.yaml", "../../way/offers.txt", "common/offers.txt"),
    "absolute": ("specs/shop/offers.yaml", "{root}/common/offers.txt", "common/offers.txt"),
    "out and in": ("specs/shop/offers.yaml", "../../../{name}/common/offers.txt", "common/offers.txt"),
    "hidden": ("specs/shop/offers.yaml", ".offers", "specs/shop/.offers"),
}


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize("which", LINKS)
def test_links_inside_the_project(repository: Path, which: str, inside: bool) -> None:
    """Tracked or not: what git: shows is what the loader reads."""
    project = in_a_folder(repository) if inside else repository
    link, target, real = LINKS[which]
    (project / "common").mkdir()
    (project / "way").symlink_to("common")
    (project / link).rename(project / real)
    (project / link).symlink_to(target.format(root=project, name=project.name))
    commit(repository)
    with checkout(project, "HEAD", dict(os.environ) | IDENTITY) as (folder, _):
        assert meaning(folder) == meaning(project)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../outside.yaml", "loop.yaml", "nowhere.yaml", "x" * 5000])
def test_links_that_the_loader_refuses(repository: Path, target: str) -> None:
    (repository.parent / "outside.yaml").write_text("version: 1\n")
    oid = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"],
        cwd=repository,
        input=target,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    git(repository, "update-index", "--add", "--cacheinfo", f"120000,{oid},specs/shop/loop.yaml")
    git(repository, "commit", "-q", "-m", "x")
    with pytest.raises(Refused) as caught:
        at(repository)
    assert {found.code for found in caught.value.diagnostics} <= {Code.LINK_OUTSIDE, Code.UNREADABLE, Code.GIT}
    if len(target) < 100:
        (repository / "specs/shop/loop.yaml").symlink_to(target)
        with pytest.raises(Refused) as disk:
            meaning(repository)
        assert [found.code for found in disk.value.diagnostics] == [found.code for found in caught.value.diagnostics]


def test_files_that_are_too_large_are_not_written(repository: Path) -> None:
    (repository / "specs/shop/large.yaml").write_bytes(b"#" * (16 * 1024 * 1024 + 1))
    commit(repository)
    with pytest.raises(Refused) as caught:
        at(repository)
    assert [found.code for found in caught.value.diagnostics] == [Code.FILE_TOO_LARGE]


@pytest.mark.parametrize("name", ["specs/shop/..", "specs/.git/x.yaml", "specs/shop/offers.yaml/x.yaml"])
def test_trees_that_no_git_would_make(repository: Path, name: str) -> None:
    """A name that leads out of the folder is refused, and nothing is written."""
    oid = git(repository, "rev-parse", f"HEAD:{OFFERS}")
    tree = git(repository, "rev-parse", "HEAD^{tree}")
    rows = dict(row.split("\t")[::-1] for row in git(repository, "ls-tree", tree).splitlines())
    parts = name.split("/")
    made = oid
    mode = b"100644"
    for depth, part in enumerate(reversed(parts[1:])):
        del depth
        body = mode + b" " + part.encode() + b"\0" + bytes.fromhex(made)
        done = subprocess.run(
            ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
            cwd=repository,
            input=body,
            check=True,
            capture_output=True,
        )
        made, mode = done.stdout.decode().strip(), b"40000"
    rows["specs"] = f"040000 tree {made}"
    listed = "".join(f"{head}\t{path}\n" for path, head in sorted(rows.items()))
    top = subprocess.run(["git", "mktree"], cwd=repository, input=listed, check=True, capture_output=True, text=True)
    commit_ = git(repository, "commit-tree", top.stdout.strip(), "-m", "x")
    with pytest.raises(Refused):
        at(repository, commit_)


# No program, no network


MARK = "#!/bin/sh\ntouch {mark}\ncat\n"


@pytest.fixture
def hostile(repository: Path, tmp_path: Path) -> Callable[[], bool]:
    """A repository whose configuration names programs wherever git takes one; whether one of them ran."""
    mark, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(MARK.format(mark=mark))
    program.chmod(0o755)
    for hook in ("post-index-change", "post-checkout", "reference-transaction", "pre-auto-gc"):
        (repository / ".git/hooks").mkdir(exist_ok=True)
        shutil.copy(program, repository / ".git/hooks" / hook)
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "core.alternateRefsCommand",
        "filter.evil.smudge",
        "filter.evil.process",
        "filter.evil.clean",
        "credential.helper",
        "core.askPass",
        "gpg.program",
        "pager.rev-parse",
        "alias.rev-parse",
    ):
        git(repository, "config", key, str(program))
    return mark.exists


@pytest.mark.parametrize("attributes", ["*.yaml diff=evil\n", "*.md filter=evil\n"])
def test_no_program_of_the_configuration_runs(repository: Path, hostile: Callable[[], bool], attributes: str) -> None:
    (repository / ".gitattributes").write_text(attributes)
    git(repository, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "add", ".gitattributes")
    git(repository, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "commit", "-qm", "x")
    assert not hostile()
    assert at(repository) == meaning(repository)
    assert git_email(repository) == ""
    assert not hostile()


@pytest.mark.parametrize("place", [".gitattributes", ".git/info/attributes"])
def test_what_a_filter_makes_is_refused(repository: Path, hostile: Callable[[], bool], place: str) -> None:
    (repository / place).write_text("specs/shop/offers.yaml filter=evil\n")
    words = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "filter.evil.process=")
    git(repository, *words, "-c", "filter.evil.clean=", "add", "-A")
    git(repository, *words, "commit", "-q", "--allow-empty", "-m", "x")
    assert not hostile()
    assert "filter “evil”, which is a program" in refusal(repository)
    assert not hostile()


def test_a_filter_that_is_not_configured_does_nothing(repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.yaml filter=lfs\n")
    commit(repository)
    assert at(repository) == meaning(repository)


def test_a_partial_clone_is_not_completed_from_the_network(repository: Path, tmp_path: Path) -> None:
    git(repository, "config", "uploadpack.allowFilter", "true")
    url = f"file://{repository}"
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", url, "partial")
    git(tmp_path / "partial", "config", "protocol.file.allow", "always")
    for name in ("specs", "environments"):
        shutil.copytree(repository / name, tmp_path / "partial" / name)
    objects = git(tmp_path / "partial", "count-objects", "-v")
    assert "does not have all files" in refusal(tmp_path / "partial")
    assert git(tmp_path / "partial", "count-objects", "-v") == objects


# Names of revisions


def test_the_merge_base(repository: Path) -> None:
    first = meaning(repository)
    git(repository, "checkout", "-q", "-b", "topic")
    add_filter(repository, "t")
    commit(repository)
    topic = meaning(repository)
    git(repository, "checkout", "-q", "main")
    add_filter(repository, "m")
    commit(repository)
    for text in ("main...topic", "topic...main", "...topic", "topic...", "HEAD...topic"):
        assert at(repository, text) == first, text
    git(repository, "checkout", "-q", "topic")
    git(repository, "merge", "-q", "main", "-m", "x")
    assert at(repository, "main...HEAD") == at(repository, "main") != topic
    assert "or the merge base of two: git:A...B" in refusal(repository, "main..HEAD")


def test_no_merge_base(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "--orphan", "alone")
    commit(repository, "alone")
    assert "“main” and “alone” have no common ancestor. " in refusal(repository, "main...alone")
    assert "not a valid object name: nowhere" in refusal(repository, "main...nowhere")
    assert "is a tree, not a commit" in refusal(repository, "main...HEAD^{tree}")


def test_a_shallow_clone(repository: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, "topic")
    git(repository, "checkout", "-q", "main")
    commit(repository, "main")
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", f"file://{repository}", "shallow")
    assert at(tmp_path / "shallow") == meaning(repository)
    for missing in ("origin/main...origin/topic", "HEAD~1", "origin/nowhere"):
        said = refusal(tmp_path / "shallow", missing)
        assert "shallow" in said and "fetch-depth: 0" in said, missing


def test_names_that_git_takes(repository: Path) -> None:
    git(repository, "tag", "-a", "v1", "-m", "x")
    git(repository, "tag", "ünï")
    same = meaning(repository)
    commit(repository, "the second... one")
    head = git(repository, "rev-parse", "HEAD")
    for text in (
        "v1",
        "v1^{}",
        "v1^{tree}",
        "HEAD^{tree}",
        "HEAD~1",
        "@",
        "@{0}",
        ":/second",
        head,
        head[:8],
        "main@{0}",
        "HEAD^{/second...}",
        "ünï",
        "refs/tags/v1",
        "v1-0-g" + head,
    ):
        assert at(repository, text) == same, text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a git revision"),
        ("-x", "is not a git revision"),
        ("--all", "is not a git revision"),
        ("nowhere", "not a valid object name: nowhere"),
        ("HEAD:specs/shop/offers.yaml", "git has no specs"),
        ("@{u}", "no upstream configured"),
        ("HEAD HEAD", "not a valid object name"),
        ("^HEAD", "git has no specs"),
        ("HEAD^!", "git has no specs"),
        ("HEAD^@", "git has no specs"),
        ("a\nb", "not a valid object name"),
        (":specs", "git has no specs"),
        ("HEAD~9", "not a valid object name"),
        ("a\0b", "could not be run"),
        ("\udcff", "not a valid object name"),
        ("x" * 9999, "git has no specs"),
        ("HEAD:specs", "git has no specs"),
        ("....", "git has no specs"),
        ("main...--all", "is not a git revision"),
        ("a...b...c", "git has no specs"),
    ],
)
def test_names_that_are_refused(repository: Path, text: str, words: str) -> None:
    assert words in refusal(repository, text)


def test_an_unborn_branch(tmp_path: Path) -> None:
    write(tmp_path, base())
    git(tmp_path, "init", "-q")
    assert "has no commit yet" in refusal(tmp_path)


def test_a_name_that_means_two(repository: Path) -> None:
    git(repository, "tag", "both")
    git(repository, "branch", "both")
    git(repository, "config", "core.warnAmbiguousRefs", "false")
    assert "“both” is ambiguous" in refusal(repository, "both")
    assert at(repository, "heads/both") == at(repository, "tags/both") == meaning(repository)


def test_nothing_is_left_behind(repository: Path) -> None:
    def state() -> list[tuple[str, int]]:
        return sorted((str(path), path.stat().st_mtime_ns) for path in repository.rglob("*"))

    before = state()
    at(repository)
    assert state() == before
