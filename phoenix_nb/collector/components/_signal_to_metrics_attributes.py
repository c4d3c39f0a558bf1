"""Which attributes series and resources of signaltometrics get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from phoenix_nb.collector._values import attribute_from_node
from phoenix_nb.collector.components._signal_to_metrics_settings import AttributeSettings, compile_expression
from phoenix_nb.collector.ottl import EvaluationError, Rows, ValueExpression
from phoenix_nb.otlp import Attributes, AttributeValue

__all__ = ["Chosen", "Keys", "KeysError"]

_NO_KEYS: Final = "keys_expression must return a list of strings:"
Keys = tuple[tuple[str, ...], ...]
"""What each expression of keys gave, in order."""


class KeysError(Exception):
    """An expression of keys that gave none; the payload is refused."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key, or an expression that gives keys."""

    key: str
    expression: ValueExpression | None
    default: AttributeValue
    has_default: bool
    optional: bool


class Chosen:
    """Attributes that stay, in the order of their keys."""

    def __init__(self, settings: Sequence[AttributeSettings], version: tuple[int, int, int]) -> None:
        self._entries = [
            _Entry(
                one.key,
                compile_expression(one.keys_expression, version) if one.keys_expression else None,
                attribute_from_node(one.default_value),
                one.default_value is not None,
                one.optional,
            )
            for one in settings
        ]
        self.expressions = [one.expression for one in self._entries if one.expression is not None]
        # The collector takes lists that telemetry holds or converters make, and no list that is written out.
        self._written = any(one.keys_expression.lstrip().startswith("[") for one in settings)
        self._resolved: dict[Keys, list[tuple[str, _Entry]]] = {}

    def matches(self, attributes: Attributes) -> bool:
        """Whether every key that is needed is there."""
        return all(
            one.key in attributes or one.expression is not None or one.has_default or one.optional
            for one in self._entries
        )

    def pick(self, attributes: Attributes, keys: Keys = ()) -> Attributes:
        """What stays."""
        made = []
        for key, entry in self._wanted(keys):
            if key in attributes:
                made.append((key, attributes[key]))
            elif entry.has_default:
                made.append((key, entry.default))
        return Attributes(made)

    def _wanted(self, keys: Keys) -> list[tuple[str, _Entry]]:
        found = self._resolved.get(keys)
        if found is None:
            given = iter(keys)
            # What is named last counts.
            every = {
                key: entry
                for entry in self._entries
                for key in ((entry.key,) if entry.expression is None else next(given))
            }
            found = self._resolved[keys] = sorted(every.items(), key=lambda pair: pair[0])
        return found

    def keys_at(self, rows: Rows, row: int) -> Keys:
        """What the expressions give for a row.

        Raises:
            KeysError: one gives no keys.
        """
        if self._written:
            raise KeysError(
                f"{_NO_KEYS} unsupported type []interface {{}}, expected pcommon.Slice or []string"
            )
        made = []
        for expression in self.expressions:
            try:
                made.append(_keys(expression.get(rows.item(row, expression.axes))))
            except EvaluationError as exc:
                raise KeysError(f"failed to evaluate keys_expression: {exc}") from exc
        return tuple(made)


def _keys(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, tuple):
        raise KeysError(f"{_NO_KEYS} unsupported type, expected pcommon.Slice or []string")
    for at, key in enumerate(value):
        if not isinstance(key, str):
            raise KeysError(f"{_NO_KEYS} expected string element at index {at}")
    return value
