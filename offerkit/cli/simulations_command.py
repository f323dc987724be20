"""``offerkit simulations``."""

from __future__ import annotations

import click

from offerkit.cli.asking import environment_option
from offerkit.cli.complete import kept_simulations
from offerkit.cli.options import format_of, pass_shell, yes_option
from offerkit.cli.shell import Shell


@click.group("simulations")
def simulations() -> None:
    """List, show, compare and remove kept simulations."""


@simulations.command("list")
@environment_option
@format_of("KeptSimulations")
@pass_shell
def listed(shell: Shell, environment: str, form: str) -> None:
    """List kept simulations: what was simulated, when and by whom, newest first."""
    from offerkit.usecases.keep_simulations import simulations
    from offerkit.usecases.requests import SimulationsRequest

    shell.show(simulations(shell.session(), SimulationsRequest("list", environment=environment)), form)


@simulations.command("show")
@click.argument("name", shell_complete=kept_simulations)
@format_of("Simulation")
@pass_shell
def show(shell: Shell, name: str, form: str) -> None:
    """Show a kept simulation as it was printed."""
    from offerkit.usecases.keep_simulations import simulation_of, simulations
    from offerkit.usecases.requests import SimulationsRequest

    (run,) = simulations(shell.session(), SimulationsRequest("read", (name,))).runs
    shell.show(simulation_of(run), form)


@simulations.command("compare")
@click.argument("before", metavar="A", shell_complete=kept_simulations)
@click.argument("after", metavar="B", shell_complete=kept_simulations)
@format_of("ComparedSimulations")
@pass_shell
def compared(shell: Shell, before: str, after: str, form: str) -> None:
    """Compare two kept simulations: which offers reach more or fewer contacts in B than in A, and their shares."""
    from offerkit.usecases.keep_simulations import compare, simulations
    from offerkit.usecases.requests import SimulationsRequest

    a, b = simulations(shell.session(), SimulationsRequest("read", (before, after))).runs
    shell.show(compare(a, b), form)


@simulations.command("remove")
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=kept_simulations)
@yes_option
@pass_shell
def remove(shell: Shell, names: tuple[str, ...], yes: bool) -> None:
    """Remove kept simulations. Who kept one, and administrators, may."""
    from offerkit.reports.words import count
    from offerkit.usecases.keep_simulations import simulations
    from offerkit.usecases.requests import SimulationsRequest

    session = shell.session()
    simulations(session, SimulationsRequest("read", names))
    shell.confirm(f"Remove {count(len(set(names)), 'simulation')}?", yes=yes)
    removed = simulations(session, SimulationsRequest("remove", names)).runs
    shell.done = True
    click.echo(shell.style.green(f"Removed {', '.join(run.name for run in removed)}."), color=True)


command: click.Command = simulations
