"""One wrapper around every implementation: context, validation, error mapping, metrics, a span.

Services contain none of that. The two Prometheus metrics are the ones that the interface architecture names.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast, get_type_hints

from opentelemetry import trace
from prometheus_client import CollectorRegistry, Counter, Histogram
from pydantic import ValidationError

from phoenix_nb.errors import (
    CallCancelledError,
    DeadlineExceededError,
    InternalError,
    InvalidRequestError,
    PhoenixError,
)
from phoenix_nb.interfaces import Context, Value

__all__ = ["CallMetrics", "instrument"]

P = TypeVar("P")


class CallMetrics:
    """``phoenix_interface_calls_total`` and ``phoenix_interface_latency_seconds`` in one registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self.calls = Counter(
            "phoenix_interface_calls_total",
            "Total number of interface method calls",
            ["interface", "method", "status"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "phoenix_interface_latency_seconds",
            "Interface method call latency",
            ["interface", "method"],
            registry=self.registry,
        )


def instrument(interface: type[P], implementation: P, metrics: CallMetrics) -> P:
    """An object that offers ``interface`` and passes every call through the wrapper.

    Every asynchronous method must take ``ctx: Context`` first. A cancelled or late context ends the call with a domain
    error; a task that asyncio itself cancels stays ``asyncio.CancelledError``. What is not a domain error becomes
    ``InternalError`` with its cause. For a stream the deadline covers the set-up only.

    Args:
        interface: the Protocol.
        implementation: what does the work.
        metrics: where calls are counted.
    """
    members: dict[str, Any] = {}
    for name, member in inspect.getmembers(interface):
        if name.startswith("_"):
            continue
        if inspect.iscoroutinefunction(member):
            members[name] = _wrapped(interface, name, member, getattr(implementation, name), metrics)
        elif inspect.isfunction(member):
            members[name] = staticmethod(getattr(implementation, name))
        elif isinstance(member, property):
            members[name] = property(functools.partial(_read, implementation, name))
    wrapper = type(f"Instrumented{interface.__name__}", (), {"__doc__": interface.__doc__, **members})
    return cast("P", wrapper())


def _read(implementation: object, name: str, _self: object) -> object:
    return getattr(implementation, name)


def _wrapped(
    interface: type[Any],
    name: str,
    contract: Callable[..., Awaitable[Any]],
    method: Callable[..., Awaitable[Any]],
    metrics: CallMetrics,
) -> Callable[..., Awaitable[Any]]:
    label = interface.__name__
    signature = inspect.signature(contract)
    hints = {key: hint for key, hint in get_type_hints(contract).items() if isinstance(hint, type)}
    latency = metrics.latency.labels(label, name)
    tracer = trace.get_tracer("phoenix_nb")

    @functools.wraps(contract)
    async def call(self: object, *args: Any, **kwargs: Any) -> Any:
        began = time.perf_counter()
        status = "ok"
        with tracer.start_as_current_span(f"{label}/{name}") as span:
            try:
                bound = _bind(signature, hints, f"{label}.{name}", self, args, kwargs)
                ctx = cast("Context", bound.arguments["ctx"])
                ctx.check()
                span.set_attribute("phoenix.request_id", ctx.request_id)
                return await _within(ctx, method(*bound.args[1:], **bound.kwargs))
            except PhoenixError as error:
                status = error.code
                raise
            except asyncio.CancelledError:
                status = "ASYNCIO_CANCELLED"
                raise
            except Exception as error:
                status = InternalError.code
                raise InternalError(
                    f"{label}.{name} failed: {type(error).__name__}: {error}",
                    hint="this is a defect of Phoenix; please report it with the traceback",
                ) from error
            finally:
                span.set_attribute("phoenix.status", status)
                metrics.calls.labels(label, name, status).inc()
                latency.observe(time.perf_counter() - began)

    return call


def _bind(
    signature: inspect.Signature,
    hints: dict[str, type[Any]],
    where: str,
    self: object,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> inspect.BoundArguments:
    try:
        bound = signature.bind(self, *args, **kwargs)
    except TypeError as error:
        raise InvalidRequestError(f"{where}: {error}", hint="look at the method's signature") from error
    if not isinstance(bound.arguments.get("ctx"), Context):
        raise InvalidRequestError(
            f"{where}: the first argument must be a Context", hint="pass Context.background()"
        )
    for key, value in bound.arguments.items():
        expected = hints.get(key)
        if expected is None or key in {"self", "ctx"} or isinstance(value, expected):
            continue
        if issubclass(expected, Value) and isinstance(value, dict):
            try:
                bound.arguments[key] = expected.model_validate(value)
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = "::".join(str(part) for part in first["loc"])
                raise InvalidRequestError(
                    f"{where}: {key}::{place}: {first['msg']}", details={"argument": key}
                ) from error
            continue
        raise InvalidRequestError(
            f"{where}: {key} must be {expected.__name__}, not {type(value).__name__}",
            details={"argument": key},
        )
    return bound


async def _within(ctx: Context, work: Awaitable[Any]) -> Any:
    """Await ``work`` until it ends, the context is cancelled or its deadline passes."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    if task is None:  # pragma: no cover - a coroutine always runs in a task
        return await work
    ended: list[PhoenixError] = []

    def end(error: PhoenixError) -> None:
        if not ended:
            ended.append(error)
            task.cancel()

    def cancelled() -> None:
        reason = ctx.token.reason or "cancelled by the caller"
        loop.call_soon_threadsafe(end, CallCancelledError(f"the call was cancelled: {reason}"))

    remaining = ctx.remaining()
    timer = None
    if remaining is not None:
        late = DeadlineExceededError(
            "the deadline of the call has passed",
            hint="the effect may still have happened; retry with the same idempotency key",
        )
        timer = loop.call_later(remaining, end, late)
    forget = ctx.token.on_cancel(cancelled)
    try:
        return await work
    except asyncio.CancelledError:
        # Only our own cancellation becomes a domain error; one from outside stays what it is.
        if ended and task.uncancel() == 0:
            raise ended[0] from None
        raise
    finally:
        forget()
        if timer is not None:
            timer.cancel()
