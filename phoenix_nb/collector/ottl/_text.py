"""From text to bound conditions, with the collector's words for what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from phoenix_nb.collector.config import quote
from phoenix_nb.collector.ottl import _ast as ast
from phoenix_nb.collector.ottl._bind import Binder, BindError
from phoenix_nb.collector.ottl._conditions import Condition, bind_condition
from phoenix_nb.collector.ottl._context import CONTEXTS, ENUMS, Context
from phoenix_nb.collector.ottl._parse import OttlSyntaxError, parse_condition
from phoenix_nb.collector.ottl.functions import converters_of

__all__ = ["OttlError", "compile_condition", "infer_context"]

_SHOWN: Final = ("metric", "datapoint", "resource", "scope")


class OttlError(ValueError):
    """A text that the collector refuses; the message is the collector's."""


def compile_condition(
    text: str, context: Context, *, prefixed: bool = False, on_points: bool = False
) -> Condition:
    """A condition bound to a context.

    Args:
        text: the condition.
        context: where it is used.
        prefixed: whether every path must name its context.
        on_points: whether the metric context has the functions over a metric's points.

    Raises:
        OttlError: the text is not a condition of that context.
    """
    binder = Binder(context, converters_of(context.name, on_points=on_points), prefixed)
    try:
        return bind_condition(parse_condition(text), binder)
    except (OttlSyntaxError, BindError) as exc:
        raise OttlError(f"unable to parse OTTL condition {quote(text)}: {exc}") from exc


def infer_context(texts: Sequence[str]) -> Context:
    """The highest context that the paths of conditions name, and that has everything they use.

    Raises:
        OttlError: a text is no condition, or no context fits.
    """
    nodes = []
    for text in texts:
        try:
            nodes.append(parse_condition(text))
        except OttlSyntaxError as exc:
            raise OttlError(f"unable to parse OTTL condition {quote(text)}: {exc}") from exc
    found = [part for node in nodes for part in ast.walk(node)]
    named = {part.fields[0].name for part in found if isinstance(part, ast.Path)}
    calls = {part.name for part in found if isinstance(part, ast.Call)}
    enums = {part.name for part in found if isinstance(part, ast.Enum)}
    for context in sorted(CONTEXTS.values(), key=lambda one: one.priority):
        if (
            context.name in named
            and named <= {context.name, *context.lower}
            and calls <= converters_of(context.name).keys()
            and enums <= ENUMS.get(context.name, {}).keys()
        ):
            return context
    shown = " ".join(quote(name) for name in _SHOWN)
    listed = " ".join(quote(text) for text in texts)
    raise OttlError(
        f"unable to infer context from conditions, path's first segment must be a valid context name: [{shown}], and "
        f"at least one context must be capable of parsing all conditions: [{listed}]"
    )
