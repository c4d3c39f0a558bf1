"""Service discovery."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from pydantic import Field

from phoenix_nb.interfaces._context import Context
from phoenix_nb.interfaces._value import Pairs, Timestamp, Value

__all__ = ["HealthCheckSpec", "HealthStatus", "ServiceEvent", "ServiceInstance", "ServiceRegistry"]


class HealthStatus(StrEnum):
    """What is known of an instance."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


class HealthCheckSpec(Value):
    """When an instance counts as gone."""

    interval_seconds: float = Field(default=10.0, gt=0, le=86_400)
    """How often it reports, seconds."""
    retries: int = Field(default=3, ge=1, le=1000)
    """Missed reports after which it has expired."""


class ServiceInstance(Value):
    """One running instance of a service."""

    id: str
    """``svc_`` and a ULID."""
    name: str = Field(min_length=1)
    """The service it offers, for example ``experiments``."""
    version: str
    """Version of the software."""
    address: str
    """Host or path where it answers; ``in-process`` when callers share its process."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """Port; ``None`` when it has none."""
    protocol: Literal["in-process", "http", "https", "unix"] = "in-process"
    """How it is spoken to."""
    health_check: HealthCheckSpec = HealthCheckSpec()
    """When it counts as gone."""
    metadata: Pairs = Field(default_factory=dict)
    """Text pairs."""
    status: HealthStatus = HealthStatus.UNKNOWN
    """Its health at the last report."""
    registered_at: Timestamp
    """When it registered."""
    updated_at: Timestamp
    """When it last reported."""


class ServiceEvent(Value):
    """Something happened to an instance."""

    type: Literal["registered", "deregistered", "health_changed", "expired"]
    """What happened."""
    service: ServiceInstance
    """The instance as it is now, or as it was last."""
    at: Timestamp
    """When."""


@runtime_checkable
class ServiceRegistry(Protocol):
    """Dynamic service discovery and health checking.

    Promised: an instance that has missed its reports is not discovered any more, also after a restart. Not promised:
    that a discovered instance answers.
    """

    async def register(self, ctx: Context, service: ServiceInstance) -> ServiceInstance:
        """Add an instance, or refresh the one with the same id. Idempotent.

        The two times of what is returned are the registry's own, not the caller's.
        """
        ...

    async def deregister(self, ctx: Context, service_id: str) -> None:
        """Remove an instance; unknown ids are ignored."""
        ...

    async def discover(self, ctx: Context, name: str) -> Sequence[ServiceInstance]:
        """Instances of a service that have not expired: healthy ones first, then by registration."""
        ...

    async def health_check(self, ctx: Context, service_id: str, status: HealthStatus) -> ServiceInstance:
        """Report the health of an instance; this is its heartbeat.

        Raises:
            NotFoundError: no such instance, or it has expired.
        """
        ...

    async def watch(self, ctx: Context, name: str) -> AsyncIterator[ServiceEvent]:
        """An already subscribed stream of what happens to a service's instances; ends with the context."""
        ...
