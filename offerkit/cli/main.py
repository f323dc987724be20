"""``offerkit``: the group of commands, each imported only when it runs, and the exit codes.

0 fine · 1 the user can fix it · 2 changes present (only with --detailed-exitcode) · 3 a bug of ours ·
130 interrupted
"""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from offerkit import __version__
from offerkit.cli.complete import files, operators

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offerkit.cli.shell import Shell
    from offerkit.diagnostics import Refused

COMMANDS = {
    "init": "Create a new project in a folder.",
    "validate": "Check all specs and report every mistake.",
    "lint": "Find what is valid but cannot be meant, such as offers that nobody can get.",
    "fmt": "Format the specs canonically, and keep their comments.",
    "plan": "Show what applying the specs would change.",
    "show": "Show a resource whole, or a saved plan.",
    "apply": "Apply the specs, or a saved plan, to the design stage.",
    "approvals": "List what needs approval, and by whom.",
    "approve": "Approve offers: their content on spaces and their eligibility.",
    "reject": "Reject offers: their content on spaces and their eligibility.",
    "override": "Override what keeps a change out of live, as a second operator and with a reason.",
    "promote": "Promote approved offers from design to live.",
    "scheduled": "List, show and withdraw promotions that were scheduled with “offerkit promote --at”.",
    "run-due": "Carry out the scheduled promotions whose time has come.",
    "rollback": "Roll a stage, or part of it, back to an earlier revision.",
    "stop": "Take offers, a category or a space's offers out of live at once.",
    "resume": "Allow stopped resources to be promoted again.",
    "stops": "List what is stopped: by whom, since when and why.",
    "purge": "Remove offers from live whose retention has ended.",
    "ci": "Review plans in pull requests, and apply exactly what was reviewed.",
    "diff": "Compare any two states: stages, revisions, plans, specs.",
    "history": "List the revisions of the store, a stage or a resource.",
    "audit": "Verify the history, export it, and read exports.",
    "store": "Inspect, migrate, copy and restore the store.",
    "propose": "Ask the engine which offers a contact gets now, and store the propositions.",
    "update": "Set the status of a proposition: presented, interested, accepted or rejected.",
    "propositions": "List stored propositions by contact, offer or space, newest first.",
    "explain": "Explain a stored proposition: what was live then, who had approved it, and the rules that decided.",
    "report": "Report how many propositions were made, accepted and rejected, by groups of your choice.",
    "preview": "Show an offer as each space renders it, before or after it is live.",
    "weights": "Show the weights of offers side by side, and what changes them.",
    "eval": "Evaluate a condition or formula, for one contact or counted over all contacts.",
    "prove": "Prove what changes of conditions mean, for every contact there can be.",
    "deliver": "Make a delivery of a campaign: a message with its propositions for each recipient.",
    "sent": "Record that a delivery was sent: its propositions get the status presented.",
    "simulate": "Simulate which offers every contact would get, counted by offer, rank and field.",
    "simulations": "List, show, compare and remove kept simulations.",
    "test": "Run the decision cases.",
    "snippet": "Print the HTML to paste into a web page for a space.",
    "contact": "Export or erase what is stored about a contact.",
    "contact-key": "Sign a contact's key, as environments with contact_keys: signed require it.",
    "token": "Manage operators' API tokens.",
    "webhooks": "Send events to the receivers that webhooks declare, and list them.",
    "serve": "Serve what is live over the network.",
    "rights": "List what each operator may do, where, and why.",
    "codeowners": "Write CODEOWNERS from the reviewers that the specs name.",
    "graph": "Show which resources refer to which.",
    "export": "Write a stage as YAML.",
    "import": "Import the specs of another project into this one.",
    "schema": "Print the JSON Schema of the spec files, or of plans.",
    "completion": "Print the shell's completion script.",
}


