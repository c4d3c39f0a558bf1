"""The base of every value that crosses a boundary."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

__all__ = ["Timestamp", "Value"]


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
