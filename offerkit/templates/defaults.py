"""What a space without a rendering function gives: its fields in order, plainly."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from offerkit.templates.space import Field, Format
from offerkit.templates.values import escape, without_controls


def default_html(values: Iterable[tuple[Field, str]]) -> str:
    """An ``<article>`` with one element for each field that is not empty."""
    lines = ['<article class="offer">']
    for field, value in values:
        if not value:
            continue
        match field.format:
            case Format.HTML:
                lines.append(f'<div class="{field.name}">{value}</div>')
            case Format.TEXT:
                tag = "h3" if field.name == "title" else "p"
                lines.append(f'<{tag} class="{field.name}">{escape(value)}</{tag}>')
            case Format.URL if "image" in field.name:
                lines.append(f'<img class="{field.name}" src="{escape(value)}" alt="">')
            case Format.URL:
                lines.append(f'<a class="{field.name}" href="{escape(value)}">{escape(field.label or value)}</a>')
            case _:
                assert_never(field.format)
    return "\n".join([*lines, "</article>"])


def default_text(values: Iterable[tuple[Field, str]]) -> str:
    """One field a line."""
    return "\n".join(without_controls(value) for _, value in values if value)


def default_xml(values: Iterable[tuple[Field, str]]) -> str:
    """``<xmlOfferView>`` with one element for each field that is not empty (domain.md §5)."""
    inside = "".join(f"<{_element(field)}>{escape(value)}</{_element(field)}>" for field, value in values if value)
    return f"<xmlOfferView>{inside}</xmlOfferView>"


def _element(field: Field) -> str:
    # The name of an element cannot begin with a digit.
    return f"_{field.name}" if field.name[0].isdigit() else field.name
