"""``phoenix collector``: what a collector configuration does to payloads, without a collector or with one."""

from __future__ import annotations

import typer

from phoenix_nb.cli import (
    _collector_components,
    _collector_diff,
    _collector_explain,
    _collector_lint,
    _collector_run,
    _collector_tests,
)
from phoenix_nb.cli._pipeline import validate_pipeline

app = typer.Typer(
    name="collector",
    help="What a collector configuration does to payloads: run it, check it, test it, explain it.",
    no_args_is_help=True,
)
# One function: both nouns are where people look for it.
app.command("validate")(validate_pipeline)
for part in (
    _collector_run,
    _collector_lint,
    _collector_tests,
    _collector_explain,
    _collector_diff,
    _collector_components,
):
    part.register(app)
