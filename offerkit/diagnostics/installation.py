"""How offerkit was installed, so that hints give commands that work here.

offerkit is installed from a checkout, a wheel, an address, git or an index, and only an index answers
``pip install offerkit``. The installer notes the origin in ``direct_url.json`` (PEP 610), unless it was an index.
Only needed when something is refused, so slow imports are made where they are used.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from offerkit.diagnostics.secret import has_secret

_PACKAGE = "offerkit"
_REQUIREMENT = re.compile(r"([^;]+?)\s*;\s*extra\s*==\s*[\"']([\w.-]+)[\"']\s*")


@dataclass(frozen=True)
class InstallOrigin:
    """Where an installed offerkit came from.

    ``url`` is one that pip takes: ``git+https://…@COMMIT`` or an ``https`` archive; ``path`` a checkout or an archive
    on this machine. Both are empty when it came from an index, or from where pip could not be sent again.
    """

    url: str = ""
    path: Path | None = None
    editable: bool = False


def install_hint(extra: str) -> str:
    """A hint: how to install the packages of ``extra``."""
    return f"Install it: {install_command(extra)}"


def install_by_name(extra: str) -> str:
    """The same for a report, which may be read on another computer: by the name of the package."""
    return f"Install it with: pip install '{_PACKAGE}[{extra}]'."


def install_command(extra: str) -> str:
    """The command that installs the packages of ``extra`` into the current environment."""
    origin = _origin()
    if origin.path is not None:
        requirements = [*(["-e"] if origin.editable else []), f"{origin.path}[{extra}]"]
    elif origin.url:
        requirements = [f"{_PACKAGE}[{extra}] @ {origin.url}"]
    else:  # the extra by name may be unknown to the index; what it stands for is not
        requirements = _requirements(extra) or [f"{_PACKAGE}[{extra}]"]
    return " ".join([*_pip_install(), *map(_quoted, requirements)])


def upgrade_hint() -> str:
    """A hint: how to get a newer offerkit."""
    origin = _origin()
    if origin.editable and origin.path is not None and (origin.path / ".git").exists():
        return f"Upgrade offerkit: git -C {_quoted(str(origin.path))} pull"
    return "Install a newer offerkit from the same source: the version that wrote it, or a later one."


def pinned_requirement() -> str:
    """The line of a requirements file that installs this same offerkit on another machine; empty if that is impossible.

    It names a git commit or an archive on the web; a checkout or wheel exists only on this machine.
    """
    url = _origin().url
    return f"{_PACKAGE} @ {url}" if url.startswith(("https://", "git+https://", "git+ssh://")) else ""


def _origin() -> InstallOrigin:
    import json
    from importlib.metadata import distributions

    # the current folder may also hold a build's metadata, which come before those of the installation
    noted = [text for installed in distributions(name=_PACKAGE) if (text := installed.read_text("direct_url.json"))]
    try:
        return _read(json.loads(noted[0])) if noted else _checkout()
    except (ValueError, TypeError, AttributeError, KeyError):  # not as PEP 610 has it
        return InstallOrigin()


def _checkout() -> InstallOrigin:
    """The checkout that this code runs from, when it is not installed but only on ``sys.path``."""
    folder = Path(__file__).resolve().parents[2]
    return InstallOrigin(path=folder, editable=True) if (folder / "pyproject.toml").is_file() else InstallOrigin()


def _read(noted: dict[str, dict[str, str]]) -> InstallOrigin:
    url = str(noted.get("url", ""))
    parts = urlsplit(url)
    if has_secret(url) or (parts.username and parts.scheme != "ssh"):  # a user's name may be a token
        return InstallOrigin()
    if parts.scheme == "file" and "vcs_info" not in noted:
        path, editable = Path(unquote(parts.path)), bool(noted.get("dir_info", {}).get("editable"))
        return InstallOrigin(path=path, editable=editable) if path.exists() else InstallOrigin()
    subdirectory = noted.get("subdirectory")
    fragment = f"#subdirectory={subdirectory}" if subdirectory else ""
    if "vcs_info" in noted:
        vcs = noted["vcs_info"]
        return InstallOrigin(url=f"{vcs['vcs']}+{url}@{vcs['commit_id']}{fragment}")
    return InstallOrigin(url=f"{url}{fragment}" if parts.scheme == "https" else "")


def _requirements(extra: str) -> list[str]:
    from importlib.metadata import PackageNotFoundError, requires

    try:
        matches = [_REQUIREMENT.fullmatch(requirement) for requirement in requires(_PACKAGE) or []]
    except PackageNotFoundError:
        return []
    return [match[1] for match in matches if match is not None and match[2] == extra]


def _pip_install() -> list[str]:
    """The shortest ``pip install`` that installs into the current environment."""
    import shutil
    from importlib.util import find_spec

    python = _quoted(sys.executable)
    if find_spec("pip") is None:  # an environment as uv makes them
        return ["uv", "pip", "install", "--python", python]
    pip = shutil.which("pip")
    is_own = pip is not None and Path(pip).parent == Path(sys.executable).parent
    return ["pip", "install"] if is_own else [python, "-m", "pip", "install"]


def _quoted(word: str) -> str:
    """``word`` quoted for a shell, in single quotes where possible."""
    import shlex

    return f"'{word}'" if re.fullmatch(r"[^'\x00-\x1f]*[\[ ][^'\x00-\x1f]*", word) else shlex.quote(word)
