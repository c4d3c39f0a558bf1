"""Contract-test classes: subclass, give a fixture ``subject``, inherit the suite. They need the ``test`` extra."""

from phoenix_nb.testing.contracts._base import Contract
from phoenix_nb.testing.contracts._events import EventBusContract
from phoenix_nb.testing.contracts._registry import ServiceRegistryContract
from phoenix_nb.testing.contracts._stores import (
    AlertStoreContract,
    ExperimentStoreContract,
    PipelineStoreContract,
    ReportStoreContract,
    SimulationStoreContract,
)

__all__ = [
    "AlertStoreContract",
    "Contract",
    "EventBusContract",
    "ExperimentStoreContract",
    "PipelineStoreContract",
    "ReportStoreContract",
    "ServiceRegistryContract",
    "SimulationStoreContract",
]
