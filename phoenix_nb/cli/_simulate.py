"""``phoenix simulate``: a simulated host as a recording."""

from __future__ import annotations

from typing import Annotated

import typer

from phoenix_nb.cli._options import JsonFlag, RedactFlag, Seconds
from phoenix_nb.cli._output import print_json
from phoenix_nb.cli._progress import counted
from phoenix_nb.cli._record import Output, told

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="A load profile, for example realistic.")],
    output: Output,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", min=0, help="The same seed gives the same bytes.")
    ] = 0,
    scrapes: Annotated[int, typer.Option("--scrapes", metavar="N", min=1, help="How many scrapes.")] = 60,
    every: Annotated[float, Seconds("--every", "Simulated time between two scrapes.", shown="10s")] = 10.0,
    redact: RedactFlag = True,
    as_json: JsonFlag = False,
) -> None:
    """Write a simulated host as a recording: the same bytes for the same arguments."""
    from phoenix_nb.lab import write_simulation

    with counted("simulating", scrapes, "scrapes") as progress:
        made = write_simulation(
            profile, output, seed=seed, scrapes=scrapes, every=every, redact=redact, progress=progress
        )
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        told(made)
