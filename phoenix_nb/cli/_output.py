"""What commands print: JSON for programs, tables for people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from phoenix_nb.errors import JsonValue

__all__ = ["note", "print_json", "say", "shown_path", "table"]


def print_json(value: object) -> None:
    """Print one JSON document on stdout; NaN never gets there, keys keep their order."""
    import orjson

    sys.stdout.write(
        orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n"
    )


def say(text: str = "") -> None:
    """Print a line for people, with plain spaces: what is shown can be searched for."""
    sys.stdout.write(_plain(text) + "\n")


def note(text: str) -> None:
    """Tell the person something; programs read stdout and never see it."""
    sys.stderr.write(_plain(text) + "\n")


def shown_path(path: Path) -> str:
    """A path as people here would type it: relative to the current folder where it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[JsonValue]],
    *,
    numeric: Sequence[int] = (),
    unbroken: Sequence[int] = (),
) -> None:
    """Print a table.

    Args:
        title: what it shows.
        columns: names of the columns.
        rows: cells; a missing one is shown as a dash, never as zero.
        numeric: columns of written-out numbers; they and columns that hold numbers are aligned to the right.
        unbroken: columns that stay on one line, such as ids that people copy.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    body = [list(row) for row in rows]
    shown = Table(
        title=_plain(title), title_justify="left", title_style="bold", header_style="bold", expand=False
    )
    for number, name in enumerate(columns):
        numbers = bool(body) and all(
            isinstance(row[number], int | float) or row[number] is None for row in body
        )
        right = numbers or number in numeric
        shown.add_column(
            name, justify="right" if right else "left", overflow="fold", no_wrap=right or number in unbroken
        )
    for row in body:
        shown.add_row(*(Text(_cell(value)) for value in row))
    Console().print(shown)


def _cell(value: JsonValue) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return _plain(str(value))


def _plain(text: str) -> str:
    """Figures are written with no-break spaces, which a reader cannot type into a search."""
    return text.replace("\u00a0", " ")
