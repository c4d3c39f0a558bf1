"""A pytest plugin: collects ``*.pipeline-test.yaml`` and runs each of their tests as one item."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from phoenix_nb.lab import PipelineTest, PipelineTestFile

__all__ = ["PipelineItem", "PipelineYaml", "pytest_addoption", "pytest_collect_file"]

_ENDINGS = (".pipeline-test.yaml", ".pipeline-test.yml")


class PipelineTestFailureError(Exception):
    """What was not as expected."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that chooses the engine."""
    parser.getgroup("phoenix").addoption(
        "--pipeline-engine",
        choices=("embedded", "otelcol"),
        default="embedded",
        help="what runs pipeline tests: the built-in engine, or the real collector",
    )


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Take test files of pipelines."""
    if not file_path.name.endswith(_ENDINGS):
        return None
    made: PipelineYaml = PipelineYaml.from_parent(parent, path=file_path)
    return made


class PipelineYaml(pytest.File):
    """One test file."""

    def collect(self) -> Iterator[PipelineItem]:
        """Its tests."""
        from phoenix_nb.errors import PhoenixError
        from phoenix_nb.lab import load_pipeline_tests

        try:
            file, text = load_pipeline_tests(self.path)
        except PhoenixError as error:
            raise self.CollectError(error.message) from error
        for test in file.tests:
            yield PipelineItem.from_parent(self, name=test.name, file=file, text=text, test=test)


class PipelineItem(pytest.Item):
    """One test."""

    def __init__(self, *, file: PipelineTestFile, text: str, test: PipelineTest, **rest: Any) -> None:
        super().__init__(**rest)
        self._file = file
        self._text = text
        self._test = test

    def runtest(self) -> None:
        """Run it."""
        from phoenix_nb.interfaces import EngineKind
        from phoenix_nb.lab import run_pipeline_test

        engine = EngineKind(self.config.getoption("--pipeline-engine"))
        failures = run_pipeline_test(self.path, self._file, self._text, self._test, engine=engine)
        if failures:
            raise PipelineTestFailureError("\n".join(failures))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What was not as expected, without a traceback."""
        from phoenix_nb.errors import PhoenixError

        if isinstance(excinfo.value, PipelineTestFailureError | PhoenixError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where it is."""
        return self.path, None, f"pipeline test: {self.name}"
