"""The contracts: Protocols, values and the call context. Imports errors only."""

from phoenix_nb.interfaces._clock import Clock, IdFactory
from phoenix_nb.interfaces._context import CancellationToken, Context
from phoenix_nb.interfaces._value import Timestamp, Value

__all__ = ["CancellationToken", "Clock", "Context", "IdFactory", "Timestamp", "Value"]
