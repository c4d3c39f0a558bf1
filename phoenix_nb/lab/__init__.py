"""The composition root and the notebook façade."""

from phoenix_nb.lab._calibrations import AaRun, read_calibration
from phoenix_nb.lab._collector_components import component_support, function_support, install_collector
from phoenix_nb.lab._collector_diff import diff_configs
from phoenix_nb.lab._collector_engines import collector_here
from phoenix_nb.lab._collector_explain import explain_config
from phoenix_nb.lab._collector_lint import lint_text
from phoenix_nb.lab._collector_run import CollectorRunSummary, Ticks, run_collector
from phoenix_nb.lab._collector_test_file import PipelineTest, PipelineTestFile, load_pipeline_tests
from phoenix_nb.lab._collector_test_report import junit_report, pipeline_test_files
from phoenix_nb.lab._collector_test_run import PipelineTestResult, run_pipeline_test, run_pipeline_tests
from phoenix_nb.lab._comparison_json import comparison_json, cost_json, coverage_json
from phoenix_nb.lab._composition import System
from phoenix_nb.lab._critical import running_services
from phoenix_nb.lab._doctor import Finding, FindingState, check_installation
from phoenix_nb.lab._folders import require_folder
from phoenix_nb.lab._handle import ExperimentHandle
from phoenix_nb.lab._interval_tables import TableAnalysis, analyze_file, read_intervals
from phoenix_nb.lab._lab import Lab
from phoenix_nb.lab._learned_templates import learned_template
from phoenix_nb.lab._overwriting import require_other_file
from phoenix_nb.lab._pipeline_texts import engine_of, pipeline_text, write_text
from phoenix_nb.lab._plan_checks import check_plan_against, check_plan_on
from phoenix_nb.lab._recording import RecordingSummary, record, write_simulation
from phoenix_nb.lab._recording_costs import (
    RecordingAttribution,
    RecordingCost,
    attribute_recording,
    price_recording,
)
from phoenix_nb.lab._services import Services
from phoenix_nb.lab._simulation_handle import SimulationHandle
from phoenix_nb.lab._texts import load_plan, read_text
from phoenix_nb.lab._workspace import MEMORY, Workspace, find_workspace

__all__ = [
    "MEMORY",
    "AaRun",
    "CollectorRunSummary",
    "ExperimentHandle",
    "Finding",
    "FindingState",
    "Lab",
    "PipelineTest",
    "PipelineTestFile",
    "PipelineTestResult",
    "RecordingAttribution",
    "RecordingCost",
    "RecordingSummary",
    "Services",
    "SimulationHandle",
    "System",
    "TableAnalysis",
    "Ticks",
    "Workspace",
    "analyze_file",
    "attribute_recording",
    "check_installation",
    "check_plan_against",
    "check_plan_on",
    "collector_here",
    "comparison_json",
    "component_support",
    "cost_json",
    "coverage_json",
    "diff_configs",
    "engine_of",
    "explain_config",
    "find_workspace",
    "function_support",
    "install_collector",
    "junit_report",
    "learned_template",
    "lint_text",
    "load_pipeline_tests",
    "load_plan",
    "pipeline_test_files",
    "pipeline_text",
    "price_recording",
    "read_calibration",
    "read_intervals",
    "read_text",
    "record",
    "require_folder",
    "require_other_file",
    "run_collector",
    "run_pipeline_test",
    "run_pipeline_tests",
    "running_services",
    "write_simulation",
    "write_text",
]
