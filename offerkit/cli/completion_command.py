"""``offerkit completion``."""

from __future__ import annotations

import os

import click
from click.shell_completion import BashComplete, get_completion_class, split_arg_string

BASH = """\
%(complete_func)s() {
    # Addresses and stages hold “@” and “:”, where bash would begin a new word; so the line is split by the program.
    local line="${COMP_LINE:0:COMP_POINT}" reply kind value begun=""
    local last="${line##*[[:space:]]}"
    # What is in quotes is one word for bash, too.
    [[ "$last" == [\\"\\']* ]] || begun="${last%%"${last##*[@:=]}"}"
    COMPREPLY=()
    while IFS= read -r reply; do
        IFS=, read -r kind value <<< "$reply"
        case "$kind" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$begun"}") ;;
        esac
    done < <(env COMP_TYPED="$line" %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
TYPED = "COMP_TYPED"
"""The environment variable that holds the line up to the cursor."""


class Bash(BashComplete):
    """Bash, with the words of the line as the shell reads them: quoted ones are one word, without their quotes."""

    source_template = BASH

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is completed, and that one; also for a script of an earlier version."""
        line = os.environ.get(TYPED)
        if line is None:
            return super().get_completion_args()
        words = split_arg_string(line)
        incomplete = words.pop() if line and not line[-1].isspace() else ""
        return words[1:], incomplete


@click.command("completion")
@click.argument("shell_name", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell_name: str) -> None:
    """Print the shell's completion script.

    SHELL is bash (4.4 or newer), zsh or fish. For the current session: source <(offerkit completion bash). To keep
    it, save the output where the shell looks for completions, such as
    ~/.local/share/bash-completion/completions/offerkit.
    """
    complete = Bash if shell_name == "bash" else get_completion_class(shell_name)
    assert complete is not None
    script = complete(ctx.find_root().command, {}, "offerkit", "_OFFERKIT_COMPLETE")
    click.echo(script.source_template % script.source_vars(), nl=shell_name != "bash")
