"""The error tree.

Every error says what happened (``message``), names its kind for programs (``code``), carries what it is about
(``details``) and tells the reader what to do next (``hint``).

    PhoenixError
    ├── InvalidRequestError (ValueError)         INVALID_REQUEST       a request that cannot be taken
    │   ├── PayloadDecodeError                   PAYLOAD_DECODE        bytes or text that are not OTLP metrics
    │   ├── ConfigError                          CONFIG_INVALID        a collector configuration that is refused
    │   │   └── UnsupportedComponentError        COMPONENT_UNSUPPORTED a component this engine does not run
    │   ├── PlanError                            PLAN_INVALID          a plan that contradicts itself
    │   └── SettingsError                        SETTINGS_INVALID      settings or price files that cannot be used
    ├── NotFoundError (LookupError)              NOT_FOUND             an id or a name that nothing answers to
    ├── ConflictError                            CONFLICT              something else has the name, or changed it first
    │   └── TransitionError                      ILLEGAL_TRANSITION    a move that the present state does not allow
    ├── UnavailableError (ConnectionError)       UNAVAILABLE           a part that is needed does not answer
    │   ├── StoreBusyError                       STORE_BUSY            another process owns the store file
    │   └── ClosedError                          CLOSED                the object was closed before the call
    ├── SourceError (OSError)                    SOURCE_FAILED         a source that cannot give payloads
    ├── StorageError (OSError)                   STORAGE_FAILED        the disk or the file refused
    ├── CallCancelledError                       CANCELLED             the caller's context was cancelled
    ├── DeadlineExceededError (TimeoutError)     DEADLINE_EXCEEDED     the deadline passed; the effect may still
    │                                                                  have happened: retry with an idempotency key
    ├── OverflowDroppedError                     OVERFLOW              a lossless reader fell too far behind
    ├── ReportError                              REPORT_FAILED         a report notebook failed
    ├── RunFailedError                           RUN_FAILED            a run ended because something broke
    └── InternalError (RuntimeError)             INTERNAL              a defect of ours
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

__all__ = [
    "CallCancelledError",
    "ClosedError",
    "ConfigError",
    "ConflictError",
    "DeadlineExceededError",
    "InternalError",
    "InvalidRequestError",
    "JsonValue",
    "NotFoundError",
    "OverflowDroppedError",
    "PayloadDecodeError",
    "PhoenixError",
    "PlanError",
    "ReportError",
    "RunFailedError",
    "SettingsError",
    "SourceError",
    "StorageError",
    "StoreBusyError",
    "TransitionError",
    "UnavailableError",
    "UnsupportedComponentError",
    "error_from_parts",
]

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
"""What an error may carry in ``details``: it must cross HTTP unchanged."""


class PhoenixError(Exception):
    """The root of every error that Phoenix raises on purpose.

    Args:
        message: what happened, in one sentence, naming the object concerned.
        hint: what the reader can do about it; empty when there is nothing to say.
        details: the facts as JSON values, for programs.
    """

    code: ClassVar[str] = "PHOENIX"

    def __init__(
        self, message: str, *, hint: str = "", details: Mapping[str, JsonValue] | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details: dict[str, JsonValue] = dict(details or {})

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.hint, self.details))


def _rebuild(
    kind: type[PhoenixError], message: str, hint: str, details: dict[str, JsonValue]
) -> PhoenixError:
    return kind(message, hint=hint, details=details)


class InvalidRequestError(PhoenixError, ValueError):
    """A request that cannot be taken as it stands."""

    code = "INVALID_REQUEST"


class PayloadDecodeError(InvalidRequestError):
    """Bytes or text that are not an OTLP metrics payload."""

    code = "PAYLOAD_DECODE"


class ConfigError(InvalidRequestError):
    """A collector configuration that is refused; ``details["problems"]`` lists every finding."""

    code = "CONFIG_INVALID"


class UnsupportedComponentError(ConfigError):
    """A component, or a setting of one, that this engine cannot run exactly."""

    code = "COMPONENT_UNSUPPORTED"


class PlanError(InvalidRequestError):
    """A plan that contradicts itself or that cannot be read."""

    code = "PLAN_INVALID"


class SettingsError(InvalidRequestError):
    """Settings or a price file that cannot be used."""

    code = "SETTINGS_INVALID"


class NotFoundError(PhoenixError, LookupError):
    """An id or a name that nothing answers to."""

    code = "NOT_FOUND"


class ConflictError(PhoenixError):
    """Something else has the name, or changed the object first."""

    code = "CONFLICT"


class TransitionError(ConflictError):
    """A move that the present state does not allow; ``details`` holds action, state and allowed actions."""

    code = "ILLEGAL_TRANSITION"


class UnavailableError(PhoenixError, ConnectionError):
    """A part that is needed does not answer."""

    code = "UNAVAILABLE"


class StoreBusyError(UnavailableError):
    """Another process owns the store file; ``details["pid"]`` names it."""

    code = "STORE_BUSY"


class ClosedError(UnavailableError):
    """The object was closed before the call."""

    code = "CLOSED"


class SourceError(PhoenixError, OSError):
    """A source that cannot give payloads."""

    code = "SOURCE_FAILED"


class StorageError(PhoenixError, OSError):
    """The disk or a file refused a read or a write."""

    code = "STORAGE_FAILED"


class CallCancelledError(PhoenixError):
    """The caller's context was cancelled; the state is consistent."""

    code = "CANCELLED"


class DeadlineExceededError(PhoenixError, TimeoutError):
    """The caller's deadline passed. It does not mean that nothing was done."""

    code = "DEADLINE_EXCEEDED"


class OverflowDroppedError(PhoenixError):
    """A lossless reader fell too far behind and was ended instead of losing events silently."""

    code = "OVERFLOW"


class ReportError(PhoenixError):
    """A report notebook failed; the failed notebook is kept and named in ``details``."""

    code = "REPORT_FAILED"


class RunFailedError(PhoenixError):
    """A run that ended in the state ``failed``.

    The message is its reason; ``details["cause"]`` is the code of the error that ended it, and ``details`` hold what
    that error carried, for example ``path`` and ``line``.
    """

    code = "RUN_FAILED"


class InternalError(PhoenixError, RuntimeError):
    """A defect of ours, wrapped so that callers see one error family."""

    code = "INTERNAL"


def _tree(root: type[PhoenixError]) -> dict[str, type[PhoenixError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(_tree(child))
    return found


def error_from_parts(
    code: str, message: str, *, hint: str = "", details: Mapping[str, JsonValue] | None = None
) -> PhoenixError:
    """Rebuild an error from what crossed a process border.

    An unknown code gives a plain :class:`PhoenixError`, so that a newer peer never breaks an older one.
    """
    kind = _tree(PhoenixError).get(code, PhoenixError)
    return kind(message, hint=hint, details=details)
