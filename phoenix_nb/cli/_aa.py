"""``phoenix aa``: one pipeline against itself, to see whether the method can be trusted here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from phoenix_nb.cli._compare import finished
from phoenix_nb.cli._errors import EXIT_CHECK_FAILED, EXIT_OK
from phoenix_nb.cli._options import Duration, Every, JsonFlag, Seed, Source
from phoenix_nb.cli._output import print_json, table
from phoenix_nb.cli._session import opened

if TYPE_CHECKING:
    from phoenix_nb.lab import AaRun

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("aa")(run_aa)


def run_aa(
    pipeline: Annotated[
        str, typer.Argument(metavar="PIPELINE", help="A catalogue name or a collector YAML file.")
    ] = "process-baseline-v1",
    source: Source = "host",
    every: Every = None,
    duration: Duration = None,
    seed: Seed = None,
    engine: Annotated[
        Literal["embedded", "otelcol"], typer.Option("--engine", help="What runs both arms.")
    ] = "embedded",
    plan: Annotated[
        str | None, typer.Option("--plan", metavar="FILE", help="Pilot, alpha and metric, YAML.")
    ] = None,
    redraws: Annotated[
        int, typer.Option("--redraws", metavar="N", min=0, help="Redraws for the false-positive rate.")
    ] = 1000,
    as_json: JsonFlag = False,
) -> int:
    """Run a pipeline against itself and report block length, noise, bias and false-positive rate.

    The run is recorded. A comparison of the same source and engine does not start while its last A/A run calls equal
    arms different. Exit code 3 says that it does.
    """
    from phoenix_nb.lab import read_calibration

    with opened() as lab:
        handle = lab.compare(
            pipeline,
            pipeline,
            source=source,
            every=every,
            duration=duration,
            seed=seed,
            engine=engine,
            plan=plan,
            keep_payloads=False,
            name=f"A/A of {pipeline}"[:100],
        )
        found = read_calibration(lab, finished(handle), seed=seed or 0, redraws=redraws)
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)
    return EXIT_CHECK_FAILED if found.calibration.excludes_zero else EXIT_OK


def _show(found: AaRun) -> None:
    from phoenix_nb.reporting import formats as fmt

    typer.echo(found.calibration.text)
    rows = []
    for name, one in (("as run", found.calibration), ("arms swapped", found.swapped)):
        span = fmt.percent_range(one.low, one.high, 3) if one.low is not None else fmt.MISSING
        rows.append(
            (
                name,
                fmt.number(one.intervals),
                fmt.number(one.block_length),
                fmt.number(one.tau, 2),
                fmt.percent(one.block_sd, 3),
                fmt.percent(one.bias, 3),
                span,
                fmt.percent(one.false_positive_rate),
            )
        )
    table(
        "Calibration",
        (
            "",
            "intervals",
            "block",
            "noise remembers",
            "block sd",
            "bias",
            "bias, low to high",
            "false positives",
        ),
        rows,
        numeric=(1, 2, 3, 4, 5, 6, 7),
    )
    typer.echo(f"Recorded as {found.experiment_id}.")
