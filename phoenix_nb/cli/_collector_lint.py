"""``phoenix collector lint``: traps in valid configurations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix_nb.cli._collector_run import ReleaseOption
from phoenix_nb.cli._errors import EXIT_OK, EXIT_REFUSED
from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import print_json, say

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint")(lint)


def lint(
    config: Annotated[str, typer.Argument(metavar="CONFIG", help="Collector YAML file or a catalogue name.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Payloads: what depends on data becomes certain, or goes away.",
            show_default=False,
        ),
    ] = None,
    collector_version: ReleaseOption = None,
    as_json: JsonFlag = False,
) -> int:
    """Find traps in a valid configuration: what it does is not what it seems to; exit 0 means none was found."""
    from phoenix_nb.lab import lint_text, pipeline_text

    found = lint_text(pipeline_text(config), source=source, collector_version=collector_version)
    if as_json:
        print_json({"findings": [one.model_dump(mode="json") for one in found]})
    else:
        for one in found:
            say(f"{one.path}: {one.message} [{one.code}, {'certain' if one.certain else 'possible'}]")
            say(f"  why: {one.why}")
            say(f"  try: {one.suggestion}")
    return EXIT_REFUSED if found else EXIT_OK
