"""Simulations: their life cycle and their runs."""

from phoenix_nb.services.simulations._service import LocalSimulationService

__all__ = ["LocalSimulationService"]
