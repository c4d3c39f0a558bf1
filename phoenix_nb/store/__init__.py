"""DuckDB stores: one file, one owner process, what is acknowledged is durable."""

from phoenix_nb.store._alerts import DuckDbAlertStore
from phoenix_nb.store._database import Database
from phoenix_nb.store._deployments import DuckDbPipelineOperator
from phoenix_nb.store._experiments import DuckDbExperimentStore
from phoenix_nb.store._instances import DuckDbServiceInstanceStore
from phoenix_nb.store._journal import DuckDbJournal
from phoenix_nb.store._pipelines import DuckDbPipelineStore
from phoenix_nb.store._reports import DuckDbReportStore
from phoenix_nb.store._simulations import DuckDbSimulationStore
from phoenix_nb.store._telemetry import DuckDbTelemetryStore

__all__ = [
    "Database",
    "DuckDbAlertStore",
    "DuckDbExperimentStore",
    "DuckDbJournal",
    "DuckDbPipelineOperator",
    "DuckDbPipelineStore",
    "DuckDbReportStore",
    "DuckDbServiceInstanceStore",
    "DuckDbSimulationStore",
    "DuckDbTelemetryStore",
]
