"""Assembles the commands and turns every outcome into an exit code."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from phoenix_nb.cli import (
    _aa,
    _analyze,
    _attribute,
    _collector,
    _compare,
    _cost,
    _demo,
    _doctor,
    _experiment,
    _optimize,
    _pipeline,
    _plan,
    _record,
    _report,
    _simulate,
)
from phoenix_nb.cli._errors import EXIT_OK, EXIT_USAGE, guarded, output_failed
from phoenix_nb.cli._interrupts import heed_interrupts, ignore_interrupts
from phoenix_nb.cli._state import OPTIONS

__all__ = ["app", "run"]

_WRONG_USAGE = typer.BadParameter.__mro__[2]
"""``ClickException``: Typer carries a click of its own in some releases and uses the installed one in others."""

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


for part in (_demo, _compare, _simulate, _record, _analyze, _cost, _attribute, _optimize, _aa):
    part.register(app)
for noun in (_report, _pipeline, _collector, _experiment, _plan):
    app.add_typer(noun.app)
_doctor.register(app)


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a sign shows a question mark; it is no reason to fail.
            stream.reconfigure(errors="replace")
    heed_interrupts()
    words, debug = _global_options_first(sys.argv[1:] if arguments is None else arguments)
    code = guarded(lambda: _invoke(words), debug=debug, as_json="--json" in words)
    code = _flushed(code)
    ignore_interrupts()
    sys.exit(code)


def _global_options_first(words: Sequence[str]) -> tuple[list[str], bool]:
    """The words with ``--debug`` and ``--workspace`` in front: they are taken anywhere, as what one adds last."""
    front: list[str] = []
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            rest += [word, *left]
            break
        if word == "--debug" or word.startswith("--workspace="):
            front.append(word)
        elif word == "--workspace" and left:
            front += [word, left.pop(0)]
        else:
            rest.append(word)
    return front + rest, "--debug" in front


def _invoke(words: list[str]) -> int | None:
    # A width is fixed when nobody watches, so that piped output never depends on the terminal.
    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", "120")
    if "_PHOENIX_COMPLETE" in os.environ:
        # The shell asks for completions: Typer answers and ends the process.
        app(prog_name="phoenix")
    command = typer.main.get_command(app)
    try:
        # Not app(): Typer's own runner turns an interrupt into an exit code before anybody can say what was kept.
        with command.make_context("phoenix", words) as context:
            outcome = command.invoke(context)
    except typer.Exit as ended:
        return int(ended.exit_code)
    except Exception as problem:
        if not isinstance(problem, _WRONG_USAGE):
            raise
        problem.show()  # type: ignore[attr-defined]  # every ClickException has it
        return EXIT_USAGE
    return outcome if isinstance(outcome, int) else None


def _flushed(code: int) -> int:
    """Write out what is still buffered; a reader that went away is no failure of ours."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return code or output_failed(error)
    return code
