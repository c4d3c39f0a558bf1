"""``phoenix record``: payloads of this machine, or of a simulated one, as a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._errors import EXIT_OK
from phoenix_nb.cli._interrupts import EXIT_INTERRUPTED
from phoenix_nb.cli._options import Every, JsonFlag, RedactFlag, Seconds
from phoenix_nb.cli._output import note, print_json, say
from phoenix_nb.cli._progress import counted

if TYPE_CHECKING:
    from phoenix_nb.lab import RecordingSummary

__all__ = ["Output", "register", "told"]

Output = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="A name that ends in .jsonl, .jsonl.zst, .jsonl.gz or .parquet.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("record")(record)


def record(
    output: Output,
    source: Annotated[
        str, typer.Option("--source", metavar="SOURCE", help="What is recorded: host or sim:PROFILE.")
    ] = "host",
    every: Every = None,
    duration: Annotated[
        float | None, Seconds("--duration", "How long; the host is recorded until Ctrl-C without it.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Seed of a simulated source.")] = 0,
    redact: RedactFlag = True,
    as_json: JsonFlag = False,
) -> int:
    """Record the processes of this machine into a file that compare and report can read.

    Ctrl-C ends a recording early and keeps every scrape taken so far.
    """
    from phoenix_nb.lab import record as take

    period = every or (1.0 if source == "host" else 10.0)
    planned = None if duration is None else max(1, round(duration / period))
    with counted(f"recording {source}", planned, "scrapes") as progress:
        made = take(
            source, output, every=every, duration=duration, seed=seed, redact=redact, progress=progress
        )
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        told(made)
    return EXIT_INTERRUPTED if made.interrupted else EXIT_OK


def told(made: RecordingSummary) -> None:
    """Say what a recording holds."""
    from phoenix_nb.reporting import formats as fmt

    say(
        f"{made.path}: {fmt.count(made.payloads, 'scrape')}, {fmt.count(made.points, 'data point')}, "
        f"{fmt.bytes_text(made.bytes)}"
    )
    if made.interrupted:
        note("interrupted; every scrape taken so far is in the file")
    if made.gaps:
        note(f"warning: {fmt.count(made.gaps, 'scrape')} left out, because the one before took too long")
    for problem in made.problems:
        note(f"warning: {problem}")
