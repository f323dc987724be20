"""Sessions as text: reading, running and writing them back (README.md tells the format)."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from helpers.files import temporary
from helpers.forked import Forked
from helpers.inside import Ended, offerkit

from offerkit.cli.main import COMMANDS

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
STARTED = "started"
"""The folder of the offerkit that starts Python, beside that of all tools."""
PROMPT, MORE, FILE = "$ ", "> ", re.compile(r"-- (\S+) --$")
ERROR = "! "

STARTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "small": ("", ()),
    "bundled": ("", ()),
    "applied": ("small", ("--as ada apply --yes",)),
    "approved": (
        "applied",
        ("--as omar approve */offer.*", "--as brand approve *.gold-card", "--as risk approve *.gold-card"),
    ),
    "deciding": ("", ()),
    "decided": ("deciding", ("--as ada apply --yes", "--as ada approve */offer.*", "--as ada promote --yes")),
    "hooked": ("", ()),
    "hooked-live": (
        "hooked",
        ("--as ada apply --yes", "--as ada approve */offer.*", "--as ada promote --yes", "--as ada apply --yes"),
    ),
    "live": ("approved", ("--as omar promote --yes", "--as dora apply --yes")),
}
"""Where a session may begin: from another start, by commands of offerkit."""

_TOOLS = {
    "offerkit": (
        'exec "$OFFERKIT_PYTHON" -P -c'
        ' \'import sys; sys.argv[0] = "offerkit"; from offerkit.cli.main import run; run()\' $ALWAYS "$@"'
    ),
    "python": 'exec "$OFFERKIT_PYTHON" -P "$@"',
    "hold-lock": f'exec "$OFFERKIT_PYTHON" -P {HERE}/hold_lock.py "$@"',
    "sql": f'exec "$OFFERKIT_PYTHON" -P {HERE}/sql.py "$@"',
}
_WORD = r"""(?:[\w./:@=,+%-]|'[^']*'|"[^"$`\\!]*")+"""
_PLAIN = re.compile(
    rf"offerkit((?:\s+{_WORD})*)\s*(?:\|((?!\s*head\b)(?!.*\b(?:offerkit|hold-lock|sql)\b).+))?", re.DOTALL
)
"""``offerkit`` with words that mean the same to bash and to shlex, and what reads all that it prints."""
_KIND = re.compile(rf"(?<!\S)(?:--format \S+|--?[a-z][\w-]*|{'|'.join(COMMANDS)})(?!\S)")
_NORMAL = (
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"), "YYYY-MM-DDTHH:MM:SSZ"),
    (re.compile(r"\b[0-9a-f]{12,64}\b"), lambda match: "x" * len(match[0])),
    (re.compile(r"\bprocess \d+\b"), "process PID"),
    (re.compile(r"\bofferkit \d+\.\d+\.\d+\S*"), "offerkit X.Y.Z"),
    (re.compile(r'"offerkit": ?"\d[^"]*"'), '"offerkit":"X.Y.Z"'),
)


@dataclass
class Command:
    """A command with what it is to print (standard output, then marked standard error, then the exit code)."""

    lines: list[str]
    expected: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The command as bash is given it."""
        return "\n".join(line[2:] for line in self.lines)


@dataclass
class File:
    """A file that the session writes."""

    path: str
    lines: list[str] = field(default_factory=list)


Item = str | Command | File
"""A piece of a session; a text is prose, copied as it is."""


def read(text: str) -> list[Item]:
    """The pieces of a session."""
    items: list[Item] = []
    body: list[str] | None = None
    for line in text.split("\n"):
        last = items[-1] if items else None
        if line.startswith(PROMPT):
            items.append(Command([line]))
            body = items[-1].expected  # type: ignore[union-attr]
        elif line.startswith(MORE) and isinstance(last, Command) and not last.expected:
            last.lines.append(line)
        elif found := FILE.match(line):
            items.append(File(found[1]))
            body = items[-1].lines  # type: ignore[union-attr]
        elif body is not None and (not line or line.startswith(("  ", ERROR)) or line == ERROR.strip()):
            body.append(line if line.startswith(ERROR.strip()) else line[2:])
        else:
            items.append(line)
            body = None
    for item in items:
        lines = item.expected if isinstance(item, Command) else item.lines if isinstance(item, File) else []
        while lines and not lines[-1]:
            lines.pop()
    return items


def written(items: list[Item]) -> str:
    """The session as text again."""
    rows: list[str] = []
    for item in items:
        if isinstance(item, str):
            rows.append(item)
            continue
        if isinstance(item, Command):
            rows += [*item.lines, *map(_indented, item.expected)]
        else:
            rows += [f"-- {item.path} --", *(f"  {line}" if line else "" for line in item.lines)]
        rows.append("")
    return "\n".join(rows).rstrip("\n") + "\n"


def _indented(line: str) -> str:
    return line if not line or line.startswith(ERROR) or line == ERROR.strip() else f"  {line}"


def start_of(items: list[Item]) -> str:
    """The project that the session begins with; empty: none."""
    return next((item[6:].strip() for item in items if isinstance(item, str) and item.startswith("start:")), "")


@contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder whose name is always of one length, so that what is printed wraps alike."""
    place = temporary()
    path = Path(tempfile.mkdtemp(prefix="offerkit-"[: len("/tmp/offerkit-") - len(f"{place}/")], dir=place))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def environment(root: Path) -> dict[str, str]:
    """What a session sees of the machine: ``root/bin`` first on the path, ``root/home`` as home, nothing else."""
    tools, home = root / "bin", root / "home"
    if not tools.exists():
        tools.mkdir(parents=True)
        home.mkdir()
        for name, line in _TOOLS.items():
            tool = tools / name
            tool.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
            tool.chmod(0o755)
    return {
        "PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "USER": "root",
        "GIT_CONFIG_NOSYSTEM": "1",
        "OFFERKIT_PYTHON": sys.executable,
        "SCRIPTS": str(HERE),
    }


