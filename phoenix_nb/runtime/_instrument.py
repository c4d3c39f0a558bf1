"""One wrapper around every implementation: context, validation, error mapping, metrics, a span.

Services contain none of that. The two Prometheus metrics are the ones that the interface architecture names.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Histogram

from phoenix_nb.errors import InternalError, PhoenixError
from phoenix_nb.interfaces import Context
from phoenix_nb.runtime._arguments import ArgumentCheck
from phoenix_nb.runtime._leash import Leash
from phoenix_nb.runtime._streams import guard_stream

__all__ = ["CallMetrics", "instrument"]

P = TypeVar("P")
_PROPAGATOR = TraceContextTextMapPropagator()


class CallMetrics:
    """``phoenix_interface_calls_total`` and ``phoenix_interface_latency_seconds`` in one registry.

    ``status`` is ``ok``, the code of the domain error, or ``ASYNCIO_CANCELLED`` when asyncio itself cancelled the task.

    Args:
        registry: where they are kept; a registry of their own when ``None``.
    """

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


def instrument(
    interface: type[P], implementation: P, metrics: CallMetrics, *, tracer: trace.Tracer | None = None
) -> P:
    """An object that offers ``interface`` and passes every call through the wrapper.

    A cancelled or late context ends the call with a domain error; a task that asyncio itself cancels stays
    ``asyncio.CancelledError``. What is not a domain error becomes ``InternalError`` with its cause. For a stream the
    deadline, the metrics and the span cover the set-up; a stream whose context is cancelled ends. Methods without a
    context (``aclose``, properties, synchronous helpers) are passed through untouched.

    Args:
        interface: the Protocol.
        implementation: what does the work.
        metrics: where calls are counted.
        tracer: makes the spans; the process's own when ``None``.
    """
    tracer = trace.get_tracer("phoenix_nb") if tracer is None else tracer
    members: dict[str, Any] = {}
    for name, member in inspect.getmembers(interface):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            members[name] = property(functools.partial(_read, implementation, name))
        elif inspect.isfunction(member):
            method = getattr(implementation, name)
            if "ctx" not in inspect.signature(member).parameters:
                members[name] = staticmethod(method)
            else:
                call = _Call(interface.__name__, name, member, method, metrics, tracer)
                members[name] = (
                    call.asynchronous() if inspect.iscoroutinefunction(member) else call.iterating()
                )
    wrapper = type(f"Instrumented{interface.__name__}", (), {"__doc__": interface.__doc__, **members})
    return cast("P", wrapper())


def _read(implementation: object, name: str, _self: object) -> object:
    return getattr(implementation, name)


class _Call:
    """One method of one implementation behind the wrapper."""

    def __init__(
        self,
        interface: str,
        name: str,
        contract: Callable[..., Any],
        method: Callable[..., Any],
        metrics: CallMetrics,
        tracer: trace.Tracer,
    ) -> None:
        self._interface, self._name = interface, name
        self._where = f"{interface}.{name}"
        self._contract, self._method = contract, method
        self._arguments = ArgumentCheck(contract, self._where)
        self._calls = metrics.calls
        self._latency = metrics.latency.labels(interface, name)
        self._tracer = tracer

    def asynchronous(self) -> Callable[..., Any]:
        """The wrapper of an ``async def``; a stream that it returns is guarded too."""

        @functools.wraps(self._contract)
        async def call(_self: object, *args: Any, **kwargs: Any) -> Any:
            with self._observed(args, kwargs) as span:
                ctx, bound = self._arguments.bind(args, kwargs)
                ctx.check()
                span.set_attribute("phoenix.request_id", ctx.request_id)
                with Leash(ctx):
                    answer = await self._method(*bound.args[1:], **bound.kwargs)
                return guard_stream(ctx, self._where, answer) if isinstance(answer, AsyncIterator) else answer

        return call

    def iterating(self) -> Callable[..., Any]:
        """The wrapper of a plain ``def`` that returns a stream."""

        @functools.wraps(self._contract)
        def call(_self: object, *args: Any, **kwargs: Any) -> Any:
            with self._observed(args, kwargs):
                ctx, bound = self._arguments.bind(args, kwargs)
                ctx.check()
                answer = self._method(*bound.args[1:], **bound.kwargs)
                return guard_stream(ctx, self._where, answer) if isinstance(answer, AsyncIterator) else answer

        return call

    @contextmanager
    def _observed(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[trace.Span]:
        began = time.perf_counter()
        status = "ok"
        # The context is read before it is checked: the span must know its parent when it begins.
        given = args[0] if args else kwargs.get("ctx")
        parent = _remote_parent(given) if isinstance(given, Context) else None
        with self._tracer.start_as_current_span(self._where.replace(".", "/"), context=parent) as span:
            try:
                yield span
            except PhoenixError as error:
                status = error.code
                raise
            except asyncio.CancelledError:
                status = "ASYNCIO_CANCELLED"
                raise
            except Exception as error:
                status = InternalError.code
                raise _internal_error(self._where, error) from error
            finally:
                span.set_attribute("phoenix.status", status)
                self._calls.labels(self._interface, self._name, status).inc()
                self._latency.observe(time.perf_counter() - began)


def _remote_parent(ctx: Context) -> Any:
    # Inside the process the enclosing span is the parent; the caller's only where nothing encloses.
    if not ctx.trace_parent or trace.get_current_span().get_span_context().is_valid:
        return None
    return _PROPAGATOR.extract({"traceparent": ctx.trace_parent})


def _internal_error(where: str, error: Exception) -> InternalError:
    """The domain error for a defect in ``where``."""
    return InternalError(
        f"{where} failed: {type(error).__name__}: {error}",
        hint="this is a defect of Phoenix; please report it with the traceback",
    )
