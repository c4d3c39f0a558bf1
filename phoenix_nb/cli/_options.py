"""Option types that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phoenix_nb.errors import InvalidRequestError

__all__ = [
    "Critical",
    "Duration",
    "Every",
    "JsonFlag",
    "OutFolder",
    "RedactFlag",
    "Seconds",
    "Seed",
    "Source",
    "split_globs",
]


def _seconds(text: str) -> float:
    from phoenix_nb.runtime import parse_duration

    try:
        return parse_duration(text)
    except InvalidRequestError as error:
        raise typer.BadParameter(str(error)) from error


def Seconds(flag: str, help_text: str, *, shown: str = "") -> object:  # noqa: N802 - reads as a type in an annotation
    """An option that takes a duration such as ``10s`` and hands seconds to the command.

    Args:
        flag: its name.
        help_text: what it is for.
        shown: the default as one would type it; empty when there is none.
    """
    return typer.Option(
        flag, parser=_seconds, metavar="DURATION", help=help_text, show_default=shown or False
    )


JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, nothing else.")]
OutFolder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write the report into this folder.", file_okay=False),
]
Critical = Annotated[
    str,
    typer.Option(
        "--critical", metavar="GLOB,…", help="Processes that must stay visible, by executable name."
    ),
]
Source = Annotated[str, typer.Option("--source", metavar="SOURCE", help="host, sim:PROFILE or a recording.")]
Every = Annotated[
    float | None, Seconds("--every", "Time between two scrapes; 1s for the host, 10s simulated.")
]
Duration = Annotated[
    float | None, Seconds("--duration", "How long; 60s for the host, 2h simulated, a recording to its end.")
]
Seed = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="Seed of a simulated source.")]
RedactFlag = Annotated[
    bool, typer.Option("--redact/--no-redact", help="Hide what looks like a secret in command lines.")
]


def split_globs(text: str) -> list[str]:
    """The selectors of a comma-separated list; empty parts are dropped."""
    return [part.strip() for part in text.split(",") if part.strip()]
