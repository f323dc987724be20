"""``init --template``: a ready space with a template for its offers, added to a new or an existing project.

Everything is checked before anything is written: names, places, and the whole project with the new file in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from offerkit.address import SHARED, Address, Kind, environment_address, valid_name
from offerkit.diagnostics import Code, Diagnostic, Refused, refuse, suggestion
from offerkit.specs import Loaded
from offerkit.specs.cache import Cache
from offerkit.specs.load import load_files
from offerkit.specs.project import SpecFile, read_files
from offerkit.specs.record import Record

DEFAULT_NAMES: Mapping[str, str] = {
    "app": "app-home",
    "banner": "banner",
    "call-center": "call-desk",
    "email": "newsletter",
    "fallback": "fallback",
    "sms": "text-message",
}
"""The templates, each with what its resources are called if the user says nothing else."""
_OUTBOUND = ("email", "sms")
MOST = 20
"""Templates that one run adds."""


@dataclass(frozen=True)
class WantedTemplate:
    """A template to add, and what to call its resources."""

    template: str
    name: str

    @classmethod
    def parse(cls, text: str) -> WantedTemplate:
        """``TEMPLATE`` or ``TEMPLATE=NAME``. Raises Refused for an unknown template or a name that cannot be one."""
        template, _, name = text.partition("=")
        if template not in DEFAULT_NAMES:
            hint = suggestion(template, DEFAULT_NAMES, f"One of: {', '.join(DEFAULT_NAMES)}.")
            raise refuse(Code.BAD_VALUE, f"there is no template “{template[:60]}”", hint=hint)
        name = name if "=" in text else DEFAULT_NAMES[template]
        if not valid_name(Kind.SPACE, name) or not valid_name(Kind.TEMPLATE, f"{name}-offer"):
            raise refuse(
                Code.BAD_NAME,
                f"“{name[:60]}” cannot name a space",
                hint="Use ASCII letters, digits, - and _, as in --template banner=hero.",
            )
        return cls(template, name)


def template_files(
    root: Path, project: Mapping[str, bytes], environment: str, wanted: Iterable[str], texts: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The files that templates add to ``environment`` of the project in ``root``, by path.

    ``project``: the files of ``root`` if it is no project yet; ``texts``: the templates' own files, by template. Raises
    Refused with all obstacles: mistakes in the project, resources and files of these names, links
    that lead out of the project, an environment that cannot have such a space.
    """
    requests = [WantedTemplate.parse(text) for text in dict.fromkeys(wanted)]
    if len(requests) > MOST:
        raise refuse(Code.BAD_VALUE, f"at most {MOST} templates are added at once", hint="Run the command again.")
    files = _files_of(root, project)
    loaded = load_files(files, [], Cache(None))
    described = _environment(loaded, environment)
    new: list[SpecFile] = []
    against: list[Diagnostic] = []
    for request in requests:
        path = f"specs/{environment}/{request.name}.yaml"
        against += _against(root, path, request, described)
        content = _filled(texts[request.template].decode(), request, loaded, described)
        new.append(SpecFile(path, environment, False, content.encode()))
    against += _named_twice(new, loaded)
    if against:
        raise Refused(against)
    load_files(sorted([*files, *new]), [], Cache(None))
    return {file.path: file.content for file in new}


def _files_of(root: Path, project: Mapping[str, bytes]) -> list[SpecFile]:
    """The project's files as they are, or as they will be. Raises Refused for those that cannot be read."""
    if any((root / "environments").glob("*.y*ml")):
        files, diagnostics = read_files(root)
        if diagnostics:
            raise Refused(diagnostics)
        return files
    return sorted(
        SpecFile(
            path, Path(path).stem if path.startswith("environments/") else _below(path), top == "environments", text
        )
        for path, text in project.items()
        if (top := path.partition("/")[0]) in ("environments", "specs") and path.endswith(".yaml")
    )


def _below(path: str) -> str:
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else SHARED


def only_environment(root: Path) -> str:
    """The name of the one environment of the project in ``root``; empty if it has none, or several."""
    found = [path.stem for path in (root / "environments").glob("*.y*ml")]
    return found[0] if len(found) == 1 else ""


def _environment(loaded: Loaded, name: str) -> Record:
    record = loaded.records.get(environment_address(name)) if valid_name(Kind.ENVIRONMENT, name) else None
    if record is None:
        known = sorted(address.name for address in loaded.records if address.kind is Kind.ENVIRONMENT)
        raise refuse(
            Code.NO_MATCH,
            f"the project has no environment “{name[:60]}”",
            hint=suggestion(name, known, f"Name one with --environment: {', '.join(known[:12])}."),
        )
    return record


def _against(root: Path, path: str, request: WantedTemplate, environment: Record) -> Iterable[Diagnostic]:
    """The reasons not to write one template's file."""
    target, top = root / path, os.path.realpath(root)
    real = os.path.realpath(target.parent)
    if os.path.lexists(target):
        yield Diagnostic(
            Code.TARGET_EXISTS,
            f"{path} already exists",
            "A template adds a file; it changes none.",
            f"Choose another name: --template {request.template}=NAME.",
        )
    if real != top and not real.startswith(top + os.sep):
        yield Diagnostic(
            Code.LINK_OUTSIDE,
            f"{path} lies behind a link that leads out of the project",
            "Everything that a plan is made from must be in the project, where it is reviewed.",
            "Make the folder a real one.",
        )
    if request.template in _OUTBOUND and "anonymous" in environment.facts.flags:
        yield Diagnostic(
            Code.ANONYMOUS,
            f"{environment.name} is anonymous, and cannot have the space of the template “{request.template}”",
            "Nobody can be written to without an address.",
            "Name another environment with --environment.",
        )


def _filled(text: str, request: WantedTemplate, loaded: Loaded, environment: Record) -> str:
    """A template's file with its names, and with the key of the environment's contacts where it identifies them."""
    if "anonymous" in environment.facts.flags:  # its visitors are known by their cookie
        text = "".join(line for line in text.splitlines(keepends=True) if "identification:" not in line)
    dimension = environment.target_at(("dimension",))
    keys = loaded.records[dimension].facts.keys if dimension in loaded.records else ()
    values = {
        "@NAME@": request.name,
        "@ENVIRONMENT@": environment.name,
        "@KEYS@": f"[{', '.join(json.dumps(key) if key.isdigit() else key for key in keys)}]",
    }
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text


def _named_twice(new: list[SpecFile], loaded: Loaded) -> Iterable[Diagnostic]:
    """The resources of new files that the project, or another of these files, already has."""
    from offerkit.specs.parse import parse_file

    seen: set[Address] = set()
    for file in new:
        for record in parse_file(file).records:
            there = loaded.records.get(record.address)
            if there is not None or record.address in seen:
                yield Diagnostic(
                    Code.DECLARED_TWICE,
                    f"{record.address} is already declared"
                    if there is not None
                    else f"two of the templates would declare {record.address}",
                    "A template adds resources; it changes none.",
                    "Choose another name: --template TEMPLATE=NAME.",
                    address=record.address,
                    position=there.position if there is not None else None,
                )
            seen.add(record.address)
