"""Configurations as they are tried: each behind the receiver that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phoenix_nb.analysis._bins import infer_period
from phoenix_nb.collector.receiving import Narrower, ReceiverAsks, ReceiverGroup, receiving
from phoenix_nb.interfaces.evidence import Arm
from phoenix_nb.otlp import Dictionaries, Frames, reference_times
from phoenix_nb.otlp.contracts import PipelineEngine

__all__ = ["Arms", "Trials"]

EngineFactory = Callable[[Dictionaries], PipelineEngine]

_LEARN = 11
"""Payloads from which the scrape period is learned."""
_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Arms:
    """Base and candidate, ready to run over the same payloads."""

    base: EngineFactory
    """Compiles the base."""
    candidate: EngineFactory
    """Compiles the candidate."""
    probe: EngineFactory
    """Compiles the candidate for payloads that its receiver scrapes, every one of them."""
    period_seconds: float
    """Scrape period of the recording."""
    interval_seconds: float
    """Shortest interval in which both arms have whole scrapes."""


class Trials:
    """Makes arms of configurations.

    Args:
        make_engine: compiles collector YAML.
        asks: what the hostmetrics receiver of collector YAML asks for.
        frames: the recording.
    """

    def __init__(
        self,
        make_engine: Callable[[str], EngineFactory],
        asks: Callable[[str], ReceiverAsks | None],
        frames: Sequence[Frames],
    ) -> None:
        self._make_engine = make_engine
        self.asks = asks
        """What the hostmetrics receiver of collector YAML asks for."""
        references: list[int] = []
        for one in frames:
            references += reference_times(one).tolist()
            if len(references) >= _LEARN:
                break
        self._period = infer_period(references[:_LEARN])

    def arms(self, base: str, candidate: str) -> Arms:
        """Both configurations; a longer collection interval of one leaves out scrapes in proportion."""
        group = ReceiverGroup({Arm.BASELINE: self.asks(base), Arm.CANDIDATE: self.asks(candidate)})
        period = round(self._period * _NANO)
        return Arms(
            base=self._behind(group, Arm.BASELINE, base, period),
            candidate=self._behind(group, Arm.CANDIDATE, candidate, period),
            probe=self._behind(group, Arm.CANDIDATE, candidate, None),
            period_seconds=self._period,
            interval_seconds=self._period * group.span,
        )

    def _behind(self, group: ReceiverGroup, arm: Arm, text: str, period: int | None) -> EngineFactory:
        make, narrowing = self._make_engine(text), group.narrowing(arm)
        if narrowing.keeps_all:
            return make
        return lambda known: receiving(make(known), Narrower(narrowing, known, period=period))
