"""Feature gates that change what components do to metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from phoenix_nb.collector.components._base import Setup

__all__ = ["FILTER_IGNORES", "ROUTING_IGNORES", "TRANSFORM_IGNORES", "default_error_mode", "gate_problems"]

Version = tuple[int, int, int]
FILTER_IGNORES: Final = "processor.filter.defaultErrorModeIgnore"
"""Whether the filter processor ignores errors unless it is told otherwise."""
TRANSFORM_IGNORES: Final = "processor.transform.defaultErrorModeIgnore"
"""Whether the transform processor does."""
ROUTING_IGNORES: Final = "connector.routing.defaultErrorModeIgnore"
"""Whether the routing connector does."""
_IGNORES: Final = frozenset({FILTER_IGNORES, TRANSFORM_IGNORES, ROUTING_IGNORES})
_ON_SINCE: Final = (0, 153, 0)
_LOCKED_SINCE: Final = (0, 159, 0)
_NOT_BUILT_IN: Final = frozenset(
    {
        "filter.filtermetric.useOTTLBridge",
        "ottl.functions.enableLambda",
        "ottl.set.allowNil",
        "scraper.process.DontEmitV0SystemConventions",
        "scraper.process.EmitV1SystemConventions",
    }
)
"""Gates that are off unless they are switched on, and then change metrics in ways that this engine does not know."""


def default_error_mode(setup: Setup, gate: str) -> str:
    """What a failing condition or statement does where the settings do not say it.

    Args:
        setup: with the release and the gates that were switched.
        gate: the gate that the component asks.
    """
    return "ignore" if setup.gates.get(gate, setup.version >= _ON_SINCE) else "propagate"


def gate_problems(gates: Mapping[str, bool], version: Version) -> Iterator[str]:
    """Why gates cannot be switched as wished; gates that do not concern metrics are left alone."""
    for name, on in sorted(gates.items()):
        if name in _IGNORES and not on and version >= _LOCKED_SINCE:
            yield f'feature gate "{name}" is stable, can not be disabled'
        elif name in _NOT_BUILT_IN and on:
            yield (
                f'the feature gate "{name}" is not supported by the embedded engine: '
                "it changes what becomes of metrics"
            )
