"""A/A runs: the same pipeline on both sides, recorded as an experiment and read as a calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from phoenix_nb.errors import JsonValue
from phoenix_nb.evidence import Calibration, calibrate
from phoenix_nb.interfaces import SuccessMetric
from phoenix_nb.lab._handle import ExperimentHandle
from phoenix_nb.lab._lab import Lab

__all__ = ["AaRun", "read_calibration"]

_COLUMN = {SuccessMetric.DATA_POINTS: "points", SuccessMetric.SERIES: "series", SuccessMetric.BYTES: "bytes"}


@dataclass(frozen=True, slots=True)
class AaRun:
    """What an A/A run says."""

    experiment_id: str
    """The experiment that it is recorded as."""
    calibration: Calibration
    """Second arm against the first."""
    swapped: Calibration
    """First arm against the second: what an arm's position does shows with the opposite sign."""

    def to_json(self) -> dict[str, JsonValue]:
        """Everything as JSON values."""
        return {
            "experiment_id": self.experiment_id,
            "calibration": self.calibration.model_dump(mode="json"),
            "swapped": self.swapped.model_dump(mode="json"),
            "may_start": not self.calibration.excludes_zero,
        }


def read_calibration(lab: Lab, handle: ExperimentHandle, *, seed: int = 0, redraws: int = 1000) -> AaRun:
    """Calibrate the method on a finished run of equal arms.

    Args:
        lab: where it is recorded.
        handle: the run.
        seed: of the redraws.
        redraws: how many.

    Raises:
        InvalidRequestError: there is no interval in which both arms answered.
    """
    plan = handle.experiment.config.plan
    column = _COLUMN[plan.success.metric]
    pairs = [
        (getattr(one.baseline, column), getattr(one.candidate, column))
        for one in lab.call(lab.services.metrics.get_intervals, handle.id)
        if not one.warmup and one.baseline is not None and one.candidate is not None
    ]
    a, b = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return AaRun(
        experiment_id=handle.id,
        calibration=calibrate(a, b, plan, rng=np.random.default_rng(seed), redraws=redraws),
        swapped=calibrate(b, a, plan, rng=np.random.default_rng(seed), redraws=0),
    )
