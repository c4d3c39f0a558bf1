"""Analysis: from payloads and arms to intervals, coverage, usage, losses and verdicts. Pure."""

from phoenix_nb.analysis._losses import AttributionRow, Dimension, LossRow, attribution, losses
from phoenix_nb.analysis._meter import ExperimentMeter
from phoenix_nb.analysis._output import combined_output
from phoenix_nb.analysis._static import CriticalSeries, static_check

__all__ = [
    "AttributionRow",
    "CriticalSeries",
    "Dimension",
    "ExperimentMeter",
    "LossRow",
    "attribution",
    "combined_output",
    "losses",
    "static_check",
]
