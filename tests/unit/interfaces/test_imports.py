"""What imports cost, and what they must not pull in."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = (
    "altair",
    "duckdb",
    "IPython",
    "ipywidgets",
    "matplotlib",
    "nbclient",
    "nbconvert",
    "nbformat",
    "pandas",
    "papermill",
    "polars",
    "pyarrow",
    "scipy",
    "statsmodels",
)


def _loaded(statement: str) -> set[str]:
    program = f"import sys; {statement}; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import phoenix_nb",
        "import phoenix_nb.interfaces",
        "import phoenix_nb.runtime",
        "import phoenix_nb.errors",
    ],
)
def test_light_imports_stay_light(statement: str) -> None:
    assert not _loaded(statement) & set(_HEAVY)


def test_the_package_alone_loads_no_third_party_code() -> None:
    assert not _loaded("import phoenix_nb") & {"pydantic", "numpy", "yaml", "structlog", "opentelemetry"}


def test_interfaces_import_errors_only() -> None:
    program = (
        "import sys, phoenix_nb.interfaces; "
        "print(' '.join(n for n in sys.modules if n.startswith('phoenix_nb.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    packages = {name.split(".")[1] for name in done.stdout.split()}
    assert packages == {"errors", "interfaces"}


def test_commands_start_without_the_models() -> None:
    assert not _loaded("import phoenix_nb.cli._main") & {"pydantic", "numpy", "opentelemetry"}


def test_nothing_at_run_time_needs_the_test_kit() -> None:
    loaded = _loaded(
        "import phoenix_nb.runtime, phoenix_nb.otlp, phoenix_nb.reporting, phoenix_nb.simulation"
    )
    assert not loaded & {"hypothesis", "pytest"}
