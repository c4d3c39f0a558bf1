"""Reports: a comparison file, a notebook run in its own process, one offline page, a result of record.

Names are loaded when they are first asked for: the process of a report needs few of them, and pays for no more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phoenix_nb.reporting import formats

if TYPE_CHECKING:
    from phoenix_nb.reporting._assets import asset_path, notebook_path, report_notebook_path, template_root
    from phoenix_nb.reporting._build import METRIC_WORDS, comparison_data, interval_frame, running_bounds
    from phoenix_nb.reporting._charts import Chart, saving_chart, thin, volume_chart
    from phoenix_nb.reporting._comparison_data import ComparisonData, IntervalFrame, Pipelines, RunFacts
    from phoenix_nb.reporting._gather import ComparisonProvider, StoredComparisons, source_words
    from phoenix_nb.reporting._live import (
        Choice,
        ComparisonRequest,
        RunView,
        SimulationRequest,
        SimulationView,
    )
    from phoenix_nb.reporting._live_html import (
        message_html,
        run_html,
        run_text,
        simulation_html,
        simulation_text,
        status_html,
    )
    from phoenix_nb.reporting._page import ComparisonPage, Html, html_environment, stylesheet
    from phoenix_nb.reporting._parameters import ComparisonParameters, cell_parameters
    from phoenix_nb.reporting._publish import RESULT_MIME, publish, published_results, read_published
    from phoenix_nb.reporting._runner import NotebookRun, PapermillReportRunner, RenderedReport
    from phoenix_nb.reporting._service import LocalReportService, run_report
    from phoenix_nb.reporting._words import VERDICT_SIGNS, Sign, verdict_sign

__all__ = [
    "METRIC_WORDS",
    "RESULT_MIME",
    "VERDICT_SIGNS",
    "Chart",
    "Choice",
    "ComparisonData",
    "ComparisonPage",
    "ComparisonParameters",
    "ComparisonProvider",
    "ComparisonRequest",
    "Html",
    "IntervalFrame",
    "LocalReportService",
    "NotebookRun",
    "PapermillReportRunner",
    "Pipelines",
    "RenderedReport",
    "RunFacts",
    "RunView",
    "Sign",
    "SimulationRequest",
    "SimulationView",
    "StoredComparisons",
    "asset_path",
    "cell_parameters",
    "comparison_data",
    "formats",
    "html_environment",
    "interval_frame",
    "message_html",
    "notebook_path",
    "publish",
    "published_results",
    "read_published",
    "report_notebook_path",
    "run_html",
    "run_report",
    "run_text",
    "running_bounds",
    "saving_chart",
    "simulation_html",
    "simulation_text",
    "source_words",
    "status_html",
    "stylesheet",
    "template_root",
    "thin",
    "verdict_sign",
    "volume_chart",
]

_HOMES = {
    "_assets": (
        "asset_path",
        "notebook_path",
        "report_notebook_path",
        "template_root",
    ),
    "_build": (
        "METRIC_WORDS",
        "comparison_data",
        "interval_frame",
        "running_bounds",
    ),
    "_charts": (
        "Chart",
        "saving_chart",
        "thin",
        "volume_chart",
    ),
    "_comparison_data": (
        "ComparisonData",
        "IntervalFrame",
        "Pipelines",
        "RunFacts",
    ),
    "_gather": (
        "ComparisonProvider",
        "StoredComparisons",
        "source_words",
    ),
    "_live": (
        "Choice",
        "ComparisonRequest",
        "RunView",
        "SimulationRequest",
        "SimulationView",
    ),
    "_live_html": (
        "message_html",
        "run_html",
        "run_text",
        "simulation_html",
        "simulation_text",
        "status_html",
    ),
    "_page": (
        "ComparisonPage",
        "Html",
        "html_environment",
        "stylesheet",
    ),
    "_parameters": (
        "ComparisonParameters",
        "cell_parameters",
    ),
    "_publish": (
        "RESULT_MIME",
        "publish",
        "published_results",
        "read_published",
    ),
    "_runner": (
        "NotebookRun",
        "PapermillReportRunner",
        "RenderedReport",
    ),
    "_service": (
        "LocalReportService",
        "run_report",
    ),
    "_words": (
        "VERDICT_SIGNS",
        "Sign",
        "verdict_sign",
    ),
}
"""Where the public names lie."""
_HOME = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if (module := _HOME.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
