"""The frame of an HTML report: one file, no script, light and dark, good on paper."""

from __future__ import annotations

from offerkit.reports.escape import html
from offerkit.reports.templating import stylesheet


def page(title: str, body: str, style: str = "") -> str:
    """A whole page around ``body``, which is HTML already, with more ``style``; it can load and run nothing."""
    styles = "\n".join(filter(None, [stylesheet().strip(), style]))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{html(title)}</title>\n<style>\n{styles}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
