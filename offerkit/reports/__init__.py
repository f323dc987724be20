"""Reports: plans, diffs, histories and diagnostics as text, Markdown, HTML, JSON. Pure: data in, text out."""
