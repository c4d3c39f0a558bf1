"""``phoenix collector test``: pipeline tests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phoenix_nb.cli._collector_run import EngineOption
from phoenix_nb.cli._errors import EXIT_OK, EXIT_REFUSED
from phoenix_nb.cli._options import JsonFlag
from phoenix_nb.cli._output import print_json, say

if TYPE_CHECKING:
    from phoenix_nb.lab import PipelineTestResult

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test")(run_tests)


def run_tests(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Test files, or folders with such files.")
    ],
    engine: EngineOption = "embedded",
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="OUT.xml", help="Also write a JUnit report.", show_default=False),
    ] = None,
    as_json: JsonFlag = False,
) -> int:
    """Run pipeline tests: payloads in, expectations about what comes out; exit 0 means all passed."""
    from phoenix_nb.interfaces import EngineKind
    from phoenix_nb.lab import (
        junit_report,
        pipeline_test_files,
        require_other_file,
        run_pipeline_tests,
        write_text,
    )

    results: list[PipelineTestResult] = []
    paths = pipeline_test_files(files)
    if junit is not None:
        require_other_file(junit, paths)
    for path in paths:
        for result in run_pipeline_tests(path, engine=EngineKind(engine)):
            results.append(result)
            if not as_json:
                _show(result)
    failed = sum(not result.passed for result in results)
    if junit is not None:
        write_text(junit, junit_report(results))
    if as_json:
        print_json(
            {
                "passed": len(results) - failed,
                "failed": failed,
                "tests": [
                    {
                        "file": str(one.file),
                        "name": one.name,
                        "passed": one.passed,
                        "failures": list(one.failures),
                        "error": one.error or None,
                    }
                    for one in results
                ],
            }
        )
    else:
        say(f"{len(results) - failed} passed, {failed} failed")
    return EXIT_REFUSED if failed else EXIT_OK


def _show(result: PipelineTestResult) -> None:
    say(f"{'PASS' if result.passed else 'FAIL'} {result.file}: {result.name}")
    for text in [*([f"cannot be run: {result.error}"] if result.error else []), *result.failures]:
        for line in text.splitlines():
            say(f"  {line}")
