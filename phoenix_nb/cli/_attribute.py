"""``phoenix attribute``: where the volume, the cost and the saving come from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._options import JsonFlag, Seconds, split_globs
from phoenix_nb.cli._output import print_json, table
from phoenix_nb.errors import InvalidRequestError, JsonValue

if TYPE_CHECKING:
    from phoenix_nb.analysis import AttributionRow, Dimension
    from phoenix_nb.lab import RecordingAttribution

__all__ = ["register"]

_SHOWN = 15


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("attribute")(attribute)


def attribute(
    recording: Annotated[
        Path, typer.Option("--recording", metavar="FILE", help="The recording to look into.")
    ],
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="PIPELINE", help="What sends it today; everything otherwise."),
    ] = None,
    candidate: Annotated[
        str | None, typer.Option("--candidate", metavar="PIPELINE", help="What may replace it.")
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="WHAT", help="metric, process, class, instance, owner or host: what to group by."
        ),
    ] = "process",
    every: Annotated[
        float, Seconds("--every", "Scrape interval that monthly costs are for.", shown="60s")
    ] = 60.0,
    hosts: Annotated[
        int, typer.Option("--hosts", metavar="N", min=1, help="Hosts like the recorded one.")
    ] = 1,
    models: Annotated[
        str, typer.Option("--price-models", metavar="ID,…", help="Only these price models.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Say which metric, label, process and rule the series, the cost and the saving come from."""
    from phoenix_nb.analysis import Dimension
    from phoenix_nb.lab import attribute_recording

    try:
        dimension = Dimension(by)
    except ValueError as error:
        raise InvalidRequestError(
            f"there is no grouping by {by!r}", hint=f"known: {', '.join(Dimension)}"
        ) from error
    found = attribute_recording(
        recording,
        baseline=baseline,
        candidate=candidate,
        every=every,
        hosts=hosts,
        models=split_globs(models),
        cost_by=dimension,
    )
    if as_json:
        print_json(_json(found, dimension))
    else:
        _show(found, dimension)


def _json(found: RecordingAttribution, dimension: Dimension) -> dict[str, JsonValue]:
    models = [one.price_model for one in found.estimates]
    return {
        "points": {"baseline": found.points[0], "candidate": found.points[1]},
        "series": {"baseline": found.series[0], "candidate": found.series[1]},
        "groups": {
            one.value: [_row(row, two=found.points[1] is not None) for row in rows]
            for one, rows in found.groups.items()
        },
        "labels": [asdict(one) for one in found.labels],
        "label_pairs": [asdict(one) | {"labels": [*one.labels]} for one in found.pairs],
        "rules": [asdict(one) for one in found.rules],
        "lost": [one.model_dump(mode="json") for one in found.lost],
        "cost_by": dimension.value,
        "cost": [
            {
                "name": one.name,
                "points": one.points,
                "series": one.series,
                "bytes": one.bytes,
                "per_month": dict(zip(models, one.per_month, strict=True)),
            }
            for one in found.costs
        ],
    }


def _row(row: AttributionRow, *, two: bool) -> dict[str, JsonValue]:
    made: dict[str, JsonValue] = {
        "name": row.name,
        "baseline_points": row.baseline_points,
        "baseline_series": row.baseline_series,
        "share_of_baseline": row.share_of_baseline,
    }
    if two:
        made |= {
            "candidate_points": row.candidate_points,
            "candidate_series": row.candidate_series,
            "saved_points": row.saved_points,
            "saved_series": row.baseline_series - row.candidate_series,
            "share_of_saving": row.share_of_saving,
        }
    return made


def _show(found: RecordingAttribution, dimension: Dimension) -> None:
    from phoenix_nb.reporting import formats as fmt

    two = found.points[1] is not None
    groups = found.groups[dimension]
    if two:
        table(
            f"By {dimension.value}: what was saved",
            (
                dimension.value,
                "points before",
                "points after",
                "series before",
                "series after",
                "of the saving",
            ),
            [
                (
                    row.name or "(none)",
                    row.baseline_points,
                    row.candidate_points,
                    row.baseline_series,
                    row.candidate_series,
                    fmt.percent(row.share_of_saving),
                )
                for row in groups[:_SHOWN]
            ],
            numeric=(5,),
        )
    else:
        table(
            f"By {dimension.value}",
            (dimension.value, "points", "series", "of all points"),
            [
                (
                    row.name or "(none)",
                    row.baseline_points,
                    row.baseline_series,
                    fmt.percent(row.share_of_baseline),
                )
                for row in sorted(groups, key=lambda row: -row.baseline_points)[:_SHOWN]
            ],
            numeric=(3,),
        )
    if found.rules:
        table(
            "By rule of the candidate",
            ("rule", "series saved", "points saved", "series only it saves"),
            [
                (row.rule or row.processor, row.saved_series, row.saved_points, row.only_series)
                for row in found.rules
            ],
        )
    if found.lost:
        table(
            "What would be lost, with its last value",
            ("process", "metric", "points before", "points after", "last value"),
            [
                (
                    one.process,
                    one.metric,
                    one.baseline_points,
                    one.candidate_points,
                    "" if one.last_value is None else f"{one.last_value:g} {one.unit}".strip(),
                )
                for one in found.lost[:_SHOWN]
            ],
            numeric=(4,),
        )
    table(
        "By label: series that only this label tells apart",
        ("label", "values", "series"),
        [(one.label, one.values, one.contribution) for one in found.labels[:_SHOWN]],
    )
    table(
        "By pair of labels",
        ("labels", "series", "more than both alone"),
        [(" and ".join(one.labels), one.contribution, one.extra) for one in found.pairs[:_SHOWN]],
    )
    priced = [at for at, one in enumerate(found.estimates) if one.per_month is not None]
    table(
        f"What each {dimension.value} costs per month",
        (dimension.value, *(found.estimates[at].title for at in priced)),
        [
            (
                one.name or "(none)",
                *(fmt.money(one.per_month[at], found.estimates[at].currency) for at in priced),
            )
            for one in found.costs[:_SHOWN]
        ],
        numeric=tuple(range(1, len(priced) + 1)),
    )
