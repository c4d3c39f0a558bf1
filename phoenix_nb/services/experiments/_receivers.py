"""The receivers of a run's arms: what each arm gets of the source's payloads, and what people are told about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phoenix_nb.collector.receiving import EngineFactory, ReceiverGroup, SourceHoldings, behind
from phoenix_nb.interfaces import (
    Arm,
    Condition,
    ConditionRole,
    ExperimentResults,
    Verdict,
    VerdictState,
)
from phoenix_nb.otlp import Dictionaries, Frames

__all__ = ["RunReceivers"]


class RunReceivers:
    """Puts each arm behind its receiver, and compares what receivers ask for with what the source has.

    Args:
        group: what both arms' receivers ask for.
        dictionaries: of the run.
        period_seconds: scrape period of the source, seconds; ``None`` when it is not known: no scrape is left out.
    """

    def __init__(
        self, group: ReceiverGroup, dictionaries: Dictionaries, period_seconds: float | None
    ) -> None:
        self._group = group
        self._period = period_seconds
        self._holdings = SourceHoldings(dictionaries)
        self.span = 1 if self._period is None else group.span
        """Scrapes of the source in one interval of analysis."""

    def behind(self, arm: Arm, make: EngineFactory) -> EngineFactory:
        """The arm's engine behind its receiver."""
        return behind(self._group.narrowing(arm), make, self._period)

    def probed(self, arm: Arm, make: EngineFactory | None) -> EngineFactory | None:
        """The same for dry runs, in which every payload is one that the receiver scrapes."""
        return None if make is None else behind(self._group.narrowing(arm), make, None)

    def observe(self, raw: Frames) -> None:
        """Look at payloads of the source."""
        self._holdings.add(raw)

    def told(self, results: ExperimentResults, denied: Mapping[str, int]) -> ExperimentResults:
        """Results that also say what receivers left out, and what they ask for in vain.

        A candidate that asks for more than the baseline, and for more than the source has, is not promoted: what it
        would send in addition was not measured.

        Args:
            results: of the run.
            denied: reads that the host refused in the last scrape, per kind.
        """
        warnings = (
            *self._group.warnings(self._holdings),
            *self._group.refused_reads(denied),
            *results.warnings,
        )
        told: dict[str, object] = {"applied": self._group.applied(), "warnings": warnings}
        lacking = self._group.overstated(self._holdings, Arm.BASELINE, Arm.CANDIDATE)
        if lacking:
            told["verdict"] = _without_promotion(results.verdict, lacking)
        return results.model_copy(update=told)


def _without_promotion(verdict: Verdict, lacking: Sequence[str]) -> Verdict:
    """The verdict of a run whose saving leaves out what only the candidate would send as well."""
    reason = (
        f"The candidate also asks for {', '.join(lacking)}, which the source does not have and the baseline does not"
        " ask for: its true volume is larger than what was measured."
    )
    row = Condition(id="source:metrics", role=ConditionRole.GATE, text=reason, met=False, blocks=True)
    changes: dict[str, object] = {
        "conditions": (*verdict.conditions, row),
        "projection": None,
        "projection_reason": reason,
    }
    if verdict.state is VerdictState.PROMOTE:
        changes |= {
            "state": VerdictState.INCONCLUSIVE,
            "decided_by": row.id,
            "reason": reason,
            "decided_at": None,
        }
    return verdict.model_copy(update=changes)
