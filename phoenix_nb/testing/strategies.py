"""Hypothesis strategies for any value of the contracts, made from its fields.

>>> from phoenix_nb.interfaces import Experiment
>>> experiments = values(Experiment)
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import annotated_types as at
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError
from pydantic.fields import FieldInfo

from phoenix_nb.interfaces import Value

__all__ = ["examples", "values"]

V = TypeVar("V", bound=Value)
_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
_BIG = 2**53
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-_BIG, _BIG)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=4,
)
_ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])


def values(model: type[V]) -> st.SearchStrategy[V]:
    """Any legal value of a model: limits, patterns and choices of its fields are honoured.

    Rules between fields are found out by trying; a model whose rules hardly ever hold by chance needs a strategy of its
    own.
    """
    return st.deferred(lambda: _model(model))


def _model(model: type[V]) -> st.SearchStrategy[V]:
    fields = {
        name: _strategy(field.annotation, tuple(field.metadata)) for name, field in model.model_fields.items()
    }

    @st.composite
    def build(draw: st.DrawFn) -> V:
        given = {
            name: draw(strategy) for name, strategy in fields.items() if name != "type" or not _named(model)
        }
        try:
            return model(**given)
        except ValidationError:
            assume(False)
            raise

    return build()


def _named(model: type[Value]) -> bool:
    # An event takes its type from its data.
    return model.__name__ == "Event"


class _Limits:
    """What the metadata of one field asks for."""

    def __init__(self, metadata: tuple[Any, ...]) -> None:
        self.low: Any = None
        self.high: Any = None
        self.open_low = self.open_high = False
        self.shortest = 0
        self.longest: int | None = None
        self.pattern: str | None = None
        self.finite = False
        for item in metadata:
            self._take(item)

    def _take(self, item: Any) -> None:
        if isinstance(item, FieldInfo):
            for inner in item.metadata:
                self._take(inner)
        elif isinstance(item, at.Ge):
            self.low = item.ge
        elif isinstance(item, at.Gt):
            self.low, self.open_low = item.gt, True
        elif isinstance(item, at.Le):
            self.high = item.le
        elif isinstance(item, at.Lt):
            self.high, self.open_high = item.lt, True
        elif isinstance(item, at.MinLen):
            self.shortest = item.min_length
        elif isinstance(item, at.MaxLen):
            self.longest = item.max_length
        else:
            self.pattern = getattr(item, "pattern", None) or self.pattern
            self.finite = self.finite or getattr(item, "allow_inf_nan", None) is False


def _strategy(annotation: Any, metadata: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is JsonValue:
        return _JSON
    if origin is Annotated:
        return _strategy(args[0], (*args[1:], *metadata))
    if origin in {Union, types.UnionType}:
        return st.one_of(*(_strategy(arg, metadata) for arg in args))
    if origin is Literal:
        return st.sampled_from(args)
    limits = _Limits(metadata)
    if origin is tuple:
        # Tuples of anything length carry their limits; elements carry their own.
        return st.lists(
            _strategy(args[0], ()),
            min_size=limits.shortest,
            max_size=limits.longest or max(3, limits.shortest),
        ).map(tuple)
    if origin is Mapping:
        return st.dictionaries(_strategy(args[0], ()), _strategy(args[1], ()), max_size=3)
    return _scalar(annotation, limits)


def _scalar(kind: type[Any], limits: _Limits) -> st.SearchStrategy[Any]:
    if kind is type(None):
        return st.none()
    if issubclass(kind, Value):
        return values(kind)
    if issubclass(kind, Enum):
        return st.sampled_from(kind)
    if kind is bool:
        return st.booleans()
    if kind is int:
        low = -_BIG if limits.low is None else limits.low + (1 if limits.open_low else 0)
        return st.integers(low, _BIG if limits.high is None else limits.high - (1 if limits.open_high else 0))
    if kind is float:
        return st.floats(
            min_value=limits.low,
            max_value=limits.high,
            exclude_min=limits.open_low,
            exclude_max=limits.open_high,
            # NaN equals nothing, itself included, so it cannot take part in comparisons.
            allow_nan=False,
            allow_infinity=False if limits.finite or limits.high is not None else None,
        )
    if kind is str:
        if limits.pattern is not None:
            return st.from_regex(limits.pattern, fullmatch=True)
        return st.text(
            st.characters(exclude_categories=("Cs", "Cc")),
            min_size=limits.shortest,
            max_size=limits.longest or max(20, limits.shortest),
        )
    if issubclass(kind, datetime):
        return st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=_ZONES)  # noqa: DTZ001
    if issubclass(kind, date):
        return st.dates(date(1990, 1, 1), date(2100, 1, 1))
    if issubclass(kind, Path):
        return st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=1, max_size=3).map(
            lambda parts: Path("/", *parts)
        )
    return st.from_type(kind)


def examples(model: type[V], count: int) -> list[V]:
    """``count`` different legal values, the same ones in every run."""
    found: dict[str, V] = {}

    @settings(
        max_examples=2 * count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(values(model))
    def collect(value: V) -> None:
        if len(found) < count:
            found.setdefault(value.model_dump_json(), value)

    collect()
    return list(found.values())
