"""The OpenTelemetry Transformation Language over columns."""

from __future__ import annotations

from phoenix_nb.collector.ottl._bind import LATEST
from phoenix_nb.collector.ottl._conditions import Condition, Outcome
from phoenix_nb.collector.ottl._context import CONTEXTS, Context, Item
from phoenix_nb.collector.ottl._function import Function, FunctionTable
from phoenix_nb.collector.ottl._rows import Rows
from phoenix_nb.collector.ottl._statements import Failures, Statement
from phoenix_nb.collector.ottl._text import (
    Inference,
    OttlError,
    check_condition_syntax,
    check_statement_syntax,
    compile_condition,
    compile_statements,
    compile_value,
    infer_context,
    prefixed_text,
)
from phoenix_nb.collector.ottl._value import ValueExpression, Values
from phoenix_nb.collector.ottl.functions import converters_of, statement_functions

__all__ = [
    "CONTEXTS",
    "LATEST",
    "Condition",
    "Context",
    "Failures",
    "Function",
    "FunctionTable",
    "Inference",
    "Item",
    "OttlError",
    "Outcome",
    "Rows",
    "Statement",
    "ValueExpression",
    "Values",
    "check_condition_syntax",
    "check_statement_syntax",
    "compile_condition",
    "compile_statements",
    "compile_value",
    "converters_of",
    "infer_context",
    "prefixed_text",
    "statement_functions",
]
