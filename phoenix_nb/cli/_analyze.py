"""``phoenix analyze``: the verdict on a table of intervals from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import note, print_json, table
from phoenix_nb.cli._verdict import show_verdict

if TYPE_CHECKING:
    from phoenix_nb.lab import TableAnalysis

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("analyze")(analyze)


def analyze(
    intervals: Annotated[
        Path,
        typer.Argument(
            metavar="INTERVALS", help="A .csv or .parquet file: t, baseline_<metric>, candidate_<metric>, …"
        ),
    ],
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan", metavar="FILE", help="Criteria, YAML; - is standard input. Defaults otherwise."
        ),
    ] = None,
    planned: Annotated[
        int | None,
        typer.Option(
            "--planned-intervals",
            metavar="N",
            min=1,
            help="Planned length after the warm-up, where the plan does not say it; all rows otherwise.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of secondary figures.")] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Judge intervals that were measured elsewhere, by the same method as an experiment."""
    from phoenix_nb.interfaces import Plan
    from phoenix_nb.lab import analyze_file, load_plan

    found = analyze_file(
        intervals, Plan() if plan is None else load_plan(plan), planned_intervals=planned, seed=seed
    )
    if as_json:
        print_json(found.to_json())
    else:
        _show(found)
    for warning in found.warnings:
        note(f"warning: {warning}")


def _show(found: TableAnalysis) -> None:
    from phoenix_nb.reporting import formats as fmt

    show_verdict(found.verdict)
    typer.echo()
    table(
        f"Measured in the table: {fmt.count(found.verdict.intervals, 'interval')}, exact",
        ("", "baseline", "candidate", "reduction"),
        [
            (
                found.plan.success.metric.value.replace("_", " "),
                fmt.number(found.baseline),
                fmt.number(found.candidate),
                fmt.percent(found.reduction),
            )
        ],
        numeric=(1, 2, 3),
    )
    projection = found.verdict.projection
    if projection is None:
        typer.echo(f"Projected: nothing; {found.verdict.projection_reason}")
    else:
        typer.echo(
            f"Projected: {fmt.percent(projection.estimate)}, {fmt.percent_range(projection.low, projection.high)}"
            f" (valid at every look, error rate {fmt.percent(projection.alpha, 0)})"
        )
    table(
        "Conditions",
        ("condition", "met", "what"),
        [(row.id, row.met, row.text) for row in found.verdict.conditions],
    )
    if found.secondary is not None:
        table(
            "Secondary, for one look at the end; these never decide",
            ("method", "saving", "low", "high"),
            [
                (one.method, fmt.percent(one.estimate), fmt.percent(one.low), fmt.percent(one.high))
                for one in found.secondary.intervals
            ],
            numeric=(1, 2, 3),
        )
