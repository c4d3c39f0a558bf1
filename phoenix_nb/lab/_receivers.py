"""Recorded payloads as the hostmetrics receivers of configurations would have collected them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from phoenix_nb.collector.receiving import (
    EngineFactory,
    Narrower,
    ReceiverGroup,
    SourceHoldings,
    behind,
    text_asks,
)
from phoenix_nb.interfaces import EngineKind
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.runtime import load_settings

__all__ = ["Receivers"]


class Receivers:
    """The receivers of one or two configurations over the payloads of one recording.

    Args:
        texts: collector YAML by name, such as ``baseline``; ``None`` where everything is taken. A single configuration
            may have an empty name.
        engine: what runs them; the real collector also runs what only it understands.
        collector_version: release whose rules apply; the setting's when ``None``.

    Raises:
        ConfigError: a configuration is refused, or its receiver asks for something that cannot be honoured.
    """

    def __init__(
        self,
        texts: Mapping[str, str | None],
        *,
        engine: EngineKind = EngineKind.EMBEDDED,
        collector_version: str | None = None,
    ) -> None:
        version = collector_version or load_settings(Path.cwd()).collector_version
        environment, foreign = dict(os.environ), engine is EngineKind.OTELCOL
        self.group = ReceiverGroup(
            {
                name: None
                if text is None
                else text_asks(text, environment, collector_version=version, any_components=foreign)
                for name, text in texts.items()
            }
        )
        """What they ask for."""
        self._holdings: SourceHoldings | None = None

    @property
    def applied(self) -> tuple[str, ...]:
        """What they leave out, one sentence each."""
        return self.group.applied()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What they ask for and the payloads that were :meth:`seen` do not hold."""
        return () if self._holdings is None else self.group.warnings(self._holdings)

    def seen(self, payloads: Iterable[Frames]) -> Iterator[Frames]:
        """The same payloads, looked at on their way."""
        for frames in payloads:
            if self._holdings is None:
                self._holdings = SourceHoldings(frames.dictionaries)
            self._holdings.add(frames)
            yield frames

    def narrower(
        self, name: str, dictionaries: Dictionaries, period_seconds: float | None = None
    ) -> Narrower:
        """What gives the payloads of the configuration of this name."""
        return Narrower(self.group.narrowing(name), dictionaries, period_seconds=period_seconds)

    def behind(self, name: str, make: EngineFactory, period_seconds: float | None) -> EngineFactory:
        """The engine of this name behind its receiver."""
        return behind(self.group.narrowing(name), make, period_seconds)

    def interval_seconds(self, period_seconds: float | None) -> float:
        """The shortest interval of analysis, seconds; 0 where the source's own period will do."""
        return 0.0 if period_seconds is None or self.group.span == 1 else period_seconds * self.group.span
