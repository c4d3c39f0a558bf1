"""The OpenTelemetry Transformation Language over columns."""

from __future__ import annotations

from phoenix_nb.collector.ottl._bind import LATEST
from phoenix_nb.collector.ottl._by_series import any_by_series
from phoenix_nb.collector.ottl._conditions import Condition, Outcome
from phoenix_nb.collector.ottl._context import CONTEXTS, ROW_AXES, Axis, Context, Item, Point
from phoenix_nb.collector.ottl._function import Function, FunctionTable, Param, param
from phoenix_nb.collector.ottl._getters import Getter
from phoenix_nb.collector.ottl._rows import Rows
from phoenix_nb.collector.ottl._runtime import OttlError as EvaluationError
from phoenix_nb.collector.ottl._statements import COLUMN_OF, LEVEL_OF, Failures, Statement, intern_axis
from phoenix_nb.collector.ottl._text import (
    Inference,
    OttlError,
    OttlLimitError,
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
    "COLUMN_OF",
    "CONTEXTS",
    "LATEST",
    "LEVEL_OF",
    "ROW_AXES",
    "Axis",
    "Condition",
    "Context",
    "EvaluationError",
    "Failures",
    "Function",
    "FunctionTable",
    "Getter",
    "Inference",
    "Item",
    "OttlError",
    "OttlLimitError",
    "Outcome",
    "Param",
    "Point",
    "Rows",
    "Statement",
    "ValueExpression",
    "Values",
    "any_by_series",
    "check_condition_syntax",
    "check_statement_syntax",
    "compile_condition",
    "compile_statements",
    "compile_value",
    "converters_of",
    "infer_context",
    "intern_axis",
    "param",
    "prefixed_text",
    "statement_functions",
]
