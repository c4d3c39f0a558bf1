"""Every function, by where it may be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from phoenix_nb.collector.ottl._context import Item
from phoenix_nb.collector.ottl._function import Function, FunctionTable, param
from phoenix_nb.collector.ottl._runtime import Value
from phoenix_nb.collector.ottl.functions._community_id import COMMUNITY_ID
from phoenix_nb.collector.ottl.functions._csv import PARSE_CSV
from phoenix_nb.collector.ottl.functions._editors import EDITORS
from phoenix_nb.collector.ottl.functions._grok import EXTRACT_GROK
from phoenix_nb.collector.ottl.functions._hashes import HASHES
from phoenix_nb.collector.ottl.functions._metric import METRIC_FUNCTIONS
from phoenix_nb.collector.ottl.functions._parsing import PARSING
from phoenix_nb.collector.ottl.functions._replace import REPLACING
from phoenix_nb.collector.ottl.functions._severity import PARSE_SEVERITY
from phoenix_nb.collector.ottl.functions._text import TEXT_FUNCTIONS
from phoenix_nb.collector.ottl.functions._times import TIME_FUNCTIONS
from phoenix_nb.collector.ottl.functions._types import TYPE_FUNCTIONS
from phoenix_nb.collector.ottl.functions._url import PARSE_URL

__all__ = ["CONVERTERS", "converters_of", "statement_functions"]


def _refused(**_arguments: object) -> Callable[[Item], Value]:
    return lambda _item: None


_IMPURE: Final = (
    Function("UUID", (), _refused, impure="it depends on chance"),
    Function("UUIDv7", (), _refused, impure="it depends on the clock and on chance"),
)
_LAMBDA: Final = (
    "its lambda needs the feature gate ottl.functions.enableLambda, which is off in the collector"
)
_SOURCE: Final = param("source", "any")
_PREDICATE: Final = param("predicate", "lambda")
_MAPPER: Final = param("mapper", "lambda")
_LAMBDAS: Final = tuple(
    Function(name, params, _refused, impure=_LAMBDA)
    for name, params in {
        "All": (_SOURCE, _PREDICATE),
        "Any": (_SOURCE, _PREDICATE),
        "Filter": (_SOURCE, _PREDICATE),
        "Find": (_SOURCE, _PREDICATE),
        "MapEach": (_SOURCE, _MAPPER),
        "MapKeys": (param("source", "map"), param("key_mapper", "lambda")),
        "Reduce": (_SOURCE, param("seed", "any"), param("accumulator", "lambda")),
        "When": (param("condition", "lambda"), param("true_value", "any"), param("false_value", "any")),
    }.items()
)
_XML: Final = "reading XML and XPath as the collector does is not built in"
_IDS: Final = "identifiers of spans, traces and profiles have no place in metrics"
_ELSEWHERE: Final = tuple(
    Function(name, (), _refused, impure=why)
    for why, names in (
        (
            _XML,
            (
                "ConvertAttributesToElementsXML",
                "ConvertTextToElementsXML",
                "GetXML",
                "InsertXML",
                "ParseSimplifiedXML",
                "ParseXML",
                "RemoveXML",
            ),
        ),
        (_IDS, ("ProfileID", "SpanID", "TraceID")),
        ("it needs a database of browsers, which is not built in", ("UserAgent",)),
    )
    for name in names
)
_SINCE: Final = {
    "Base64Encode": (0, 147, 0),
    "CommunityID": (0, 131, 0),
    "IsInCIDR": (0, 146, 0),
    "ParseInt": (0, 125, 0),
    "ParseSeverity": (0, 125, 0),
    "ProfileID": (0, 130, 0),
    "XXH128": (0, 135, 0),
    "XXH3": (0, 135, 0),
    **dict.fromkeys(("All", "Any", "Filter", "Find", "MapEach", "MapKeys", "Reduce", "When"), (0, 157, 0)),
    "Index": (0, 126, 0),
    "Bool": (0, 143, 0),
    "Coalesce": (0, 150, 0),
    "ContainsValue": (0, 125, 0),
    "HasPrefix": (0, 125, 0),
    "HasSuffix": (0, 125, 0),
    "IsEmpty": (0, 125, 0),
    "Keys": (0, 125, 0),
    "TrimPrefix": (0, 125, 0),
    "TrimSuffix": (0, 125, 0),
    "UUIDv7": (0, 138, 0),
    "Values": (0, 125, 0),
}
"""First releases of converters that came after 0.124."""


def _table(*functions: Function) -> FunctionTable:
    return {
        function.name: replace(function, since=_SINCE.get(function.name, function.since))
        for function in functions
    }


CONVERTERS: Final[FunctionTable] = _table(
    *TEXT_FUNCTIONS,
    *TYPE_FUNCTIONS,
    *TIME_FUNCTIONS,
    *HASHES,
    *PARSING,
    COMMUNITY_ID,
    EXTRACT_GROK,
    PARSE_CSV,
    PARSE_SEVERITY,
    PARSE_URL,
    *_IMPURE,
    *_LAMBDAS,
    *_ELSEWHERE,
)
"""Converters that every context has."""
_ON_POINTS: Final[FunctionTable] = {**CONVERTERS, **_table(*METRIC_FUNCTIONS)}
_STATEMENTS: Final[FunctionTable] = {**CONVERTERS, **_table(*EDITORS, *REPLACING)}


def converters_of(context: str, *, on_points: bool = False) -> FunctionTable:
    """The converters of a context.

    Args:
        context: its name.
        on_points: whether the functions over a metric's points belong to it, as in the filter processor.
    """
    return _ON_POINTS if on_points and context == "metric" else CONVERTERS


def statement_functions(context: str, more: FunctionTable | None = None) -> FunctionTable:
    """The editors and converters that statements of a context may use.

    Args:
        context: its name.
        more: functions of the component, by name; they may name the contexts that have them.
    """
    if not more:
        return _STATEMENTS
    mine = {
        name: function
        for name, function in more.items()
        if function.contexts is None or context in function.contexts
    }
    return {**_STATEMENTS, **mine}
