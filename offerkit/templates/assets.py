"""Images by a path below an environment's ``assets`` address: ``banners/a.png`` becomes an absolute URL.

Only a URL field for an image (its name has “image” in it) is completed, and only from a text that is a relative path:
no scheme, no ``/`` at the beginning, nothing that leads upwards. What follows is checked as every URL is.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from offerkit.templates.scan import is_template, pieces
from offerkit.templates.space import is_image, is_path
from offerkit.templates.urls import Fault, template_fault
from offerkit.templates.values import MARK

_DOTS = re.compile(r"(?:^|[/\\])(?:\.|%2e){1,2}(?=$|[/\\?#])", re.IGNORECASE)
_ANYWHERE = "https://assets.example/"
"""Stands for the address where only the form of a path matters."""
OUTWARDS = "a path cannot have “.” or “..” as a part: it would lead out of the environment's assets"


def path_fault(text: str) -> Fault | None:
    """Why the path ``text`` cannot be completed, whatever the address and the values are; None when it can."""
    for piece in pieces(text) if is_template(text) else ():
        if piece.kind == "text" and (found := _DOTS.search(piece.text.strip())):
            return Fault(OUTWARDS, piece.start + found.start())
    if not is_template(text) and (found := _DOTS.search(text.strip())):
        return Fault(OUTWARDS, found.start())
    lead = len(text) - len(text.lstrip())
    fault = template_fault(_ANYWHERE + text[lead:])
    return Fault(fault.reason, max(0, fault.at - len(_ANYWHERE)) + lead) if fault else None


def completed(assets: str, field: str, text: str) -> str:
    """``text`` of a URL field as an absolute URL (still with its templates) if it is a path; otherwise as it is."""
    return f"{assets}{text.strip()}" if assets and is_image(field) and is_path(text) else text


def leads_out(url: str) -> bool:
    """Whether a completed URL has a part that leads upwards, also one that came with a value."""
    path = unquote(urlsplit(url.replace(MARK, "")).path).replace("\\", "/")
    return any(part in (".", "..") for part in path.split("/"))
