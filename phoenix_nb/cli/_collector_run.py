"""``phoenix collector run``: payloads through a configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import note, print_json

if TYPE_CHECKING:
    from phoenix_nb.lab import CollectorRunSummary

__all__ = ["EngineOption", "ReleaseOption", "register"]

EngineOption = Annotated[
    Literal["embedded", "otelcol"],
    typer.Option("--engine", help="What runs it: the built-in engine, or the real collector."),
]
ReleaseOption = Annotated[
    str | None,
    typer.Option(
        "--collector-version", metavar="V", help="Collector release whose rules apply.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("run")(run)


def run(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="Collector YAML file or a catalogue name.")],
    source: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="Payloads, one OTLP JSON request per line.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            metavar="FILE",
            help="Where the output goes; with several exporters a folder with one file each.",
        ),
    ],
    exporter: Annotated[
        str | None,
        typer.Option("--exporter", metavar="ID", help="Write what this exporter gets.", show_default=False),
    ] = None,
    engine: EngineOption = "embedded",
    collector_version: ReleaseOption = None,
    ticks: Annotated[
        Literal["every-input", "none"],
        typer.Option(
            "--ticks", help="When components with timers act: after every payload, or only at the shutdown."
        ),
    ] = "none",
    as_json: JsonFlag = False,
) -> None:
    """Send payloads through a configuration and write what its exporters get, in order.

    A payload from which nothing is left writes no line. What components still hold at the end comes last.
    With a batch processor the real collector may join payloads into fewer, larger lines, which the built-in engine
    keeps apart; the points are the same.
    """
    from phoenix_nb.interfaces import EngineKind
    from phoenix_nb.lab import Ticks, pipeline_text, run_collector

    done = run_collector(
        pipeline_text(config),
        source=source,
        output=output,
        exporter=exporter,
        engine=EngineKind(engine),
        collector_version=collector_version,
        ticks=Ticks(ticks),
    )
    for sentence in done.applied:
        note(f"receiver: {sentence}")
    for warning in done.warnings:
        note(f"warning: {warning}")
    for number, why in sorted(done.refused.items()):
        note(f"refused: payload {number}: {why}")
    if as_json:
        print_json(_as_json(done))
        return
    for one in done.outputs:
        note(
            f"{one.path}: {one.payloads} payloads with {one.points:,} points,"
            f" from {done.payloads} with {done.points:,}"
        )


def _as_json(done: CollectorRunSummary) -> dict[str, object]:
    return {
        "payloads": done.payloads,
        "points": done.points,
        "outputs": [
            {
                "exporter": one.exporter,
                "path": str(one.path),
                "payloads": one.payloads,
                "points": one.points,
            }
            for one in done.outputs
        ],
        "refused": [{"payload": number, "error": why} for number, why in sorted(done.refused.items())],
        "applied": list(done.applied),
        "warnings": list(done.warnings),
    }
