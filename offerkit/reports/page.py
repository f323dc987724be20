"""The frame of an HTML report: one file, no script, light and dark, good on paper."""

from __future__ import annotations

from offerkit.reports.escape import html

STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --quiet: #636c76; --page: #fff; --panel: #f6f8fa;
  --line: #d1d9e0; --green: #1a7f37; --red: #cf222e; --amber: #9a6700; --blue: #0969da; --violet: #8250df;
  --green-bg: #dafbe1; --red-bg: #ffebe9 }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --quiet: #9198a1; --page: #0d1117;
  --panel: #151b23; --line: #3d444d; --green: #3fb950; --red: #f85149; --amber: #d29922; --blue: #4493f8;
  --violet: #ab7df8; --green-bg: #12261e; --red-bg: #25171c } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; color: var(--text);
  background: var(--page); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .5rem } h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem }
h3 { font-size: .95rem; margin: 1.5rem 0 .5rem; color: var(--quiet); font-weight: 600 }
code, pre { font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere }
pre { margin: .25rem 0; padding: .5rem .75rem; background: var(--panel); border-radius: 6px;
  white-space: pre-wrap }
.summary { font-weight: 600; font-size: 1.05rem; margin: .75rem 0 }
.quiet, dl.base { color: var(--quiet); font-size: .9rem }
dl.base { display: grid; grid-template-columns: max-content 1fr; gap: 0 .75rem; margin: 0 }
dl.base dd { margin: 0; overflow-wrap: anywhere }
article { border: 1px solid var(--line); border-left: 4px solid var(--tone, var(--line)); border-radius: 6px;
  padding: .6rem .9rem; margin: .5rem 0 }
h2, h3, article > header { break-after: avoid }
article > header { display: flex; flex-wrap: wrap; gap: 0 .75rem; align-items: baseline }
article .origin { margin-left: auto } article b.sign { color: var(--tone); white-space: nowrap }
article p { margin: .2rem 0; overflow-wrap: anywhere }
.create { --tone: var(--green) } .update { --tone: var(--amber) } .move { --tone: var(--blue) }
.delete, .blocked { --tone: var(--red) } .deactivate { --tone: var(--violet) }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 0 }
td, th { text-align: left; vertical-align: top; padding: .15rem .75rem .15rem 0; font-weight: 400;
  overflow-wrap: anywhere }
table.history td, table.history th { border-bottom: 1px solid var(--line); padding: .35rem .75rem .35rem 0 }
table.history th, b { font-weight: 600 }
table.history td, table.history th, table.history code { overflow-wrap: break-word }
tr.field > th { width: 30%; min-width: 14rem }
del, ins { text-decoration: none; padding: 0 .2rem; border-radius: 3px }
del { background: var(--red-bg) } ins { background: var(--green-bg) }
pre span { display: block } pre .gone { background: var(--red-bg) } pre .come { background: var(--green-bg) }
pre .left-out { color: var(--quiet) }
ul { padding-left: 1.25rem }
@media screen and (max-width: 40rem) {
  tr.field > th, tr.field > td { display: block; width: auto; min-width: 0 } tr.field > th { padding-bottom: 0 }
}
@media print { body { max-width: none; padding: 0; font-size: 10pt } .field { break-inside: avoid } }
""".strip()
"""What all reports look like."""


def page(title: str, body: str, style: str = "") -> str:
    """A whole page around ``body``, which is HTML already, with more ``style``; it can load and run nothing."""
    styles = "\n".join(filter(None, [STYLE, style]))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{html(title)}</title>\n<style>\n{styles}\n</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )
