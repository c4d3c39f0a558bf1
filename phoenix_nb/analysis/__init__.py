"""Analysis: from payloads and arms to intervals, coverage, usage, losses and verdicts. Pure."""

from phoenix_nb.analysis._attribution import AttributionRow, Dimension, attribution
from phoenix_nb.analysis._interval_figures import anomalies, arm_figure, compare_figure
from phoenix_nb.analysis._labels import LabelContribution, LabelPair, label_contributions, label_pairs
from phoenix_nb.analysis._meter import ExperimentMeter
from phoenix_nb.analysis._output import ArmOutput, combined_output, uncounted_exporters
from phoenix_nb.analysis._output_difference import (
    OutputDifference,
    OutputTotals,
    output_difference,
    output_totals,
    series_text,
)
from phoenix_nb.analysis._paired_run import Billing, PairedRun, Step
from phoenix_nb.analysis._process_class import process_class
from phoenix_nb.analysis._process_costs import GroupCost, group_costs
from phoenix_nb.analysis._query import QueryRun
from phoenix_nb.analysis._rule_attribution import RuleContribution, rule_contributions
from phoenix_nb.analysis._static import CriticalSeries, static_check
from phoenix_nb.analysis._stream_summary import StreamSummary, lost_series

__all__ = [
    "ArmOutput",
    "AttributionRow",
    "Billing",
    "CriticalSeries",
    "Dimension",
    "ExperimentMeter",
    "GroupCost",
    "LabelContribution",
    "LabelPair",
    "OutputDifference",
    "OutputTotals",
    "PairedRun",
    "QueryRun",
    "RuleContribution",
    "Step",
    "StreamSummary",
    "anomalies",
    "arm_figure",
    "attribution",
    "combined_output",
    "compare_figure",
    "group_costs",
    "label_contributions",
    "label_pairs",
    "lost_series",
    "output_difference",
    "output_totals",
    "process_class",
    "rule_contributions",
    "series_text",
    "static_check",
    "uncounted_exporters",
]
