"""What only happens at a terminal: questions, answers, interruptions, colours."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import begin, environment, folder

CTRL_C, CTRL_D = b"\x03", b"\x04"
QUESTION = "Apply this plan?"


def _as_from_a_shell() -> None:
    """The terminal as the controlling one, and no signal ignored because whoever runs the tests ignores it."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, args: list[str], place: Path, env: dict[str, str]) -> None:
        self._fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
        self.process = subprocess.Popen(
            ["offerkit", *args],
            cwd=place, env=env, stdin=inner, stdout=inner, stderr=inner, start_new_session=True,
            preexec_fn=_as_from_a_shell,
        )  # fmt: skip
        os.close(inner)
        self.output = ""

    def read(self, until: str = "", timeout: float = 30) -> str:
        """Everything that was printed, once ``until`` was, or at the end."""
        limit = time.monotonic() + timeout
        while time.monotonic() < limit and not (until and until in self.output):
            if select.select([self._fd], [], [], 0.1)[0]:
                try:
                    chunk = os.read(self._fd, 65536)
                except OSError:  # the other side is closed
                    break
                if not chunk:
                    break
                self.output += chunk.decode("utf-8", "replace").replace("\r\n", "\n")
            elif self.process.poll() is not None and not select.select([self._fd], [], [], 0)[0]:
                break
        assert until in self.output, self.output
        return self.output

    def type(self, text: bytes) -> None:
        """Press keys."""
        os.write(self._fd, text)

    def ends(self) -> int:
        """The exit code, once all is printed."""
        self.read()
        code = self.process.wait(30)
        os.close(self._fd)
        return code


@pytest.fixture
def env() -> Iterator[dict[str, str]]:
    """The environment of sessions, with a terminal that has colours."""
    with folder() as root:
        yield environment(root) | {"TERM": "xterm-256color", "NO_COLOR": "", "ROOT": str(root)}


@pytest.fixture
def changed(env: dict[str, str], prepared: Path) -> Path:
    """A project with one change to apply."""
    place = begin("applied", Path(env["ROOT"]), prepared)
    offers = place / "specs/recipients/offers.yaml"
    offers.write_text(offers.read_text().replace("label: The app", "label: Our app"))
    return place


def revisions(place: Path, env: dict[str, str]) -> int:
    """How many revisions the store has."""
    done = subprocess.run(
        ["offerkit", "audit", "export"], cwd=place, env=env, capture_output=True, check=True
    )  # fmt: skip
    return done.stdout.count(b'"record":"revision"')


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (b"yes\n", 0, "Applied. Revision 2 by omar"),
        (b"no\n", 1, "nothing was changed: the plan was not confirmed"),
        (b"y\n", 1, "nothing was changed"),
        (b"YES\n", 1, "nothing was changed"),
        (b"\n", 1, "nothing was changed"),
        (CTRL_D, 130, "Interrupted"),
        (CTRL_C, 130, "Interrupted"),
    ],
    ids=["yes", "no", "y", "upper", "empty", "ctrl-d", "ctrl-c"],
)
def test_confirmation(changed: Path, env: dict[str, str], answer: bytes, code: int, says: str) -> None:
    """Only “yes” applies; anything else, and any interruption, changes nothing."""
    terminal = Terminal(["--as", "omar", "apply"], changed, env)
    assert "1 to change" in terminal.read(QUESTION)
    time.sleep(0.3)  # the question is printed a moment before the line editor listens
    terminal.type(answer)
    assert terminal.ends() == code
    assert says in terminal.output
    assert "Traceback" not in terminal.output
    assert revisions(changed, env) == (2 if code == 0 else 1)


def test_colours_and_width(changed: Path, env: dict[str, str]) -> None:
    """A terminal gets colours and lines that fit it; with NO_COLOR, or as a dumb one, no colours."""
    plan = ["plan"]
    coloured = Terminal(plan, changed, env | {"COLUMNS": ""})
    assert coloured.ends() == 0
    assert "\x1b[1mApply the specs" in coloured.output
    for quiet in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        plain = Terminal(plan, changed, env | quiet)
        assert plain.ends() == 0
        assert "\x1b" not in plain.output
    never = Terminal(["--color", "never", "show", "nowhere"], changed, env)
    assert never.ends() == 1
    assert "\x1b" not in never.output


def test_interrupted_while_waiting(changed: Path, env: dict[str, str]) -> None:
    """Ctrl-C ends the wait for the lock at once, and nothing was changed."""
    with subprocess.Popen(["hold-lock", "60"], cwd=changed, env=env, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        terminal = Terminal(["--as", "omar", "apply", "--yes", "--lock-timeout", "60"], changed, env)
        terminal.read("Waiting for the store: someone else (process")
        terminal.type(CTRL_C)
        assert terminal.ends() == 130
        assert "Traceback" not in terminal.output
        holder.kill()
    assert revisions(changed, env) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signals(changed: Path, env: dict[str, str], number: signal.Signals) -> None:
    """A signal at the question ends the run, without a traceback, with nothing changed."""
    terminal = Terminal(["--as", "omar", "apply"], changed, env)
    terminal.read("is accepted")
    time.sleep(0.3)  # until it reads: a signal between the two is Python's to miss
    os.kill(terminal.process.pid, number)
    assert terminal.ends() in (130, -number)
    assert "Traceback" not in terminal.output
    assert revisions(changed, env) == 1


def test_a_bug_of_ours_is_told_as_one(changed: Path, env: dict[str, str]) -> None:
    """Exit code 3, what to do, and the traceback only on demand."""
    program = (
        "import sys; from offerkit.usecases.session import Session; sys.argv = ['offerkit', 'validate'];"
        "Session.load = lambda session: 1 / 0; from offerkit.cli.main import run; run()"
    )
    for demand in ("", "1"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=changed, env=env | {"OFFERKIT_TRACEBACK": demand}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 3
        assert re.match(r"error\[OFR901\]: offerkit itself failed: ZeroDivisionError in .*:\d+", done.stderr)
        assert ("Traceback" in done.stderr) == bool(demand)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", ">/dev/full", "2>/dev/full"])
def test_streams_that_cannot_be_written(changed: Path, env: dict[str, str], closed: str) -> None:
    """Closed or full streams are no bug of ours; a full one is told."""
    done = subprocess.run(
        ["bash", "-c", f"offerkit plan {closed}"], cwd=changed, env=env, capture_output=True, text=True, check=False
    )
    full = closed == ">/dev/full"
    assert done.returncode == (1 if full else 0)
    assert done.stderr == ("Error: the output cannot be written: No space left on device\n" if full else "")


def test_reader_that_leaves(changed: Path, env: dict[str, str]) -> None:
    """Whoever reads half of a plan gets half of it, and no complaint."""
    with subprocess.Popen(
        ["offerkit", "plan", "--full"], cwd=changed, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) in (0, 1)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
