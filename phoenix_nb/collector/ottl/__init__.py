"""The OpenTelemetry Transformation Language over columns."""

from __future__ import annotations

from phoenix_nb.collector.ottl._context import CONTEXTS, Context
from phoenix_nb.collector.ottl._conditions import Condition, Outcome
from phoenix_nb.collector.ottl._rows import Rows
from phoenix_nb.collector.ottl._text import OttlError, compile_condition, infer_context

__all__ = [
    "CONTEXTS",
    "Condition",
    "Context",
    "OttlError",
    "Outcome",
    "Rows",
    "compile_condition",
    "infer_context",
]