def begin(start: str, root: Path, prepared: Path) -> Path:
    """The folder the session runs in, with the project that it starts with."""
    place = root / "p"
    if start:
        shutil.copytree(_prepared(start, prepared), place, symlinks=True)
    else:
        place.mkdir()
    return place


def _prepared(start: str, prepared: Path) -> Path:
    """The project of a start, made once for all sessions."""
    from filelock import FileLock

    place = prepared / start
    with FileLock(prepared / f"{start}.lock"):
        if place.exists():
            return place
        source, commands = STARTS[start]
        draft = prepared / f"{start}.draft"
        shutil.rmtree(draft, ignore_errors=True)
        if start == "bundled":
            for part in ("specs", "environments"):
                shutil.copytree(REPOSITORY / part, draft / part)
        elif not source:
            shutil.copytree(HERE / "projects" / start, draft)
        else:
            shutil.copytree(_prepared(source, prepared), draft)
            env = environment(prepared / f"{start}.tools")
            for command in commands:
                ended = offerkit(command.split(), draft, env)
                assert ended.code == 0, ended
        draft.rename(place)
    return place


def run(command: Command, place: Path, env: dict[str, str], kinds: set[frozenset[str]] | None = None) -> list[str]:
    """What the command prints now, in the form of :attr:`Command.expected`.

    The first one of each kind, as its commands and options tell, starts Python; the kinds are added to ``kinds``, and
    without it none does. Else offerkit is called in this process where bash would do no more than start it.
    """
    kind = frozenset(_KIND.findall(command.text))
    started = kinds is not None and kind not in kinds
    if kinds is not None:
        kinds.add(kind)
    plain = None if started else _PLAIN.fullmatch(command.text)
    said = Ended(0, b"", b"")
    text, given = command.text, b""
    if plain is not None:
        said = offerkit([*shlex.split(env.get("ALWAYS", "")), *shlex.split(plain[1])], place, env)
        text, given = plain[2] or "", said.out
    if text:
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail\n{text}"],
            cwd=place, env=env | {"PATH": f"{place.parent / STARTED}:{env['PATH']}"} if started else env,
            input=given, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        said = Ended(done.returncode or said.code, done.stdout, said.err + done.stderr)
    rows = normal(said.out, place.parent)
    rows += [f"{ERROR}{row}".rstrip() for row in normal(said.err, place.parent)]
    if said.code:
        rows.append(f"[exit {said.code}]")
    return rows


def normal(output: bytes, root: Path) -> list[str]:
    """Lines with everything that differs from run to run replaced by a name for it."""
    text = output.decode("utf-8", "backslashreplace").replace(str(root / "p"), "$DIR").replace(str(root), "$ROOT")
    for pattern, name in _NORMAL:
        text = pattern.sub(name, text)
    rows = [row.rstrip() for row in text.split("\n")]
    while rows and not rows[-1]:
        rows.pop()
    return rows


def play(path: Path, prepared: Path, forks: Forked, store: str = "", *, started: bool = False) -> tuple[str, str]:
    """The session as it stands in its file, and as it goes now; with its store at ``store`` when that is given.

    Its commands are called in this process, or are forks of one that has offerkit imported; with ``started`` the first
    one of each kind is a process that imports what it needs.
    """
    text = path.read_text(encoding="utf-8")
    items = read(text)
    with folder() as root:
        env = environment(root)
        (root / STARTED).mkdir()
        (root / "bin/offerkit").rename(root / STARTED / "offerkit")
        forks.install(root / "bin")
        kinds: set[frozenset[str]] | None = set() if started else None
        place = begin(start_of(items), root, prepared)
        if store:
            _move_store(place, store, env, root / "bin")
        for item in items:
            if isinstance(item, File):
                target = place / item.path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text("\n".join(item.lines) + "\n", encoding="utf-8")
            elif isinstance(item, Command):
                item.expected = run(item, place, env, kinds)
    return text, written(items)


def _move_store(place: Path, store: str, env: dict[str, str], tools: Path) -> None:
    """Let the session find what it starts with in another store, and nothing in its own.

    A project's own store is begun by apply; one that is named only with --create-store.
    """
    own = place / ".offerkit/store.db"
    if own.exists():
        ended = offerkit(["store", "copy", str(own), store], place, env)
        assert ended.code == 0, ended
        own.unlink()
    else:
        plain = (tools / "offerkit").rename(tools / "offerkit.plain")
        (tools / "offerkit").write_text(f'#!/bin/sh\nexec {plain} $ALWAYS "$@"\n', encoding="utf-8")
        (tools / "offerkit").chmod(0o755)
        env["ALWAYS"] = "--create-store"
    env["OFFERKIT_STORE"] = store


def updating() -> bool:
    """Whether the files are to be rewritten."""
    return bool(os.environ.get("UPDATE_SCRIPTS"))
