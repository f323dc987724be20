"""URL fields hold absolute http(s) URLs (domain.md §2): a text that can never be one is a mistake, found early."""

from __future__ import annotations

from collections.abc import Iterator

from offerkit.address import Kind
from offerkit.diagnostics import Code
from offerkit.graph.effective import explicit_spaces, template_chain
from offerkit.graph.record import Finding, Index, PathInside, Record


def bad_urls(index: Index, environment: str) -> Iterator[Finding]:
    """The texts of offers and templates that a space takes for a URL and that are none, whatever their values."""
    urls = {
        name: {field for field, format_, _ in space.facts.types if format_ == "url"}
        for name, space in index.group(environment, Kind.SPACE).items()
        if space.valid
    }
    for kind in (Kind.OFFER, Kind.TEMPLATE):
        for record in index.group(environment, kind).values():
            if record.facts.not_urls and record.valid:
                named = explicit_spaces(list(template_chain(index, record)))
                for path in record.facts.not_urls:
                    yield from _bad(record, path, {name: urls[name] for name in named or urls if name in urls})


def _bad(record: Record, path: PathInside, urls: dict[str, set[str]]) -> Iterator[Finding]:
    field = str(path[-1])
    if path[0] == "representations":
        spaces = [str(path[1])] if field in urls.get(str(path[1]), ()) else []
    else:
        given = record.facts.representations
        spaces = [name for name, fields in urls.items() if field in fields and field not in given.get(name, ())]
    if spaces:
        yield Finding(
            record, path, Code.BAD_VALUE,
            f"“{field}” is a URL on {', '.join(sorted(spaces))}, and this is no http(s) URL",
            "It stands in links and images that people click and see.",
            "Write https://host/path; values may stand behind the host.",
        )  # fmt: skip
