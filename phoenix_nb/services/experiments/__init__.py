"""Experiments: their life cycle, their runs, their promotions."""

from phoenix_nb.services.experiments._promotion import Promotions
from phoenix_nb.services.experiments._records import ExperimentRecords
from phoenix_nb.services.experiments._run import Arms, IntervalObserver, RunParts
from phoenix_nb.services.experiments._service import LocalExperimentService

__all__ = [
    "Arms",
    "ExperimentRecords",
    "IntervalObserver",
    "LocalExperimentService",
    "Promotions",
    "RunParts",
]
