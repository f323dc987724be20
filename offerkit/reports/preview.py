"""The preview of an offer as text, JSON and HTML."""

from __future__ import annotations

from offerkit.engine.preview import Preview
from offerkit.reports.escape import json_text, one_line, visible
from offerkit.reports.style import PRESENTATION, Presentation, indented
from offerkit.reports.templating import fill


def preview_text(preview: Preview, presentation: Presentation = PRESENTATION) -> str:
    """The fields of every space, then what is read there: the text function's output. Ends with a newline."""
    style, width = presentation.style, presentation.layout.width
    lines = [style.bold(_title(preview))]
    if not preview.spaces:
        lines.append("The offer is not shown on any space.")
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
    example = f" with the example {visible(preview.example)}" if preview.example else ""
    return f"{preview.offer} in {preview.stage}{who}{example}"


def preview_json(preview: Preview, _presentation: Presentation = PRESENTATION) -> str:
    """Everything, as JSON. Ends with a newline."""
    document = {
        "offer": preview.offer,
        "stage": preview.stage,
        "contact": preview.contact,
        "example": preview.example,
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
    return json_text(document)


def preview_html(preview: Preview, _presentation: Presentation = PRESENTATION) -> str:
    """A page with each rendering in a frame of its own that can run nothing."""
    return fill("preview.html", title=_title(preview), spaces=preview.spaces)