_EXHAUSTED = {
    errno.ENOSPC: "Free some space on the disk.",
    errno.EDQUOT: "Free some space: the disk's quota is used up.",
    errno.EFBIG: "Raise the limit on file size (ulimit -f).",
    errno.EMFILE: "Raise the limit on open files (ulimit -n).",
    errno.ENFILE: "Too many files are open on this machine.",
    errno.ENOMEM: "There is not enough memory.",
    errno.EROFS: "The file system is read-only.",
    errno.EIO: "Look at the disk.",
}
"""What a machine can run out of, and what helps."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and imports one only when it is called.

    ``modules``: the one-sentence help of each command, by its name. The command is the ``command`` of the module
    ``offerkit.cli.NAME_command`` or, in a nested group, ``offerkit.cli.GROUP_NAME_command``.
    """

    def __init__(self, *args: Any, modules: Mapping[str, str], within: str = "", **options: Any) -> None:
        """``within``: the group's own name, where it is within another."""
        super().__init__(*args, **options)
        self.modules, self._prefix = modules, f"{within}_" if within else ""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which they are used."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in self.modules:
            return None
        module = f"offerkit.cli.{self._prefix}{cmd_name.replace('-', '_')}_command"
        command: click.Command = import_module(module).command
        return _with_global_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command for one that does not exist."""
        completing = ctx.resilient_parsing
        if args and args[0] not in self.modules and not args[0].startswith("-") and not completing:
            from offerkit.diagnostics import suggestion

            hint = suggestion(args[0], self.modules, f"“{ctx.command_path} --help” lists the commands.")
            raise click.UsageError(f"There is no command “{args[0][:60]}”. {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list for --help, without importing a single command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.modules.items()))


def _global_options() -> list[click.Option]:
    return [
        click.Option(
            ["-C", "--project"],
            metavar="DIR",
            envvar="OFFERKIT_PROJECT",
            help="The project's folder, or one inside it (default: the current folder).",
        ),
        click.Option(
            ["--store"],
            metavar="PATH|URL",
            shell_complete=files,
            envvar="OFFERKIT_STORE",
            help="The store: a path or postgresql://… (default: .offerkit/store.db).",
        ),
        click.Option(
            ["--create-store"],
            is_flag=True,
            default=None,
            help="Let apply create the store that --store or OFFERKIT_STORE names, if it does not exist.",
        ),
        click.Option(
            ["--as", "operator"],
            metavar="OPERATOR",
            envvar="OFFERKIT_OPERATOR",
            help="The operator to act as.",
            shell_complete=operators,
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            help="When to use colours; auto: on a terminal (default).",
        ),
        click.Option(
            ["--accept-restored"],
            is_flag=True,
            default=None,
            help="Accept a store that is not the one used here before, or an older state of it.",
        ),
        click.Option(["--no-cache"], is_flag=True, default=None, help="Parse every file again."),
    ]


def _with_global_options(command: click.Command) -> click.Command:
    """Accept the global options after the command, too: operators often type them there."""
    if isinstance(command, LazyGroup):  # its commands get them when they are imported
        return command
    commands = list(command.commands.values()) if isinstance(command, click.Group) else [command]
    for target in commands if isinstance(command, click.Group) else ():
        target.short_help = target.get_short_help_str(limit=1_000)  # the list of --help cuts it otherwise
    for target in commands:
        taken = {name for param in target.params for name in param.opts}
        for option in _global_options():
            if not taken & set(option.opts):
                option.envvar, option.expose_value, option.callback = None, False, _set_globally
                option.hidden = True
                target.params.append(option)
    return command


def _set_globally(ctx: click.Context, option: click.Parameter, value: Any) -> None:
    if value is not None and option.name is not None:
        shell = ctx.find_root().obj
        if shell is None:  # the shell completes: nothing runs
            ctx.find_root().params[option.name] = value
            return
        setattr(shell, option.name, value)
        shell.store_typed = shell.store_typed or option.name == "store"


@click.command(
    cls=LazyGroup,
    modules=COMMANDS,
    params=list(_global_options()),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=(
        "These options may also follow the command. The environment variables OFFERKIT_OPERATOR, "
        "OFFERKIT_PROJECT, OFFERKIT_STORE and NO_COLOR are read."
    ),
)
@click.version_option(__version__, "-V", "--version", message="offerkit %(version)s")
@click.pass_context
def cli(ctx: click.Context, /, **options: Any) -> None:
    """Configuration-as-code for marketing offers.

    Declare offers in YAML, plan and apply them to design, approve them, promote them to live; compare, audit
    and roll back any state.
    """
    from offerkit.cli.shell import Shell

    typed = ctx.get_parameter_source("store") is click.core.ParameterSource.COMMANDLINE
    made = Shell(**{name: value for name, value in options.items() if value is not None}, store_typed=typed)
    if isinstance(ctx.obj, _Run):
        ctx.obj.shell = made
    ctx.obj = made


class _Run:
    """What is left when the command has ended: how to tell of it."""

    shell: Shell | None = None


def run() -> None:
    """The program: run the command line and leave with one of the exit codes."""
    # A run is short and makes few cycles; the collector would only slow the many small objects down.
    gc.disable()
    if "_OFFERKIT_COMPLETE" in os.environ:
        from click.shell_completion import add_completion_class

        from offerkit.cli.completion_command import Bash

        add_completion_class(Bash)
    output, _ = _patient("stdout"), _patient("stderr")
    this = _Run()
    try:
        code = cli.main(standalone_mode=False, obj=this)
    except KeyboardInterrupt:
        click.echo("Interrupted; nothing was changed that was not finished.", err=True)
        code = 130
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        code = 130
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except SystemExit as leaving:  # a server that was told to stop
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except click.ClickException as error:
        error.show()
        code = 1
    except Exception as error:
        code = _failed(this, error)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    code = _unheard(this, output, code if isinstance(code, int) else 0)
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    # Skipping the teardown of a heap that is thrown away as a whole saves time on large projects.
    os._exit(code)


class _Patient(io.FileIO):
    """A standard stream that stops no work when it cannot be written; ``failure`` says why it could not.

    What happened decides the exit code: a plan that was applied is applied, whether or not somebody reads of it.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, or lose what cannot be written."""
        if self.failure is None:
            try:
                return super().write(data)
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes


def _patient(name: str) -> _Patient | None:
    """Replace ``sys.stdout`` or ``sys.stderr`` with a patient stream; None if it has no file descriptor."""
    stream = getattr(sys, name)
    if stream is None:  # closed by the calling process (offerkit plan >&-)
        setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - kept to the end
        return None
    try:
        stream.flush()
        raw = _Patient(stream.fileno(), "w", closefd=False)
    except (OSError, ValueError):
        return None
    text = io.TextIOWrapper(
        io.BufferedWriter(raw), stream.encoding, stream.errors, line_buffering=raw.isatty() or name == "stderr"
    )
    setattr(sys, name, text)
    return raw


def _unheard(this: _Run, output: _Patient | None, code: int) -> int:
    """The exit code of a run whose output may be lost: an error if the command only prints.

    A closed pipe is no error: its reader (offerkit plan | head) has read enough.
    """
    if output is None or output.failure is None or output.failure.errno == errno.EPIPE or code not in (0, 2):
        return code
    why = f"the output cannot be written: {output.failure.strerror}"
    if this.shell is not None and this.shell.done:
        click.echo(f"Warning: {why}. What was asked for was done.", err=True)
        return code
    click.echo(f"Error: {why}", err=True)
    return 1


def _failed(this: _Run, error: Exception) -> int:
    """Print a refusal, or report any other error as a bug of offerkit; returns the exit code."""
    from offerkit.cli.shell import Shell
    from offerkit.diagnostics import Refused

    shell = this.shell or Shell()
    if isinstance(error, Refused):
        shell.tell(error.diagnostics)
        return 1
    if isinstance(error, MemoryError):
        click.echo("Error: there is not enough memory.", err=True)
        return 1
    if isinstance(error, OSError) and error.errno in _EXHAUSTED:
        where = f": {error.filename!s:.200}" if error.filename else ""
        click.echo(f"Error: {error.strerror}{where}. Nothing was left half done. {_EXHAUSTED[error.errno]}", err=True)
        return 1
    lost = _working_directory_lost() if isinstance(error, OSError) else None
    if lost is not None:
        shell.tell(lost.diagnostics)
        return 1
    shell.tell_bug(error)
    return 3


def _working_directory_lost() -> Refused | None:
    """Why nothing relative to the working directory can be found; None where it is not to blame."""
    from offerkit.diagnostics import Code, refuse

    try:
        os.getcwd()  # noqa: PTH109 - pathlib takes its time to be imported
        os.stat(".")  # noqa: PTH116
    except FileNotFoundError:
        why, hint = "no longer exists", "Change into an existing folder; “cd .” is enough if it was created again."
    except OSError as error:
        why, hint = f"cannot be used: {error.strerror}", "Change into another folder, or check its permissions."
    else:
        return None
    return refuse(Code.NO_WORKING_DIRECTORY, f"the working directory {why}", hint=hint)


if __name__ == "__main__":
    run()
