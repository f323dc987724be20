"""What all commands share: the session, output, and applying a plan."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from offerkit.diagnostics import Code, Diagnostic, Refused, Severity, refuse
from offerkit.reports.style import Style
from offerkit.reports.words import count

if TYPE_CHECKING:
    from offerkit.applier import Applied
    from offerkit.engine.impact import Impact
    from offerkit.fingerprint import Json
    from offerkit.plans.plan import Plan
    from offerkit.reports.proof_words import StatedProofs
    from offerkit.specs import Loaded
    from offerkit.store import Holder, Location
    from offerkit.usecases.audit import AuditedStore
    from offerkit.usecases.session import Backend, Session
    from offerkit.usecases.ssh_signer import SshSigner

_LISTED = 5
"""The most names in a warning."""
LONG = 2000
"""The number of items from which a progress bar is shown."""


@dataclass
class Shell:
    """The global options, and the session and output that follow from them."""

    project: str | None = None
    store: str | None = None
    operator: str | None = None
    color: str = "auto"
    no_cache: bool = False
    accept_restored: bool = False
    create_store: bool = False
    sign: str = ""
    """The key to sign with, or “agent”; empty: nothing is signed."""
    store_typed: bool = False
    """Whether ``store`` was given on the command line: a relative path is then relative to the current folder."""
    form: str = "text"
    """The format of the last plan; formats other than text use standard output alone."""
    done: bool = False
    """Whether this run has made its change: it has then succeeded, even if its output is lost."""
    root: Path | None = None
    """The project's folder, once found; diagnostics quote lines of its files."""
    loaded: Loaded | None = None
    """What was loaded last: the end of the process frees a large project at once, piece by piece it takes a while."""

    def session(self, *, lock_timeout: float = 0.0, message: str = "", override_impact: str = "") -> Session:
        """The session of this run. Raises Refused without a project."""
        from offerkit.governance.rights import scopes_of
        from offerkit.specs import find_project
        from offerkit.specs.git import git_email
        from offerkit.specs.project import is_folder
        from offerkit.store.known_heads import known_heads_of
        from offerkit.usecases.local_backend import LOCAL, is_server
        from offerkit.usecases.session import Session

        start = Path(self.project).resolve() if self.project else Path.cwd()
        if not is_folder(start):
            raise refuse(
                Code.NO_PROJECT, f"there is no folder {self.project:.200}", hint="Name a project with --project DIR."
            )
        project = find_project(start)
        self.root = project.root
        backend: Backend = LOCAL
        location: Location | None = None
        operator, scopes, url, withheld = self.operator or "", None, "", None
        if is_server(self.store):
            from offerkit.usecases.backends import connect

            backend, copy = connect(self.store or "", operator, project.root, os.environ)
            location, operator, url = copy.path, copy.operator, backend.remote.url
            withheld = copy.withheld
            scopes = scopes_of(copy.scopes) if copy.scopes else None
        elif self.store is not None:
            location = located(self.store, None if self.store_typed else project.root)
        return Session(
            project,
            now(),
            backend=backend,
            operator=operator,
            email="" if operator else git_email(project.root),
            user=os.environ.get("USER", ""),
            store_path=location,
            lock_timeout=lock_timeout,
            use_cache=not self.no_cache,
            message=message,
            waiting=_tell_waiting,
            progress=progress_bar,
            environ=dict(os.environ),
            override_impact=override_impact,
            create_store=self.create_store,
            heads=known_heads_of(project, location or project.store, url, accept=self.accept_restored),
            scopes=scopes,
            signer=self._signer(),
            keep=partial(setattr, self, "loaded"),
            withheld=withheld,
        )

    def _signer(self) -> SshSigner | None:
        if not self.sign:
            return None
        from offerkit.usecases.ssh_signer import SshSigner

        return SshSigner(self.sign, dict(os.environ))

    @contextlib.contextmanager
    def audited(self, *, verify: bool) -> Iterator[AuditedStore]:
        """The store to audit: the project's, or outside a project the one that --store names.

        ``verify``: report all faults. Otherwise the store is opened, or refused, as for any other command.
        """
        from offerkit.store import Store
        from offerkit.usecases.audit import AuditedStore
        from offerkit.usecases.local_backend import is_server

        try:
            session = self.session()
        except Refused as refused:
            if not self.store or self.project or refused.diagnostics[0].code is not Code.NO_PROJECT:
                raise
        else:
            far = session.backend.history_only
            if verify:
                with session.auditing() as (store, findings):
                    yield AuditedStore(store, tuple(findings), history_only=far)
            else:
                with session.existing() as store:
                    yield AuditedStore(store, history_only=far)
            return
        with tempfile.TemporaryDirectory(prefix="offerkit-audit-") as folder:
            location: Location
            if far := is_server(self.store):
                from offerkit.usecases.backends import connect

                copy = connect(self.store, "", Path(folder), os.environ)[1]
                if copy.withheld is not None:
                    raise copy.withheld
                location = copy.path
            else:
                location = located(self.store)
            with Store.open(location, audit=verify) as store, store.reading():
                yield AuditedStore(store, history_only=far)

    @cached_property
    def style(self) -> Style:
        """The style of standard output: coloured if it is a terminal that supports it."""
        return style_for(sys.stdout, self.color)

    def show(self, result: object, form: str, *, full: bool = False, verbose: bool = False) -> None:
        """Print a result in a format. Raises Refused if it does not have that format."""
        click.echo(self.text(result, form, full=full, verbose=verbose), nl=False, color=True)

    def text(self, result: object, form: str, *, full: bool = False, verbose: bool = False) -> str:
        """A result in a format, text wrapped to the terminal. Raises Refused if it does not have that format."""
        from offerkit.reports.render import render
        from offerkit.reports.style import ALL, CONCISE, GITHUB_LIMIT, Presentation

        layout = CONCISE.everything() if full else CONCISE
        if form == "text":
            layout = layout._replace(width=width(), table=width() if sys.stdout.isatty() else layout.table)
        return render(result, form, Presentation(self.style, layout, ALL if full else GITHUB_LIMIT, verbose))

    def plan(
        self,
        plan: Plan,
        form: str = "text",
        *,
        full: bool = False,
        impact: Impact | None = None,
        proofs: StatedProofs | None = None,
    ) -> None:
        """Print a plan in a format, with its ``impact`` and its ``proofs`` if given.

        Their JSON goes to standard error: standard output is the plan, byte by byte.
        """
        self.form = form
        from offerkit.plans.plan import plan_digest
        from offerkit.reports.plan_text import PlanReport

        digest = plan_digest(plan) if form != "json" else ""
        self.show(PlanReport(plan, digest, impact, proofs), form, full=full)
        for beside in (impact, proofs) if form == "json" else ():
            if beside is not None:
                from offerkit.reports.render import render

                click.echo(render(beside, form), nl=False, err=True)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask for confirmation before a change; without a terminal, refuse.

        Raises Refused unless the answer is “yes” or ``yes`` was given.
        """
        if yes:
            return
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise refuse(
                Code.PLAN_DECLINED,
                "nothing was changed: no terminal to ask for confirmation",
                hint="Review the plan, then run the command again with --yes.",
            )
        click.echo()
        if click.prompt(f"{question} Only “yes” is accepted", default="", show_default=False) != "yes":
            raise refuse(Code.PLAN_DECLINED, "nothing was changed: the plan was not confirmed")

    def applied(self, applied: Applied, what: str) -> None:
        """Print what was done, and its revision."""
        from offerkit.reports.escape import visible

        self.done = True
        revision = applied.revision
        beside = self.form != "text"
        if applied.base_moved:
            moved = "The stage has changed since the plan was made, but nothing that the plan touches or relies on."
            click.echo(moved, err=beside)
        text = f"{what} Revision {revision.serial} by {visible(revision.actor)}, {revision.digest[:12]}."
        click.echo(text if beside else self.style.green(text), err=beside, color=True)

    def tell(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Print diagnostics to standard error, as a compiler would."""
        from offerkit.reports.diagnostics_json import DiagnosticsReport
        from offerkit.reports.render import render
        from offerkit.reports.style import CONCISE, Presentation

        presentation = Presentation(style_for(sys.stderr, self.color), CONCISE._replace(width=width()))
        report = DiagnosticsReport(diagnostics, self._lines_of)
        click.echo(render(report, "text", presentation), nl=False, err=True, color=True)

    def rendered(self, diagnostics: Sequence[Diagnostic], form: str) -> str:
        """Diagnostics for programs: ``json`` or a forge's format, with paths from the repository's root."""
        from offerkit.reports.diagnostics_json import DiagnosticsReport
        from offerkit.reports.render import render
        from offerkit.specs.git import folder_in_repository

        folder = folder_in_repository(self.root) if self.root and form != "json" else ""
        return render(DiagnosticsReport(diagnostics, folder=folder), form)

    def tell_bug(self, error: Exception) -> None:
        """Print that offerkit itself failed; the traceback only with OFFERKIT_TRACEBACK."""
        import traceback

        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        summary = f"offerkit itself failed: {type(error).__name__} in {where}"
        hint = "Nothing was left half done. Please report this, with what OFFERKIT_TRACEBACK=1 prints."
        self.tell([Diagnostic(Code.BUG, summary, hint=hint)])
        if os.environ.get("OFFERKIT_TRACEBACK"):
            traceback.print_exception(error)

    def _lines_of(self, file: str) -> list[str] | None:
        """The lines of a file of the project, to show where a mistake is."""
        path = (self.root or Path.cwd()) / file
        if path.suffix not in (".yaml", ".yml"):  # a line of a contacts' file is somebody's personal data
            return None
        try:
            if not path.is_file():  # opening a named pipe would wait for a writer without end
                return None
            with path.open("rb") as source:
                return source.read(16 * 1024 * 1024).decode("utf-8", "replace").splitlines()
        except OSError:
            return None


