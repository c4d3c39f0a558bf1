"""Between unix nanoseconds, as OTLP counts, and points in time with a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from phoenix_nb.errors import InvalidRequestError

__all__ = ["from_unix_nano", "to_unix_nano", "to_utc"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def from_unix_nano(nanoseconds: int) -> datetime:
    """The point in time, in UTC, cut to whole microseconds.

    Raises:
        InvalidRequestError: it lies outside the years that a date can have.

    Example:
        >>> from_unix_nano(1_500_000_000).isoformat()
        '1970-01-01T00:00:01.500000+00:00'
    """
    try:
        return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError as error:
        raise InvalidRequestError(
            f"{nanoseconds} ns is no date", hint="unix time in nanoseconds is expected"
        ) from error


def to_unix_nano(moment: datetime) -> int:
    """Nanoseconds since 1970-01-01 UTC, exact.

    Raises:
        InvalidRequestError: it has no zone.

    Example:
        >>> to_unix_nano(from_unix_nano(1_500_000_000))
        1500000000
    """
    delta = to_utc(moment) - _EPOCH
    return ((delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds) * 1000


def to_utc(moment: datetime) -> datetime:
    """The same point in time in UTC.

    Raises:
        InvalidRequestError: it has no zone, so nobody knows which point it is.
    """
    if moment.tzinfo is None:
        raise InvalidRequestError(
            f"{moment.isoformat()} has no time zone", hint="write for example 2026-01-31T12:00:00+00:00"
        )
    return moment.astimezone(UTC)
