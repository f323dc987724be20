"""An offer as its spaces render it: text for people, JSON, and a page to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from offerkit.reports.escape import html, json_text, one_line, visible
from offerkit.reports.page import page
from offerkit.reports.style import PLAIN, Style, indented


@dataclass(frozen=True, slots=True)
class Shown:
    """One space: the fields as personalised, what each output makes of them, and why it cannot be shown, if so."""

    space: str
    channel: str
    fields: Mapping[str, str]
    rendered: Mapping[str, str]
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """An offer on some spaces of a stage; ``contact`` as it was asked for, empty for nobody in particular."""

    offer: str
    stage: str
    contact: str
    spaces: tuple[Shown, ...]


def preview_text(preview: Preview, style: Style = PLAIN, width: int = 100) -> str:
    """The fields of every space, then what is read there: the text function's output. Ends with a newline."""
    lines = [style.bold(_title(preview))]
    if not preview.spaces:
        lines.append("It is meant for no space.")
    for shown in preview.spaces:
        lines += ["", f"{style.cyan(shown.space)} ({shown.channel})"]
        if shown.trouble:
            lines += indented("  ✗ ", style.red(visible(shown.trouble)), width)
            continue
        for name, value in shown.fields.items():
            lines += indented(f"  {name}: ", visible(one_line(value)), width)
        lines += [style.dim(f"  │ {row}".rstrip()) for row in _lines(shown.rendered.get("text", ""))]
    return style.finish("\n".join(lines) + "\n")


def _lines(text: str) -> list[str]:
    return visible(text.strip("\n"), multiline=True).split("\n") if text.strip() else []


def _title(preview: Preview) -> str:
    who = f" for {visible(preview.contact)}" if preview.contact else ""
    return f"{preview.offer} in {preview.stage}{who}"


def preview_json(preview: Preview) -> str:
    """Everything, as JSON. Ends with a newline."""
    made = {
        "offer": preview.offer,
        "stage": preview.stage,
        "contact": preview.contact,
        "spaces": [
            {
                "space": shown.space,
                "channel": shown.channel,
                "fields": dict(shown.fields),
                "rendered": dict(shown.rendered),
                "trouble": shown.trouble,
            }
            for shown in preview.spaces
        ],
    }
    return json_text(made)


def preview_html(preview: Preview) -> str:
    """A page with each rendering in a frame of its own that can run nothing."""
    parts = [f"<h1>{html(_title(preview))}</h1>"]
    for shown in preview.spaces:
        parts.append(f"<h2>{html(shown.space)} <small>{html(shown.channel)}</small></h2>")
        if shown.trouble:
            parts.append(f"<p><strong>It cannot be shown:</strong> {html(shown.trouble)}</p>")
            continue
        markup = html(shown.rendered.get("html", ""), multiline=True)
        parts.append(
            f'<iframe sandbox title="{html(shown.space)}" srcdoc="{markup}" width="100%" height="260"></iframe>'
        )
        text = shown.rendered.get("text", "").strip("\n")
        parts.append(f"<details><summary>As text</summary><pre>{html(text, multiline=True)}</pre></details>")
    return page(_title(preview), "\n".join(parts))
