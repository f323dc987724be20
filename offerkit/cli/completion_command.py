"""``offerkit completion``."""

from __future__ import annotations

import click


@click.command("completion")
@click.argument("shell_name", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell_name: str) -> None:
    """Print the shell's completion script.

    SHELL is bash, zsh or fish. For this session: source <(offerkit completion bash). For ever: put its output
    where the shell looks for completions, such as ~/.local/share/bash-completion/completions/offerkit.
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell_name)
    assert complete is not None
    program = ctx.find_root().command
    script = complete(program, {}, "offerkit", "_OFFERKIT_COMPLETE")
    click.echo(script.source_template % script.source_vars())
