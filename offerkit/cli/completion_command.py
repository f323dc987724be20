"""``offerkit completion``."""

from __future__ import annotations

import click

BASH = """\
%(complete_func)s() {
    # Addresses and stages hold “@” and “:”, where bash would begin a new word; so the line is split here.
    local line="${COMP_LINE:0:COMP_POINT}" reply kind value begun
    local -a words
    IFS=$' \\t\\n' read -r -a words <<< "$line"
    [[ "$line" == *[[:space:]] ]] && words+=("")
    local last="${words[${#words[@]}-1]}"
    begun="${last%%"${last##*[@:=]}"}"
    COMPREPLY=()
    while IFS= read -r reply; do
        IFS=, read -r kind value <<< "$reply"
        case "$kind" in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("${value#"$begun"}") ;;
        esac
    done < <(env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) %(complete_var)s=bash_complete "$1")
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""


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
    script = complete(ctx.find_root().command, {}, "offerkit", "_OFFERKIT_COMPLETE")
    template = BASH if shell_name == "bash" else script.source_template
    click.echo(template % script.source_vars(), nl=shell_name != "bash")
