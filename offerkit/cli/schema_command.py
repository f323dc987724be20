"""``offerkit schema``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("schema")
@click.option(
    "--kind",
    type=click.Choice(["specs", "environment", "cases", "plan"]),
    default="specs",
    help="Of which files (default: specs).",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write all into a folder instead.")
@pass_shell
def command(shell: Shell, kind: str, out: Path | None) -> None:
    """Print the JSON Schema of the spec files, or of plans.

    --kind plan is for programs that read plan files and what plan --format json prints.

    With --out .schema the schemas are written to .schema/specs.json, .schema/environment.json, .schema/cases.json and
    .schema/plan.json. Editors with a YAML language server then complete and check a file of specs/ENVIRONMENT/ that
    begins with the line

        # yaml-language-server: $schema=../../.schema/specs.json
    """
    from offerkit.reports.escape import visible
    from offerkit.specs.json_schema import schema_files
    from offerkit.specs.output_files import JSON_SCHEMA, check_output, writing

    written = schema_files()
    if out is None:
        click.echo(written[f"{kind}.json"].decode(), nl=False)
        return
    for name in written:
        check_output(out / name, JSON_SCHEMA)
    for name, content in written.items():
        with writing(out / name, JSON_SCHEMA, folders=True) as file:
            file.write(content)
    shell.done = True
    for name in written:
        click.echo(visible(str(out / name)))
