"""Assembles the commands and turns every outcome into an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import click
import typer

from phoenix_nb.cli import _compare, _demo, _doctor, _experiment, _pipeline, _record, _report, _simulate
from phoenix_nb.cli._errors import EXIT_INTERRUPTED, EXIT_USAGE, guarded
from phoenix_nb.cli._state import OPTIONS

__all__ = ["app", "main"]

app = typer.Typer(
    name="phoenix",
    help="Compare two collector pipelines over the same process metrics, and say which one to run.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from phoenix_nb import __version__

        typer.echo(f"phoenix {__version__}")
        raise typer.Exit


@app.callback()
def root(
    workspace: Annotated[
        str | None,
        typer.Option(
            "--workspace",
            metavar="DIR",
            help="Where experiments are kept; ':memory:' keeps nothing.",
            show_default=False,
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
    version: Annotated[  # noqa: ARG001 - the callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compare two collector pipelines over the same process metrics, and say which one to run."""
    OPTIONS.workspace = workspace
    OPTIONS.debug = debug


for part in (_demo, _compare, _simulate, _record):
    part.register(app)
for noun in (_report, _pipeline, _experiment):
    app.add_typer(noun.app)
_doctor.register(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # `--debug` is taken anywhere: it is what one adds to a command that just failed.
    debug = "--debug" in words
    words = (["--debug"] if debug else []) + [word for word in words if word != "--debug"]
    code = guarded(lambda: _invoke(words), debug=debug)
    sys.stdout.flush()
    sys.exit(code)


def _invoke(words: list[str]) -> int | None:
    # A width is fixed when nobody watches, so that piped output never depends on the terminal.
    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", "120")
    try:
        outcome = app(args=words, standalone_mode=False)
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as problem:
        problem.show()
        return EXIT_USAGE
    return outcome if isinstance(outcome, int) else None
