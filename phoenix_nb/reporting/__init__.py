"""Reports: a comparison file, a notebook run in its own process, one offline page, a result of record."""

from phoenix_nb.reporting import formats
from phoenix_nb.reporting._assets import asset_path, notebook_path, report_notebook_path, template_root
from phoenix_nb.reporting._build import METRIC_WORDS, comparison_data, interval_frame, running_bounds
from phoenix_nb.reporting._charts import Chart, saving_chart, thin, volume_chart
from phoenix_nb.reporting._comparison_data import ComparisonData, IntervalFrame, Pipelines, RunFacts
from phoenix_nb.reporting._gather import ComparisonProvider, StoredComparisons, source_words
from phoenix_nb.reporting._live import Choice, ComparisonRequest, RunView, SimulationRequest, SimulationView
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
