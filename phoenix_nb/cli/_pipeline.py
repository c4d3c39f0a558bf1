"""``phoenix pipeline``: the catalogue and the checks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from phoenix_nb.cli._errors import EXIT_OK, EXIT_REFUSED
from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import note, print_json, say, table
from phoenix_nb.errors import NotFoundError

app = typer.Typer(
    name="pipeline",
    help="The catalogue of pipelines, and the checks of a configuration.",
    no_args_is_help=True,
)

VersionOption = Annotated[
    str, typer.Option("--collector-version", metavar="V", help="Collector release whose rules apply.")
]


@app.command("list")
def list_pipelines(as_json: JsonFlag = False) -> None:
    """List the pipelines of the catalogue."""
    from phoenix_nb.collector import catalog

    entries = [catalog.load(name) for name in catalog.names()]
    if as_json:
        print_json([{"name": e.name, "title": e.title, "description": e.description} for e in entries])
        return
    table("Catalogue pipelines", ("name", "what it does"), [(e.name, e.title) for e in entries])


@app.command("show")
def show_pipeline(
    name: Annotated[str, typer.Argument(help="A catalogue name.")],
    recording: Annotated[
        Path | None,
        typer.Option(
            "--recording", metavar="FILE", help="Rank names and learn thresholds from this recording."
        ),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Print the collector YAML of a catalogue pipeline."""
    from phoenix_nb.collector import catalog

    if name not in catalog.names():
        raise NotFoundError(
            f"there is no pipeline {name!r} in the catalogue", hint=f"known: {', '.join(catalog.names())}"
        )
    entry = catalog.load(name)
    text = entry.yaml if recording is None else _learned(name, recording)
    if as_json:
        print_json({"name": entry.name, "title": entry.title, "description": entry.description, "yaml": text})
    else:
        typer.echo(text.rstrip("\n"))


def _learned(name: str, recording: Path) -> str:
    from phoenix_nb.lab import MEMORY, Lab, learned_template

    with Lab.open(MEMORY) as lab:
        return learned_template(lab, name, str(recording))


@app.command("validate")
def validate_pipeline(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG", help="Collector YAML file, a catalogue name, or - for standard input."
        ),
    ],
    collector_version: VersionOption = "0.159.0",
    as_json: JsonFlag = False,
) -> int:
    """Check a configuration as `otelcol validate` does; exit 0 and nothing on standard output mean valid."""
    from phoenix_nb.collector import validate_config
    from phoenix_nb.lab import pipeline_text, read_text

    text = read_text(config) if config == "-" else pipeline_text(config)
    problems = validate_config(text, environment=dict(os.environ), collector_version=collector_version)
    errors = [problem for problem in problems if problem.severity == "error"]
    if as_json:
        print_json(
            {
                "valid": not errors,
                "problems": [
                    {
                        "path": p.path,
                        "message": p.message,
                        "code": p.code,
                        "severity": p.severity,
                        "hint": p.hint,
                    }
                    for p in problems
                ],
            }
        )
    else:
        for problem in problems:
            # Warnings go to the person, as everywhere: programs that read stdout see what makes it invalid.
            invalid = problem.severity == "error"
            tell, kind = (say, "") if invalid else (note, "warning: ")
            tell(f"{kind}{problem}")
            if problem.hint:
                tell(f"  hint: {problem.hint}")
    return EXIT_REFUSED if errors else EXIT_OK
