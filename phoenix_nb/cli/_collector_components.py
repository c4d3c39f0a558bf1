"""``phoenix collector components`` and ``install``: what runs here, and the real collector."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import note, print_json, say, table
from phoenix_nb.errors import UnavailableError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("components")(components)
    app.command("install")(install)


def components(as_json: JsonFlag = False) -> None:
    """List what each engine runs: components and OTTL functions."""
    from phoenix_nb.lab import collector_here, component_support, function_support

    try:
        binary = collector_here()
    except UnavailableError:
        binary = None
    found, functions = component_support(binary), function_support()
    if as_json:
        print_json(
            {
                "collector": None
                if binary is None
                else {"name": binary.name, "version": binary.version, "path": str(binary.path)},
                "components": [asdict(row) for row in found],
                "functions": [asdict(row) for row in functions],
            }
        )
        return
    if binary is None:
        note("no real collector is installed; otelcol shows what `phoenix collector install` builds")
    else:
        note(f"real collector: {binary.name} {binary.version}, {binary.path}")
    table(
        "Components",
        ("section", "type", "also written", "embedded", "otelcol"),
        [
            (f"{row.kind}s", row.name, ", ".join(row.aliases), row.embedded.value, row.otelcol.value)
            for row in found
        ],
    )
    table(
        "OTTL functions",
        ("function", "kind", "where", "embedded", "since", "why it is refused"),
        [(row.name, row.kind, row.where, row.embedded.value, row.since, row.reason) for row in functions],
        unbroken=(0,),
    )


def install(
    force: Annotated[bool, typer.Option("--force", help="Build again even if it is there.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Build the real collector with Go into this user's cache folder; one that works is kept."""
    from phoenix_nb.lab import install_collector

    binary = install_collector(force=force, say=note)
    if as_json:
        print_json({"name": binary.name, "version": binary.version, "path": str(binary.path)})
    else:
        say(f"{binary.name} {binary.version}: {binary.path}")
