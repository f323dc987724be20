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
    help="The files that the schema describes (default: specs).",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write all schemas to this folder instead.")
@pass_shell
def command(shell: Shell, kind: str, out: Path | None) -> None:
    """Print the JSON Schema of the spec files, or of plans.

    --kind plan describes plan files and the output of plan --format json, for programs that read them. --out .schema
    writes .schema/specs.json, .schema/environment.json, .schema/cases.json and .schema/plan.json. Editors with a YAML
    language server then complete and check each file in specs/ENVIRONMENT/ that begins with the line #
    yaml-language-server: $schema=../../.schema/specs.json
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
