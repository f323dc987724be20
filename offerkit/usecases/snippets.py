"""The HTML that a site adds to its page to fill a space (domain.md §5)."""

from __future__ import annotations

import json
from html import escape

from offerkit.diagnostics import Code, refuse, suggestion
from offerkit.engine.catalog import Catalog
from offerkit.engine.resources import CompiledSpace
from offerkit.templates.urls import service_trouble
from offerkit.usecases.catalogs import Catalogs

WHERE = "https://offers.example"
"""Placeholder for the service's address."""
_CHANNEL = "inbound-web"


def snippet(catalogs: Catalogs, place: str, url: str = "") -> str:
    """The HTML for ``place`` (ENVIRONMENT/SPACE) with the script of the service at ``url``.

    Raises Refused if the space does not exist or is not on a web page, or if ``url`` is not a valid URL.
    """
    environment, slash, space = place.partition("/")
    known = [
        f"{name}/{web_space.name}" for name in catalogs.names if name in catalogs for web_space in _web(catalogs[name])
    ]
    if not slash or place not in known:
        hint = suggestion(place, known, "Spaces on web pages are unitary and have the channel inbound-web.")
        raise refuse(Code.UNKNOWN_SPACE, f"there is no space “{place[:80]}” on a web page", hint=hint)
    service = (url or WHERE).rstrip("/")
    if trouble := service_trouble(service):
        raise refuse(Code.BAD_REQUEST, f"--public-url: {trouble}", hint=f"Write it as in {WHERE}.")
    script = f"{service}/nl/interactionProposal.js?env={environment}@live"
    lines = ["<script>", *_globals(catalogs, environment, space), "</script>"]
    lines += [f'<script id="interactionProposalScript" src="{escape(script)}" async></script>']
    lines += [
        f'<div id="i_{space}"></div>',
        f'<!-- the second best of the same space: <div id="i_{space}_2"></div> -->',
    ]
    return "\n".join(lines) + "\n"


def _web(catalog: Catalog) -> list[CompiledSpace]:
    return [space for space in catalog.spaces.values() if space.unitary and space.channel == _CHANNEL]


def _globals(catalogs: Catalogs, environment: str, space: str) -> list[str]:
    """The page's JavaScript variables for call data that each call must pass, here or on the fallback space.

    They contain sample values and are commented out, so that pasting the snippet unread does not use the samples.
    """
    own = catalogs[environment].call_data
    linked = catalogs.space(environment, space).identification.fallback.partition("/")[0]
    required = [name for name in own if own[name].required or (linked and _required(catalogs[linked], name))]
    lines = ["  // var interactionTarget = the contact's key, where somebody is logged in;"]
    if own:
        lines.append(f"  // call data that a page may pass: {', '.join(own)}")
    if required:
        samples = " ".join(f"{name}='{_text(own[name].sample)}'" for name in required)
        text = json.dumps(f"<interaction {samples}/>", ensure_ascii=False).replace("</", "<\\/")
        text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")  # to JavaScript they end a line
        lines.append(f"  // each call has to pass {', '.join(required)}; these are samples, write the page's own:")
        lines.append(f"  // var interactionGlobalCtx = {text};")
    return lines


def _required(catalog: Catalog, name: str) -> bool:
    return name in catalog.call_data and catalog.call_data[name].required


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))
