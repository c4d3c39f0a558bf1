"""``phoenix cost``: what a recording costs per month, at several vendors side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._options import JsonFlag, Seconds, split_globs
from phoenix_nb.cli._output import print_json, table
from phoenix_nb.errors import JsonValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phoenix_nb.interfaces import CostComparison, CostEstimate, CostRow
    from phoenix_nb.lab import RecordingCost

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("cost")(cost)


def cost(
    recording: Annotated[Path, typer.Option("--recording", metavar="FILE", help="The recording to price.")],
    every: Annotated[float, Seconds("--every", "Scrape interval of the month.", shown="60s")] = 60.0,
    hosts: Annotated[
        int, typer.Option("--hosts", metavar="N", min=1, help="Hosts like the recorded one.")
    ] = 1,
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="PIPELINE", help="What sends it today; everything otherwise."),
    ] = None,
    candidate: Annotated[
        str | None, typer.Option("--candidate", metavar="PIPELINE", help="What may replace it.")
    ] = None,
    account: Annotated[
        bool, typer.Option("--account", help="Bill of an account that sends nothing else: free tiers count.")
    ] = False,
    models: Annotated[
        str, typer.Option("--price-models", metavar="ID,…", help="Only these price models.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Price a recording, or what two pipelines make of it, per month and vendor."""
    from phoenix_nb.interfaces import CostBasis
    from phoenix_nb.lab import price_recording

    found = price_recording(
        recording,
        every=every,
        hosts=hosts,
        basis=CostBasis.ACCOUNT if account else CostBasis.MARGINAL,
        baseline=baseline,
        candidate=candidate,
        models=split_globs(models),
    )
    if as_json:
        print_json(_json(found))
    else:
        _show(found)


def _json(found: RecordingCost) -> dict[str, JsonValue]:
    return {
        "every": found.every,
        "hosts": found.hosts,
        "basis": found.basis.value,
        "usage": {
            "baseline": found.usage.model_dump(mode="json", exclude={"metrics"}),
            "candidate": None
            if found.candidate is None
            else found.candidate.model_dump(mode="json", exclude={"metrics"}),
        },
        "cost": [one.model_dump(mode="json") for one in found.estimates],
        "saving": None
        if found.comparison is None
        else [one.model_dump(mode="json") for one in found.comparison.rows],
        "projections": [one.model_dump(mode="json") for one in found.projections],
        "sensitivity": {
            "every": [{"every": every, "per_month": _amounts(rows)} for every, rows in found.by_interval],
            "saving_by_every": [
                {"every": one.every, "saving_per_month": _savings(one)} for one in found.savings_by_interval
            ],
            "saving_by_price": [
                {"factor": factor, "saving_per_month": _savings(one)}
                for factor, one in found.savings_by_price
            ],
        },
    }


def _amounts(rows: Sequence[CostEstimate]) -> dict[str, JsonValue]:
    return {one.price_model: one.per_month for one in rows}


def _savings(comparison: CostComparison) -> dict[str, JsonValue]:
    return {one.price_model: one.saving_per_month for one in comparison.rows}


def _show(found: RecordingCost) -> None:
    from phoenix_nb.reporting import formats as fmt

    hosts, usage = fmt.count(found.hosts, "host"), found.usage
    basis = "bill of an account" if found.basis.value == "account" else "added to a bill"
    typer.echo(
        f"{usage.points:,} data points and {usage.series:,} distinct series in {fmt.duration(usage.window_seconds)}."
    )
    intervals = [every for every, _ in found.by_interval]
    table(
        f"Cost per month: {basis}, {hosts}, a scrape every {fmt.duration(found.every)}",
        ("price model", "as of", "per month", *(f"every {fmt.duration(one)}" for one in intervals)),
        [
            (
                row.title,
                row.as_of.isoformat(),
                fmt.money(row.per_month, row.currency),
                *(fmt.money(rows[at].per_month, row.currency) for _, rows in found.by_interval),
            )
            for at, row in enumerate(found.estimates)
        ],
        numeric=tuple(range(2, 3 + len(intervals))),
    )
    for row in found.estimates:
        if row.per_month is None:
            typer.echo(f"  {fmt.MISSING} {row.title}: {row.reason}")
    if found.comparison is not None:
        _show_saving(found, found.comparison.rows)
    for text in dict.fromkeys(text for row in found.estimates for text in row.assumptions):
        typer.echo(f"  Assumed: {text}.")


def _show_saving(found: RecordingCost, rows: Sequence[CostRow]) -> None:
    from phoenix_nb.reporting import formats as fmt

    months = [1, 3, 6, 12]
    by_model = {one.price_model: one for one in found.projections}

    def horizon(row: CostRow, at: int) -> str:
        horizons = by_model[row.price_model].horizons
        return fmt.money(horizons[at].saving if horizons else None, row.currency)

    table(
        "Saving of the candidate, net of what its collector costs, if everything stays as measured",
        ("price model", *(f"{fmt.count(one, 'month')}" for one in months)),
        [(row.title, *(horizon(row, at) for at in range(len(months)))) for row in rows],
        numeric=(1, 2, 3, 4),
    )
    table(
        "Saving per month with other prices",
        ("price model", *(f"x {factor:g}" for factor, _ in found.savings_by_price)),
        [
            (
                row.title,
                *(
                    fmt.money(other.rows[at].saving_per_month, row.currency)
                    for _, other in found.savings_by_price
                ),
            )
            for at, row in enumerate(rows)
        ],
        numeric=(1, 2, 3, 4),
    )
