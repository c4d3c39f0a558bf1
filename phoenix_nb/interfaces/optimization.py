"""Configurations found by search: what is asked, and what was found with what it saves and loses."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from phoenix_nb.interfaces._value import Value
from phoenix_nb.interfaces.evidence import CoverageReport, WindowTotals

__all__ = [
    "OptimizationRequest",
    "OptimizationStrategy",
    "OptimizedConfig",
    "OptimizedRule",
    "ParetoPoint",
    "RuleKind",
]


class OptimizationStrategy(StrEnum):
    """How far an optimised configuration goes."""

    BALANCED = "balanced"
    """As far as the target asks, with the smallest loss."""
    AGGRESSIVE = "aggressive"
    """Past the target, as long as at least 80 % of what the metrics add up to is still shown."""
    MINIMAL = "minimal"
    """Critical processes with their required metrics, and nothing else."""
    CUSTOM = "custom"
    """As balanced, with some kinds of rules only."""


class RuleKind(StrEnum):
    """What a rule of an optimised configuration does; none of them hides what must stay visible."""

    DROP_METRIC = "drop_metric"
    """Drop a metric that no plan requires, of every process."""
    DROP_METRIC_OF_OTHERS = "drop_metric_of_others"
    """Drop a metric of processes that are not critical."""
    DROP_POINTS = "drop_points"
    """Drop the points of a metric that have one attribute value, of processes that are not critical."""
    ADD_UP = "add_up"
    """Add up a sum metric over its attributes (states, directions), of processes that are not critical."""
    DROP_PROCESSES = "drop_processes"
    """Drop processes by name."""
    DELAY = "delay"
    """Drop points of a process until it has lived for some time, so that short-lived processes never show."""
    TOP_K = "top_k"
    """Keep, beside the critical ones, only the processes that use most."""
    DROP_ATTRIBUTES = "drop_attributes"
    """Drop resource attributes that no identity needs: the pid and the executable's name stay."""
    SCRAPE_LESS = "scrape_less"
    """Raise the collection interval of the receiver, for every process."""


class OptimizationRequest(Value):
    """What a configuration is searched for."""

    recording: str = Field(min_length=1)
    """Path of the recording to learn from."""
    critical: tuple[str, ...] = ()
    """Selectors of processes that must stay visible, as in a plan."""
    required_metrics: tuple[str, ...] = Field(
        default=("process.cpu.time", "process.memory.usage"), min_length=1
    )
    """Metrics that a critical process must keep."""
    target: float = Field(default=0.60, gt=0, lt=1)
    """Smallest saving in distinct series over the recording, a fraction."""
    strategy: OptimizationStrategy = OptimizationStrategy.BALANCED
    """How far it goes."""
    rules: tuple[RuleKind, ...] = ()
    """With the strategy ``custom`` the only kinds of rules that may be used; otherwise empty."""
    group_rest: bool = False
    """Whether dropped processes are added up into one group per host, so that the host's totals stay right."""
    base: str = ""
    """Collector YAML that rules are added to; empty takes the catalogue's ``process-baseline-v1``."""


class OptimizedRule(Value):
    """One rule of the result. Its figures are those of adding it after the rules before it, over the recording."""

    kind: RuleKind
    """What it does."""
    text: str
    """One sentence."""
    saves_series: int = Field(ge=0)
    """Distinct series that only this and no rule before it removes."""
    saves_points: int = Field(ge=0)
    """Data points of these series."""
    loses: float = Field(ge=0, le=1)
    """Share of all that was measured which is no longer shown, a fraction; see :attr:`OptimizedConfig.fidelity`."""
    names: tuple[str, ...] = ()
    """Processes of which something is lost, most series first."""


class ParetoPoint(Value):
    """A configuration that no other one found beats in both saving and fidelity."""

    saving: float = Field(ge=0, le=1)
    """Saving in distinct series over the recording, a fraction."""
    fidelity: float = Field(ge=0, le=1)
    """See :attr:`OptimizedConfig.fidelity`."""
    unaltered: float | None = Field(default=None, ge=0, le=1)
    """Share of all that was measured that is kept series by series: neither dropped nor only part of a sum; ``None``
    when nobody counted it."""
    rules: int = Field(ge=0)
    """How many rules it has."""
    added: str
    """The rule that distinguishes it from the point before."""


class OptimizedConfig(Value):
    """A stock collector configuration that was searched, run and measured."""

    yaml: str
    """The configuration."""
    target: float
    """The saving that was asked for, a fraction."""
    saving: float
    """Saving in distinct series over the whole recording, measured by running the configuration, a fraction."""
    fit_saving: float
    """The same over the first half, which the rules were chosen on."""
    unseen_saving: float
    """The same over the second half, which they were not chosen on."""
    fidelity: float = Field(ge=0, le=1)
    """Per metric the share of its total over all processes that is still shown, averaged over the metrics; exact.

    What only a group of processes shows does not count."""
    unaltered: float | None = Field(default=None, ge=0, le=1)
    """Share of the points it sends that equal the source's, lifetime by lifetime and point by point, measured; ``None``
    when nothing could be compared. What is added up, or sent for a group of processes, is not equal."""
    window: WindowTotals
    """Both arms over the recording, exact."""
    coverage: CoverageReport
    """What became of the critical processes."""
    rules: tuple[OptimizedRule, ...]
    """What it does, in the order in which it was chosen."""
    pareto: tuple[ParetoPoint, ...]
    """Saving against fidelity, least saving first."""
    warnings: tuple[str, ...] = ()
    """What people should know, one sentence each."""
