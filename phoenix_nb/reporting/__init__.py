"""Reports: a comparison file, a notebook run in its own process, one offline page, a result of record."""

from phoenix_nb.reporting import formats
from phoenix_nb.reporting._assets import asset_path, notebook_path, report_notebook_path, template_root
from phoenix_nb.reporting._charts import Chart, saving_chart, thin, volume_chart
from phoenix_nb.reporting._comparison_data import (
    ArmPair,
    ComparisonData,
    ConditionLine,
    CoverageName,
    CoverageSummary,
    IntervalFrame,
    LossLine,
    MissedProcess,
    Pipelines,
    PlanText,
    Projection,
    RunFacts,
    VerdictText,
    WindowFigures,
)
from phoenix_nb.reporting._live import Choice, ComparisonRequest, RunView, SimulationRequest, SimulationView
from phoenix_nb.reporting._page import ComparisonPage, Html, html_environment, stylesheet
from phoenix_nb.reporting._parameters import ComparisonParameters, cell_parameters
from phoenix_nb.reporting._publish import RESULT_MIME, publish, published_results, read_published
from phoenix_nb.reporting._runner import NotebookRun, PapermillReportRunner, RenderedReport
from phoenix_nb.reporting._words import VERDICT_SIGNS, Sign, verdict_sign

__all__ = [
    "RESULT_MIME",
    "VERDICT_SIGNS",
    "ArmPair",
    "Chart",
    "Choice",
    "ComparisonData",
    "ComparisonPage",
    "ComparisonParameters",
    "ComparisonRequest",
    "ConditionLine",
    "CoverageName",
    "CoverageSummary",
    "Html",
    "IntervalFrame",
    "LossLine",
    "MissedProcess",
    "NotebookRun",
    "PapermillReportRunner",
    "Pipelines",
    "PlanText",
    "Projection",
    "RenderedReport",
    "RunFacts",
    "RunView",
    "Sign",
    "SimulationRequest",
    "SimulationView",
    "VerdictText",
    "WindowFigures",
    "asset_path",
    "cell_parameters",
    "formats",
    "html_environment",
    "notebook_path",
    "publish",
    "published_results",
    "read_published",
    "report_notebook_path",
    "saving_chart",
    "stylesheet",
    "template_root",
    "thin",
    "verdict_sign",
    "volume_chart",
]
