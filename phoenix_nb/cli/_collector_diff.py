"""``phoenix collector diff``: what two configurations make of the same payloads."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from phoenix_nb.cli._collector_run import EngineOption, ReleaseOption
from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import note, print_json, say, table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help="Collector YAML file or a catalogue name.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    source: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="Payloads, one OTLP JSON request per line.")
    ],
    exporter: Annotated[
        str | None,
        typer.Option("--exporter", metavar="ID", help="Compare what this exporter gets.", show_default=False),
    ] = None,
    most: Annotated[
        int, typer.Option("--most", metavar="N", min=0, help="Series that are listed of each side.")
    ] = 20,
    engine: EngineOption = "embedded",
    collector_version: ReleaseOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Compare what two configurations send: points, series, bytes, and the series that only one of them sends."""
    from phoenix_nb.interfaces import EngineKind
    from phoenix_nb.lab import diff_configs, pipeline_text

    made = diff_configs(
        pipeline_text(first),
        pipeline_text(second),
        source=source,
        exporter=exporter,
        engine=EngineKind(engine),
        collector_version=collector_version,
    )
    for sentence in made.applied:
        note(f"receivers: {sentence}")
    for warning in made.warnings:
        note(f"warning: {warning}")
    found = made.output
    if as_json:
        print_json({**asdict(found), "applied": list(made.applied), "warnings": list(made.warnings)})
        return
    ours, theirs = asdict(found.first), asdict(found.second)
    table(
        "What is sent",
        ("", "A", "B", "B − A"),
        [(name, ours[name], theirs[name], theirs[name] - ours[name]) for name in ours],
    )
    say(f"{found.common_series:,} series in both")
    for name, texts in (("A", found.only_first), ("B", found.only_second)):
        if texts:
            say(f"{len(texts):,} series only in {name}:")
            for text in texts[:most]:
                say(f"  {text}")
            if len(texts) > most:
                say(f"  … and {len(texts) - most:,} more (--most, --json)")
    if found.equal_points:
        say("both send the same points")