def carry_out(shell: Shell, session: Session, plan: Plan, question: str, done: str, *, yes: bool) -> None:
    """Apply ``plan`` if the operator may, and confirms it; an empty plan does nothing."""
    from offerkit.address import Stage
    from offerkit.plans.plan import PlanKind
    from offerkit.reports.impact_record import override_of
    from offerkit.usecases.apply import apply, check_impact, check_times, entitled_actor

    if session.override_impact and plan.kind is not PlanKind.PROMOTE:
        raise click.UsageError("--override-impact only applies to promotions; nothing else has an impact limit.")
    if plan.empty:
        return
    check_times(session, plan, entitled_actor(session, plan).name)
    if not yes:  # shown before the confirmation; checked again under the store's lock
        _tell_left(shell, check_impact(session, plan))
    shell.confirm(question, yes=yes)
    places = None
    if plan.steps_on(Stage.LIVE):
        from offerkit.usecases.anchor import anchor_places  # other plans do not need it

        places = anchor_places(session)
    applied = apply(session, plan)
    shell.applied(applied, done)
    if places is not None and (warnings := places.write_new(applied.revision)):
        shell.tell(warnings)
    if yes:
        _tell_left(shell, applied.revision.details)
    if session.override_impact and not override_of(applied.revision.details):
        click.echo("Nothing had to be overridden: the reason given with --override-impact is not recorded.", err=True)


