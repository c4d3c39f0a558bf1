"""Structured log lines on standard error."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

from phoenix_nb.interfaces import Context

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

__all__ = ["configure_logging", "get_logger"]

_ROOT = "phoenix_nb"
_HANDLER = "phoenix_nb"


def configure_logging(level: str = "warning", *, json: bool = False, stream: TextIO | None = None) -> None:
    """Write the log lines of Phoenix; other libraries' loggers are left alone. May be called again.

    A library that is only imported configures nothing: lines then go wherever the application's own set-up sends them.

    Args:
        level: least important lines that are written.
        json: one JSON object per line instead of text for people.
        stream: where they go; standard error when ``None``.
    """
    import structlog

    before: list[Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if json:
        # Without local variables: they can hold secrets.
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        last += [
            structlog.processors.ExceptionRenderer(tracebacks),
            structlog.processors.JSONRenderer(sort_keys=True),
        ]
    else:
        last.append(structlog.dev.ConsoleRenderer(colors=False))
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.set_name(_HANDLER)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=last))
    logger = logging.getLogger(_ROOT)
    logger.handlers = [kept for kept in logger.handlers if kept.get_name() != _HANDLER]
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False


def get_logger(name: str, ctx: Context | None = None) -> FilteringBoundLogger:
    """A structured logger; with a context its lines carry the request id and who is calling.

    Args:
        name: the part that speaks, for example ``experiments``; ``phoenix_nb.`` is put before it.
        ctx: whose call it is.
    """
    import structlog

    full = name if name.partition(".")[0] == _ROOT else f"{_ROOT}.{name}"
    # Wrapped here instead of configured globally: an application's own structlog set-up stays as it is, and lines are
    # ordinary logging records that any handler can write.
    logger: FilteringBoundLogger = structlog.wrap_logger(
        logging.getLogger(full),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    if ctx is None:
        return logger
    return logger.bind(request_id=ctx.request_id, principal=ctx.principal)
