"""What a hostmetrics receiver would have collected, of payloads that hold more: the pure first step of an arm."""

from __future__ import annotations

from phoenix_nb.collector.receiving._asked import (
    DEFAULT_PROCESS_METRICS,
    PROCESS_ATTRIBUTES,
    ReceiverAsks,
    receiver_asks,
    receivers_only,
    text_asks,
)
from phoenix_nb.collector.receiving._engine import (
    EngineFactory,
    ReceivingEngine,
    SavableReceivingEngine,
    behind,
    receiving,
)
from phoenix_nb.collector.receiving._group import ReceiverGroup
from phoenix_nb.collector.receiving._holdings import SourceHoldings
from phoenix_nb.collector.receiving._narrowing import Narrower, Narrowing
from phoenix_nb.collector.receiving._thinning import Thinner

__all__ = [
    "DEFAULT_PROCESS_METRICS",
    "PROCESS_ATTRIBUTES",
    "EngineFactory",
    "Narrower",
    "Narrowing",
    "ReceiverAsks",
    "ReceiverGroup",
    "ReceivingEngine",
    "SavableReceivingEngine",
    "SourceHoldings",
    "Thinner",
    "behind",
    "receiver_asks",
    "receivers_only",
    "receiving",
    "text_asks",
]