def foresee(shell: Shell, session: Session, plan: Plan, *, later: bool = False) -> None:
    """Warn, on standard error, if a promotion that is only planned would be refused: a freeze, its impact.

    ``later``: it is planned for another time, so the freezes of now do not matter.
    """
    from offerkit.usecases.apply import check_impact, check_times

    if session.override_impact:
        raise click.UsageError("--override-impact goes with the command that applies the plan.")
    warnings: list[Diagnostic] = []
    try:
        if not later:
            check_times(session, plan, session.operator)
    except Refused as refused:
        warnings += refused.diagnostics
    try:
        _tell_left(shell, check_impact(session, plan))
    except Refused as refused:
        warnings += refused.diagnostics
    if warnings:
        shell.tell([replace(diagnostic, severity=Severity.WARNING) for diagnostic in warnings])


def _tell_left(shell: Shell, details: Mapping[str, Json]) -> None:
    """Report, on standard error, who is left without an offer by deactivations; more than allowed is a warning."""
    from offerkit.reports.impact_record import left_with_nothing

    losses = left_with_nothing(details)
    for text in (text for text, over in losses if not over):
        click.echo(f"{text[0].upper()}{text[1:]}.", err=True)
    if over := [Diagnostic(Code.IMPACT, text, severity=Severity.WARNING) for text, over in losses if over]:
        shell.tell(over)


