"""``phoenix collector explain``: what each step of a configuration removes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._collector_run import ReleaseOption
from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import note, print_json, say, table

if TYPE_CHECKING:
    from phoenix_nb.analysis.explain import BackendView, Change, Explanation, Fate, StepChange

__all__ = ["register"]

_COLUMNS = ("points in", "points out", "series in", "series out", "bytes in", "bytes out")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="Collector YAML file or a catalogue name.")],
    source: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="Payloads, one OTLP JSON request per line.")
    ],
    process: Annotated[
        str | None,
        typer.Option(
            "--process",
            metavar="NAME",
            help="Follow this process, by executable name; may use * and ?.",
            show_default=False,
        ),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", metavar="N", min=0, help="Rows that are shown of each table.")
    ] = 10,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Also print the configuration with its variables filled in.")
    ] = False,
    collector_version: ReleaseOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what each step removes, by metric, process and label, and what becomes of one process."""
    from phoenix_nb.lab import explain_config, pipeline_text

    found, fate, text = explain_config(
        pipeline_text(config), source=source, process=process, collector_version=collector_version
    )
    for warning in found.warnings:
        note(f"warning: {warning}")
    if as_json:
        document = _json(found)
        document["process"] = None
        if fate is not None:
            document["process"] = {
                "names": list(fate.processes),
                **_json(fate.explanation),
                "series": {exporter: list(texts) for exporter, texts in fate.series},
            }
        print_json({**document, "resolved": text})
        return
    _show_steps("What each step does", found)
    for step in found.steps:
        _show_step(step, most)
    for view in found.backends:
        _show_backend(view, most)
    if fate is not None:
        _show_fate(fate, most)
    if resolved:
        say(text.rstrip("\n"))


def _json(found: Explanation) -> dict[str, object]:
    return {
        "received": asdict(found.received),
        "steps": [asdict(step) for step in found.steps],
        "sent": {exporter: asdict(totals) for exporter, totals in found.sent},
        "backends": [asdict(view) for view in found.backends],
        "warnings": list(found.warnings),
    }


def _show_steps(title: str, found: Explanation) -> None:
    received = found.received
    table(
        title,
        ("step", *_COLUMNS),
        [
            ("received", None, received.points, None, received.series, None, received.bytes),
            *((_name(step), *_numbers(step)) for step in found.steps),
            *(
                (f"sent to {exporter}", totals.points, None, totals.series, None, totals.bytes, None)
                for exporter, totals in found.sent
            ),
        ],
    )


def _name(step: StepChange) -> str:
    return f"{step.pipeline}: {step.component}" if step.pipeline else step.component


def _numbers(row: StepChange | Change) -> tuple[int, ...]:
    return (
        row.points_before,
        row.points_after,
        row.series_before,
        row.series_after,
        row.bytes_before,
        row.bytes_after,
    )


def _show_step(step: StepChange, most: int) -> None:
    for what, rows in (("metric", step.by_metric), ("process", step.by_process), ("label", step.by_label)):
        if rows and most:
            more = f", {most} of {len(rows)}" if len(rows) > most else ""
            table(
                f"{_name(step)} by {what}{more}",
                (what, *_COLUMNS),
                [(row.name or f"(no {what})", *_numbers(row)) for row in rows[:most]],
            )


def _show_backend(view: BackendView, most: int) -> None:
    say(f"Of {view.sent:,} series that {view.exporter} gets, Prometheus tells {view.kept:,} apart.")
    if view.merged and most:
        more = f", {most} of {len(view.merged)} metrics" if len(view.merged) > most else ""
        table(
            f"Series that fall together behind {view.exporter}{more}",
            ("metric", "series sent", "told apart"),
            [(one.metric, one.sent, one.kept) for one in view.merged[:most]],
        )
        note(
            f"warning: {view.exporter} sends several series under one name and the same labels; resource attributes "
            "become labels only with resource_to_telemetry_conversion: {enabled: true}"
        )
    for name in view.unnamed:
        note(f"warning: no Prometheus name can be made of {name!r}; it is not exported")


def _show_fate(fate: Fate, most: int) -> None:
    _show_steps(f"What becomes of {', '.join(fate.processes)} alone", fate.explanation)
    for exporter, texts in fate.series:
        if not texts:
            say(f"nothing of it reaches {exporter}")
            continue
        say(f"{len(texts):,} series of it reach {exporter}:")
        for text in texts[:most]:
            say(f"  {text}")
        if len(texts) > most:
            say(f"  … and {len(texts) - most:,} more (--most, --json)")
