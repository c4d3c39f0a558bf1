"""``phoenix compare``: one experiment to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from phoenix_nb.cli._errors import EXIT_CHECK_FAILED, EXIT_OK
from phoenix_nb.cli._interrupts import leave_on_next_interrupt
from phoenix_nb.cli._options import (
    Critical,
    Duration,
    Every,
    JsonFlag,
    OutFolder,
    RedactFlag,
    Seconds,
    Seed,
    Source,
    split_globs,
)
from phoenix_nb.cli._output import note, print_json
from phoenix_nb.cli._progress import followed
from phoenix_nb.cli._session import opened
from phoenix_nb.cli._verdict import show_comparison
from phoenix_nb.errors import RunFailedError

if TYPE_CHECKING:
    from phoenix_nb.lab import ExperimentHandle

__all__ = ["finished", "register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="BASELINE", help="What runs today: a catalogue name or a collector YAML file."
        ),
    ],
    candidate: Annotated[
        str, typer.Argument(metavar="CANDIDATE", help="What may replace it: a catalogue name or a YAML file.")
    ],
    source: Source = "host",
    every: Every = None,
    duration: Duration = None,
    seed: Seed = None,
    engine: Annotated[
        Literal["embedded", "otelcol"],
        typer.Option(
            "--engine",
            help="What runs the pipelines: the built-in engine, or two real collectors with their real costs.",
        ),
    ] = "embedded",
    critical: Critical = "",
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="FILE", help="Criteria of the experiment, YAML; - is standard input."),
    ] = None,
    out: OutFolder = None,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="What the experiment is called.")] = "",
    stop_when_decided: Annotated[
        bool,
        typer.Option("--stop-when-decided", help="End at PROMOTE or REJECT instead of at the planned end."),
    ] = False,
    aa_override: Annotated[
        str,
        typer.Option(
            "--aa-override",
            metavar="REASON",
            help="Start although the last A/A run calls equal arms different; the reason is recorded.",
        ),
    ] = "",
    cost_every: Annotated[
        float, Seconds("--cost-every", "Scrape interval that monthly costs are computed for.", shown="60s")
    ] = 60.0,
    account: Annotated[
        bool, typer.Option("--account", help="Cost of an account that sends nothing else: free tiers count.")
    ] = False,
    keep_payloads: Annotated[
        bool,
        typer.Option(
            "--keep-payloads/--no-keep-payloads", help="Keep what was sent, for queries and reports."
        ),
    ] = True,
    redact: RedactFlag = True,
    check: Annotated[bool, typer.Option("--check", help="Exit 3 unless the verdict is PROMOTE.")] = False,
    as_json: JsonFlag = False,
) -> int:
    """Run both pipelines over the same process metrics and say which one to run."""
    from phoenix_nb.interfaces import VerdictState
    from phoenix_nb.lab import require_folder

    if out is not None:
        # Now, not after two hours.
        require_folder(out)
    if seed is not None and not source.strip().startswith("sim:"):
        note("warning: a seed decides how a simulated host behaves; --seed is not used here")
    with opened() as lab:
        handle = lab.compare(
            baseline,
            candidate,
            source=source,
            every=every,
            duration=duration,
            seed=seed,
            engine=engine,
            critical=split_globs(critical),
            plan=plan,
            keep_payloads=keep_payloads,
            redact=redact,
            name=name,
            stop_when_decided=stop_when_decided,
            aa_override=aa_override,
            cost_every=cost_every,
            account=account,
        )
        finished(handle)
        report = None if out is None else handle.report(out.absolute())
        if as_json:
            print_json(handle.to_json())
            for warning in handle.results.warnings:
                note(f"warning: {warning}")
        else:
            show_comparison(handle.experiment, handle.results, report)
        passed = handle.results.verdict.state is VerdictState.PROMOTE
    return EXIT_CHECK_FAILED if check and not passed else EXIT_OK


def finished(handle: ExperimentHandle) -> ExperimentHandle:
    """Wait for the end of a run; an interrupt ends the run as cancelled before it goes on.

    Raises:
        RunFailedError: the run broke.
    """
    try:
        followed(handle)
    except RunFailedError as error:
        measured = handle.experiment.results is not None
        raise RunFailedError(
            error.message,
            hint=f"what was measured until then: phoenix experiment show {handle.id}"
            if measured
            else "nothing was measured; correct what the message names and run it again",
            details=error.details,
        ) from error
    except KeyboardInterrupt:
        leave_on_next_interrupt()
        note("interrupted: ending the run; press Ctrl-C again to leave at once")
        handle.abort("interrupted at the terminal")
        raise
    return handle
