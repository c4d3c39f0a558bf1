"""The base of every value that crosses a boundary."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["Pairs", "Timestamp", "Value"]


class Value(BaseModel):
    """A frozen, closed value: unknown fields are refused and nothing can be changed after construction."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        ser_json_inf_nan="strings",
    )


def _needs_zone(value: datetime) -> datetime:
    if value.tzinfo is None:
        message = "a timezone is required, for example 2026-01-31T12:00:00+00:00"
        raise ValueError(message)
    return value


Timestamp = Annotated[datetime, AfterValidator(_needs_zone)]
"""A point in time with its zone; naive times are refused."""


class _FrozenPairs(dict[str, str]):
    """A dict that refuses changes, so that a frozen value with pairs in it is frozen and can be a key."""

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        message = "these pairs belong to a frozen value; make a new value instead"
        raise TypeError(message)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return (_FrozenPairs, (dict(self),))


def _freeze(pairs: Mapping[str, str]) -> Mapping[str, str]:
    # Sorted, so that equal values have equal JSON.
    return _FrozenPairs(sorted(pairs.items()))


Pairs = Annotated[Mapping[str, str], AfterValidator(_freeze)]
"""Text pairs that nothing can change; equal pairs give equal JSON."""
