"""``offerkit fmt``."""

from __future__ import annotations

from pathlib import Path

import click

from offerkit.cli.options import pass_shell
from offerkit.cli.shell import Shell


@click.command("fmt")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print the changes as a diff.")
@pass_shell
def command(shell: Shell, paths: tuple[Path, ...], check: bool, diff: bool) -> int:
    """Format the specs canonically, and keep their comments.

    PATH is a file or a folder of the project (default: the whole project). The meaning of a file never changes: the
    result is read back before it is written. If any file has mistakes, they are reported and no file is written.
    Indentation is two spaces; keys are in the order of the reference, sections in the order of creation, resources in
    their own order; short lists and maps are on one line, up to column 100; texts with line breaks are blocks; quotes
    are used only where needed.
    """
    from offerkit.reports.escape import visible
    from offerkit.specs.cache import Cache
    from offerkit.specs.fmt import format_files, spec_files, unified
    from offerkit.specs.write_files import replace_files

    session = shell.session()
    cache = Cache.of(session.project, use=session.use_cache)
    changed = [file for file in format_files(spec_files(session.project, paths), cache) if file.changed]
    if diff:
        for file in changed:
            for line in unified(file):
                paint = {"+": shell.style.green, "-": shell.style.red, "@": shell.style.cyan}.get(line[:1], str)
                click.echo(paint(visible(line)), color=True)
    elif check:
        for file in changed:
            click.echo(visible(file.path))
    else:
        replace_files(session.project.root, {file.path: (file.before, file.after) for file in changed})
        shell.done = True
        for file in changed:
            click.echo(visible(file.path))
    if check and changed:
        files = "1 file is" if len(changed) == 1 else f"{len(changed):,} files are"
        click.echo(f"{files} not in canonical form; run “offerkit fmt”.", err=True)
    return 1 if check and changed else 0
