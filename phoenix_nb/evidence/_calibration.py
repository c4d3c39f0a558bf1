"""A/A runs: both arms are the same, so whatever differs is the method's or the machine's fault.

Source: statistics reference §2.11, point 8.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from phoenix_nb.errors import ConflictError, InvalidRequestError, JsonValue
from phoenix_nb.evidence._blocks import checked_values
from phoenix_nb.evidence._paired import Kind, PairedSequence, Rules
from phoenix_nb.evidence._phrases import finite, percent
from phoenix_nb.interfaces import Plan, Value, Verdict

__all__ = ["Calibration", "calibrate", "equal_arms_differ", "require_calibrated", "require_equal_arms"]


class Calibration(Value):
    """What an A/A run says about the method on this host."""

    intervals: int = Field(ge=0)
    """Intervals of the run."""
    block_length: int | None
    """Intervals per block; ``None`` when the pilot did not end."""
    tau: float | None
    """Correlation time of the residual, intervals; likewise."""
    too_short: bool
    """Whether the noise remembers too long for a claim, or the pilot did not end."""
    block_sd: float | None
    """Standard deviation of a block's ratio; ``None`` below two blocks."""
    bias: float | None
    """Ratio of totals minus 1: what one arm shows more than its twin, a fraction."""
    low: float | None
    """Lower end of the bias, time-uniform; ``None`` while not estimable."""
    high: float | None
    """Upper end."""
    excludes_zero: bool
    """Whether equal arms are called different: then no A/B may start."""
    false_positive_rate: float | None
    """Share of redraws (arms exchanged block by block) whose interval excludes 0; ``None`` when too short."""
    redraws: int
    """Number of redraws."""
    text: str
    """One sentence."""


def calibrate(
    baseline: npt.ArrayLike,
    candidate: npt.ArrayLike,
    plan: Plan,
    *,
    rng: np.random.Generator,
    redraws: int = 1000,
) -> Calibration:
    """Calibrate the method on a run of equal arms.

    Args:
        baseline: success metric of one arm per interval, shape (m,).
        candidate: the same of its twin.
        plan: pilot and alpha; T_max is the length of the arrays.
        rng: where the redraws come from.
        redraws: number of redraws.

    Raises:
        InvalidRequestError: the arms differ in length, hold a negative count, or nothing.
    """
    a, b = checked_values(baseline, "baseline"), checked_values(candidate, "candidate")
    if len(a) != len(b) or not len(a):
        raise InvalidRequestError("both arms need the same number of intervals, at least one")
    if a.min() < 0 or b.min() < 0:
        raise InvalidRequestError("counts must not be negative")
    rules = Rules(t_max=len(a), pilot=plan.pilot_intervals, alpha=plan.alpha)
    index = np.arange(len(a))

    def run(left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]) -> PairedSequence:
        sequence = PairedSequence(Kind.RATIO, 1.0, rules)
        sequence.fix_rejection(plan.alpha)
        sequence.fill(left, right, index)
        return sequence

    seen = run(a, b)
    blocks = seen.plan
    short = (
        blocks is None
        or blocks.too_short
        or len(a) < plan.pilot_intervals + plan.min_blocks * blocks.length
        or not seen.narrow.known
    )
    different = not short and not seen.narrow.low <= 1.0 <= seen.narrow.high
    rate = None
    if not short and blocks is not None:
        wrong = 0
        groups = -(-len(a) // blocks.length)
        for _ in range(redraws):
            swap = np.repeat(rng.integers(0, 2, groups) == 1, blocks.length)[: len(a)]
            again = run(np.where(swap, b, a), np.where(swap, a, b))
            wrong += not again.narrow.low <= 1.0 <= again.narrow.high
        rate = wrong / redraws if redraws else None
    low = None if short else finite(seen.narrow.low - 1.0)
    high = None if short else finite(seen.narrow.high - 1.0)
    return Calibration(
        intervals=len(a),
        block_length=None if blocks is None else blocks.length,
        tau=None if blocks is None else blocks.tau,
        too_short=short,
        block_sd=finite(seen.spread),
        bias=finite(float(b.sum() / a.sum()) - 1.0) if a.any() else None,
        low=low,
        high=high,
        excludes_zero=different,
        false_positive_rate=rate,
        redraws=redraws if rate is not None else 0,
        text=_text(short=short, different=different, low=low, high=high),
    )


def _text(*, short: bool, different: bool, low: float | None, high: float | None) -> str:
    if short or low is None or high is None:
        return "The run is too short to calibrate anything; run the same pipeline against itself for longer."
    span = f"{percent(low)} to {percent(high)}"
    if different:
        return f"Equal arms are called different (bias {span}): find out why before comparing anything."
    return f"Equal arms are not called different (bias {span})."


def equal_arms_differ(verdict: Verdict) -> bool:
    """Whether the verdict of an A/A run calls equal arms different: its saving's interval leaves out 0."""
    row = next((one for one in verdict.conditions if one.id.startswith("saving:")), None)
    if row is None or row.low is None or row.high is None or verdict.projection is None:
        return False
    return not row.low <= 0.0 <= row.high


def require_equal_arms(verdict: Verdict, *, override_reason: str = "") -> None:
    """Refuse an A/B where the A/A run with this verdict calls equal arms different.

    Args:
        verdict: of the last A/A run of the same source and engine.
        override_reason: why the A/B is to start all the same; it must be recorded with the experiment.

    Raises:
        ConflictError: it does, and nobody gave a reason.
    """
    if equal_arms_differ(verdict) and not override_reason.strip():
        projection = verdict.projection
        details: dict[str, JsonValue] = {}
        if projection is not None:
            details = {"low": projection.low, "high": projection.high, "estimate": projection.estimate}
        raise _uncalibrated(details)


def require_calibrated(calibration: Calibration, *, override_reason: str = "") -> None:
    """Refuse an A/B on a host whose A/A run calls equal arms different.

    Args:
        calibration: the last A/A run.
        override_reason: why it is to start all the same; it must be recorded with the experiment.

    Raises:
        ConflictError: the A/A run excludes zero and nobody gave a reason.
    """
    if calibration.excludes_zero and not override_reason.strip():
        raise _uncalibrated({"low": calibration.low, "high": calibration.high, "bias": calibration.bias})


def _uncalibrated(details: dict[str, JsonValue]) -> ConflictError:
    return ConflictError(
        "the last A/A run called equal arms different, so a comparison would prove nothing",
        hint="repair the cause and run phoenix aa again, or give a reason to start all the same",
        details=details,
    )
