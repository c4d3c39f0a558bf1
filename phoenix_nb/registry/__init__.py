"""Service discovery and health, remembered in the store."""

from phoenix_nb.registry._stored import StoredServiceRegistry

__all__ = ["StoredServiceRegistry"]
