"""``phoenix plan``: is the plan worth running?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._errors import EXIT_OK, EXIT_REFUSED
from phoenix_nb.cli._options import JsonFlag, Seconds
from phoenix_nb.cli._output import note, print_json, table
from phoenix_nb.cli._session import chosen, opened

if TYPE_CHECKING:
    from phoenix_nb.evidence import PlanCheck

app = typer.Typer(
    name="plan", help="Criteria of an experiment: check them before the run.", no_args_is_help=True
)


@app.command("check")
def check(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="The plan, YAML; - is standard input.")],
    source: Annotated[
        str, typer.Option("--source", "--recording", metavar="SOURCE", help="A recording or sim:PROFILE.")
    ] = "sim:realistic",
    experiment: Annotated[
        str,
        typer.Option(
            "--experiment",
            metavar="ID",
            help="Learn the noise from this run instead, guardrails included: an id, or latest.",
        ),
    ] = "",
    baseline: Annotated[
        str, typer.Option("--baseline", metavar="PIPELINE", help="Pipeline of the one arm.")
    ] = "process-baseline-v1",
    candidate: Annotated[
        str, typer.Option("--candidate", metavar="PIPELINE", help="Pipeline of the other arm.")
    ] = "process-priority-v1",
    every: Annotated[
        float, Seconds("--every", "Time between two scrapes of a simulation.", shown="10s")
    ] = 10.0,
    duration: Annotated[float, Seconds("--duration", "Length of a simulation.", shown="2h")] = 7200.0,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="Seed of simulation and redraws.")
    ] = 0,
    planned: Annotated[
        int | None,
        typer.Option(
            "--planned-intervals", metavar="N", min=1, help="Length, where the plan leaves it open."
        ),
    ] = None,
    runs: Annotated[
        int, typer.Option("--runs", metavar="N", min=1, help="Redrawn runs per true saving.")
    ] = 400,
    as_json: JsonFlag = False,
) -> int:
    """Simulate what a plan would decide on the noise of a recording or a simulation; exit 1 if it is too short."""
    from phoenix_nb.interfaces import plan_hash
    from phoenix_nb.lab import check_plan_against, check_plan_on, load_plan

    wanted = load_plan(plan)
    if experiment:
        with opened() as lab:
            measured = lab.call(lab.services.metrics.get_intervals, chosen(lab, experiment).id)
        found = check_plan_against(wanted, measured, seed=seed, planned_intervals=planned, runs=runs)
    else:
        found = check_plan_on(
            wanted,
            source,
            baseline=baseline,
            candidate=candidate,
            every=every,
            duration=duration,
            seed=seed,
            planned_intervals=planned,
            runs=runs,
        )
    if as_json:
        print_json({"plan_hash": plan_hash(wanted), **found.model_dump(mode="json")})
    else:
        _show(found)
    for warning in found.warnings:
        note(f"warning: {warning}")
    return EXIT_OK if found.long_enough else EXIT_REFUSED


def _show(found: PlanCheck) -> None:
    from phoenix_nb.reporting import formats as fmt

    typer.echo(
        f"Planned: {found.planned_intervals:,} intervals; the noise seen in {found.seen_intervals:,} remembers"
        f" {fmt.number(found.tau, 1)} and needs {found.needed_intervals:,}."
    )
    typer.echo(f"Saving seen: {fmt.percent(found.observed_saving)}.")
    table(
        "What the plan would decide, in shares of redrawn runs",
        (
            "true saving",
            "harm at its margin",
            "promote",
            "reject",
            "drift",
            "unhealthy",
            "too short",
            "open",
            "median interval",
        ),
        [
            (
                fmt.percent(one.saving),
                one.guardrail or fmt.MISSING,
                fmt.percent(one.promote),
                fmt.percent(one.reject),
                fmt.percent(one.drift),
                fmt.percent(one.unhealthy),
                fmt.percent(one.too_short),
                fmt.percent(one.open),
                fmt.number(one.median_interval),
            )
            for one in found.rows
        ],
        numeric=(0, *range(2, 9)),
    )
    for one in found.rows:
        typer.echo(f"  {one.text}")
