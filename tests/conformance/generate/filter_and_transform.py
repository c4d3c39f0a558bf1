"""Strategies for the filter and transform processors."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from phoenix_nb.collector.components._transform_functions import TRANSFORM_FUNCTIONS
from phoenix_nb.collector.ottl import statement_functions
from tests.conformance.generate.ottl import (
    CONDITION_FUNCTIONS,
    CONTEXTS,
    RANDOM_ORDER,
    STATEMENT_FUNCTIONS,
    conditions_with,
    contexts_of,
    statements_with,
)
from tests.conformance.generate.registry import Component, Step, register

_ON_POINTS = ("HasAttrKeyOnDatapoint", "HasAttrOnDatapoint")


@st.composite
def _filter(draw: st.DrawFn, focus: str) -> Step:
    settings: dict[str, Any] = {}
    mode = draw(st.sampled_from(("", "", "ignore", "silent", "propagate")))
    if mode:
        settings["error_mode"] = mode
    if focus in _ON_POINTS:
        call = (
            'HasAttrKeyOnDatapoint("state")'
            if focus == _ON_POINTS[0]
            else 'HasAttrOnDatapoint("state", "user")'
        )
        settings["metrics"] = {"metric": [call]}
        return Step("filter", settings, (focus,))
    context = draw(st.sampled_from(CONTEXTS))
    style = draw(st.sampled_from(("list", "group", "old")))
    texts = draw(conditions_with(context, focus))
    if style == "list" and all(f"{context}." in text for text in texts):
        settings["metric_conditions"] = texts
    elif style == "old" and context != "scope":
        settings["metrics"] = {context: texts}
    else:
        settings["metric_conditions"] = [{"context": context, "conditions": texts}]
    return Step("filter", settings, (focus,) if focus else ())


@st.composite
def _transform(draw: st.DrawFn, focus: str) -> Step:
    settings: dict[str, Any] = {}
    mode = draw(st.sampled_from(("", "", "ignore", "silent", "propagate")))
    if mode:
        settings["error_mode"] = mode
    context = draw(st.sampled_from(contexts_of(focus)))
    statements = draw(statements_with(context, focus))
    group: dict[str, Any] = {"context": context, "statements": statements}
    if draw(st.integers(0, 3)) == 0:
        group["conditions"] = draw(conditions_with(context))
    settings["metric_statements"] = [group]
    used = (focus,) if focus else ()
    return Step("transform", settings, used, any_order=focus in RANDOM_ORDER)


FUNCTIONS = frozenset(
    name
    for context in ("metric", "datapoint")
    for name, function in statement_functions(context, TRANSFORM_FUNCTIONS).items()
    if not function.impure
)
"""Every function that the engine runs in statements."""
assert {*CONDITION_FUNCTIONS, *STATEMENT_FUNCTIONS} >= FUNCTIONS

# Converters mean the same in both processors: each is drawn in one of them.
_NAMES = sorted(CONDITION_FUNCTIONS)
register(Component("filter", _filter, (*_NAMES[::2], *_ON_POINTS)))
register(Component("transform", _transform, (*_NAMES[1::2], *sorted(STATEMENT_FUNCTIONS)), RANDOM_ORDER))
