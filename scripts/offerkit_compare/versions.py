"""What is compared: an offerkit named by a folder, a wheel or a git revision, and how to ask it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("driver.py")


class Version:
    """An offerkit that can be run: a Python, and a folder that it finds offerkit in before any other."""

    def __init__(self, python: Path, folder: Path | None) -> None:
        self.python = python
        self.folder = folder

    def start(self) -> Driver:
        """A process that runs sessions."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith(("OFFERKIT", "PYTHON", "COV"))}
        if self.folder is not None:
            environ["PYTHONPATH"] = str(self.folder)
        return Driver(subprocess.Popen(
            [self.python, "-P", DRIVER], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ))  # fmt: skip

    def module(self) -> str:
        """Where its offerkit lies."""
        environ = {**os.environ, **({"PYTHONPATH": str(self.folder)} if self.folder else {})}
        found = subprocess.run(
            [self.python, "-P", "-c", "import offerkit; print(offerkit.__path__[0])"],
            env=environ, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return found.stdout.strip()


class Driver:
    """A running ``driver.py``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, session: dict[str, Any]) -> dict[str, Any]:
        """What came of a session."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(session) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"The driver has ended with {self.process.wait()}; its messages are above.")
        found: dict[str, Any] = json.loads(answer)
        return found

    def stop(self) -> None:
        """End it."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()


def version(name: str, folder: Path) -> Version:
    """The version that ``name`` means; what has to be made is made in ``folder``."""
    path = Path(name)
    if (python := path / "bin" / "python").exists():
        return Version(python.absolute(), None)
    if (path / "offerkit" / "__init__.py").exists():
        return Version(Path(sys.executable), path.resolve())
    if path.suffix == ".whl" and path.exists():
        return Version(Path(sys.executable), _installed(path, folder / "installed"))
    return Version(Path(sys.executable), _installed(_built(name, folder), folder / "installed"))


def _built(revision: str, folder: Path) -> Path:
    """The wheel of a git revision."""
    made = subprocess.run(["git", "-C", ROOT, "archive", revision], check=False, capture_output=True)
    if made.returncode:
        raise SystemExit(f"{revision}: no virtual environment, no tree, no wheel, and {made.stderr.decode().strip()}")
    with tarfile.open(fileobj=BytesIO(made.stdout)) as archive:
        archive.extractall(folder / "source", filter="data")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", f"{folder}/wheel", f"{folder}/source"]
    subprocess.run(command, check=True)
    return next((folder / "wheel").glob("*.whl"))


def _installed(wheel: Path, folder: Path) -> Path:
    """The wheel alone in a folder; what it needs comes from the Python that runs this."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--no-index",
        "--target",
        f"{folder}",
        f"{wheel}",
    ]
    subprocess.run(command, check=True)
    return folder
