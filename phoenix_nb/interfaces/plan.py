"""The plan: what is fixed before a run, and hashed into its report."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum

from pydantic import Field

from phoenix_nb.interfaces._value import Value

__all__ = ["GuardrailKind", "GuardrailRule", "Plan", "SuccessMetric", "SuccessRule", "plan_hash"]


class SuccessMetric(StrEnum):
    """What the saving is measured in."""

    DATA_POINTS = "data_points"
    SERIES = "series"
    BYTES = "bytes"


class SuccessRule(Value):
    """What the candidate must achieve."""

    metric: SuccessMetric = SuccessMetric.DATA_POINTS
    """What the saving is measured in: the ratio of totals of both arms."""
    target: float = Field(default=0.40, gt=0, lt=1)
    """Smallest saving that is worth the change, a fraction."""


class GuardrailKind(StrEnum):
    """What must not get worse; only a real collector is measured."""

    LATENCY_P99 = "latency_p99"
    CPU_SECONDS = "cpu_seconds"


class GuardrailRule(Value):
    """A harm that is tolerated up to a margin."""

    kind: GuardrailKind
    """What is guarded."""
    margin: float = Field(gt=0)
    """Largest tolerated relative increase, a fraction."""


class Plan(Value):
    """Criteria, margins, critical selectors, durations and alpha of one experiment.

    Every value has a default; a report prints all of them.
    """

    success: SuccessRule = SuccessRule()
    """What the candidate must achieve."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Error rate of each claim, over the whole run and every look at it."""
    critical: tuple[str, ...] = ()
    """Selectors of processes that must stay visible; a bare glob matches the whole executable name, case-sensitive."""
    required_metrics: tuple[str, ...] = Field(
        default=("process.cpu.time", "process.memory.usage"), min_length=1
    )
    """Metrics that a critical process must keep."""
    allow_aggregate: bool = False
    """Whether a critical process may be covered by a series without its pid."""
    max_miss_rate: float | None = Field(default=None, gt=0, lt=1)
    """When set, PROMOTE needs a certificate that the miss rate is below it."""
    planned_intervals: int | None = Field(default=None, ge=1)
    """T_max, intervals after the warm-up; ``None`` takes what the run's duration gives."""
    warmup_intervals: int = Field(default=3, ge=0)
    """Intervals that count in the window only."""
    grace_intervals: int = Field(default=2, ge=0)
    """Intervals to wait before a miss is verified and an interval is closed, event time."""
    pilot_intervals: int = Field(default=60, ge=20)
    """Intervals from which the correlation of the noise is learned."""
    min_blocks: int = Field(default=6, ge=6)
    """T_min is the pilot and this many blocks."""
    guardrails: tuple[GuardrailRule, ...] = (
        GuardrailRule(kind=GuardrailKind.LATENCY_P99, margin=0.10),
        GuardrailRule(kind=GuardrailKind.CPU_SECONDS, margin=0.05),
    )
    """Used only when a real collector runs; the embedded engine is never measured as one."""
    max_parity_gap: float = Field(default=0.001, ge=0)
    """Largest tolerated relative difference of received points between the arms, per block."""
    max_late_share: float = Field(default=0.01, ge=0, le=1)
    """Largest tolerated share of late points."""
    stop_when_decided: bool = False
    """Whether the run ends at PROMOTE or REJECT instead of at its planned end."""


def plan_hash(plan: Plan) -> str:
    """SHA-256 of the plan's canonical JSON (sorted keys, all defaults written out), 64 hexadecimal digits."""
    canonical = json.dumps(plan.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
