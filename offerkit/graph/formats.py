"""Texts that a space takes for a URL or for HTML and that never are it (domain.md §2), found before they go live."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code
from offerkit.graph.effective import explicit_spaces, template_chain
from offerkit.graph.record import Finding, Index, Misfit, Record


def misfits(index: Index, environment: str) -> Iterator[Finding]:
    """The texts of offers and templates that cannot be what a space's field holds, whatever their values are."""
    formats = {
        name: {field: format_ for field, format_, _ in space.facts.types}
        for name, space in index.group(environment, Kind.SPACE).items()
        if space.valid
    }
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for record in index.group(environment, kind).values():
            chain = list(template_chain(index, record)) if record.facts.misfits else []
            # A mistake in one text hides none in another; but of what could not be read, the spaces are not known.
            if chain and all(part.fingerprint for part in chain):
                named = explicit_spaces(chain)
                targets = {name: formats[name] for name in named or formats if name in formats}
                for misfit in record.facts.misfits:
                    yield from _misfit(record, misfit, targets)


def _misfit(record: Record, misfit: Misfit, targets: dict[str, dict[str, str]]) -> Iterator[Finding]:
    path, format_, reason, offset = misfit
    field = str(path[-1])
    if path[0] == "representations":
        spaces = [str(path[1])] if targets.get(str(path[1]), {}).get(field) == format_ else []
    else:
        given = record.facts.representations
        spaces = [
            name
            for name, fields in targets.items()
            if fields.get(field) == format_ and field not in given.get(name, ())
        ]
    if not spaces:
        return
    if format_ == "url":
        yield Finding(
            record, path, Code.BAD_VALUE,
            f"“{field}” is a URL on {', '.join(sorted(spaces))}, and this is no http(s) URL: {reason}",
            "It stands in links and images that people click and see.",
            "Write https://host/path; scheme, host and port are written out on every branch, and values may stand"
            " behind them.",
            offset=offset or None,
        )  # fmt: skip
    else:
        yield Finding(
            record, path, Code.TEMPLATE_SYNTAX, f"“{field}” is HTML on {', '.join(sorted(spaces))}: {reason}",
            "There a value could run as a program in the reader's browser, or the offer could never be shown.",
            "Let values stand between tags or in quoted attributes.", offset=offset or None,
        )  # fmt: skip
