"""Configurations as they are tried: each behind the receiver that it asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from phoenix_nb.analysis._bins import infer_period
from phoenix_nb.collector.receiving import EngineFactory, ReceiverAsks, ReceiverGroup, behind
from phoenix_nb.interfaces.evidence import Arm
from phoenix_nb.otlp import Frames, reference_times

__all__ = ["Arms", "Trials"]

_LEARN = 11
"""Payloads from which the scrape period is learned."""


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
        judged, made = group.narrowing(Arm.CANDIDATE), self._make_engine(candidate)
        return Arms(
            base=behind(group.narrowing(Arm.BASELINE), self._make_engine(base), self._period),
            candidate=behind(judged, made, self._period),
            probe=behind(judged, made, None),
            period_seconds=self._period,
            interval_seconds=self._period * group.span,
        )
