"""The optimiser: from a recording, a critical list and a target to a stock collector configuration. Pure."""

from phoenix_nb.analysis.optimize._observed import Observed, observe
from phoenix_nb.analysis.optimize._optimizer import optimize
from phoenix_nb.analysis.optimize._ranking import names_by_use, steady_top_k

__all__ = ["Observed", "names_by_use", "observe", "optimize", "steady_top_k"]
