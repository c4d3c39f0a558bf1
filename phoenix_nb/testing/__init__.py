"""The test kit: contract-test classes, typed mocks, fakes, samples. Nothing at run time imports it.

The contract-test classes are in :mod:`phoenix_nb.testing.contracts`, the hypothesis strategies in
:mod:`phoenix_nb.testing.strategies`; they need the ``test`` extra, what is exported here does not.
"""

import sys

from phoenix_nb.testing.fakes import (
    MemoryAlertStore,
    MemoryExperimentStore,
    MemoryPipelineStore,
    MemoryRegistry,
    MemoryReportStore,
    MemorySimulationStore,
    seeded_parts,
)
from phoenix_nb.testing.memory_bus import MemoryBus, MemoryJournal
from phoenix_nb.testing.memory_frames import MemoryOperator, MemoryTelemetryStore
from phoenix_nb.testing.mocks import Answers, RecordedCall, TypedMock, UnexpectedCallError

if "pytest" in sys.modules:
    # Before the contracts are imported: pytest then shows what a failed assertion compared.
    sys.modules["pytest"].register_assert_rewrite("phoenix_nb.testing.contracts")

__all__ = [
    "Answers",
    "MemoryAlertStore",
    "MemoryBus",
    "MemoryExperimentStore",
    "MemoryJournal",
    "MemoryOperator",
    "MemoryPipelineStore",
    "MemoryRegistry",
    "MemoryReportStore",
    "MemorySimulationStore",
    "MemoryTelemetryStore",
    "RecordedCall",
    "TypedMock",
    "UnexpectedCallError",
    "seeded_parts",
]