def warn_if_older(shell: Shell, session: Session, plan: Plan) -> None:
    """Warn, on standard error, of changes that the plan undoes only because the checkout is outdated."""
    from offerkit.specs.older_checkout import in_repository

    if plan.empty or not in_repository(session.project.root):
        return
    from offerkit.usecases.outdated_checkout import checkout_warnings

    if warnings := checkout_warnings(session, plan):
        shell.tell(warnings)


def finish(plan: Plan, out: str | None, detailed_exitcode: bool, *, fail_on_blocked: bool = False) -> int:
    """Save the plan to ``out``, if given; returns the exit code, 2 for changes with ``detailed_exitcode``.

    With ``fail_on_blocked``, raises Refused if anything is blocked, before the plan is applied.
    """
    if out is not None:
        from offerkit.reports.escape import visible
        from offerkit.usecases.plan_files import save_plan

        path = visible(str(save_plan(plan, out)))
        after = "It has nothing to apply." if plan.empty else f"Apply exactly this with: offerkit apply {path}"
        click.echo(f"Saved to {path}. {after}", err=True)
    if fail_on_blocked and plan.blocked:
        raise refuse(
            Code.BLOCKED,
            f"{count(len({(item.stage, item.address) for item in plan.blocked}), 'resource')} blocked",
            detail="--fail-on-blocked requires that nothing is blocked. Nothing was changed.",
            hint="The plan says what blocks each of them, and who can resolve it; or leave them out with --exclude.",
        )
    return 2 if detailed_exitcode and not plan.empty else 0


def to_be_applied(form: str, out: str | None, plan_only: bool, yes: bool) -> bool:
    """Whether a command applies the plan that it makes.

    Raises UsageError if --yes contradicts an option that only makes the plan.
    """
    if yes and (out is not None or plan_only):
        raise click.UsageError("--yes applies the plan, --out and --plan-only only make it. Leave one of them out.")
    return out is None and not plan_only and (form == "text" or yes)


def now() -> str:
    """The time of this run: ISO 8601, UTC."""
    from datetime import UTC, datetime

    from offerkit.times import utc

    return utc(datetime.now(UTC))


def is_file(text: str) -> bool:
    """Whether ``text`` names a file; false also for a text that cannot be a path."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def located(text: str, base: Path | None = None) -> Location:
    """The store that ``text`` names; a relative path is below ``base`` (default: the current folder)."""
    from offerkit.store.location import parse_location

    return parse_location(text, base)


def style_for(stream: object, choice: str) -> Style:
    """The style for ``stream``; with ``auto``, coloured on a terminal unless NO_COLOR is set (no-color.org)."""
    terminal = bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"
    colour = choice == "always" or (choice == "auto" and terminal and not os.environ.get("NO_COLOR"))
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "")
    return Style(colour, ascii=not encoding.startswith("utf"))


def width() -> int:
    """The columns to wrap to: the terminal's width, between 60 and 140."""
    import shutil

    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 140))


@contextlib.contextmanager
def progress_bar(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on standard error for long work, if it is a terminal."""
    if length < LONG or not sys.stderr.isatty():
        yield lambda count: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield bar.update


def _tell_waiting(holder: Holder) -> None:
    from offerkit.reports.escape import visible

    click.echo(f"Waiting for the store: {visible(str(holder))} holds it.", err=True)
