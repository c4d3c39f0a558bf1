"""The optimiser: from a recording, a critical list and a target to a stock collector configuration. Pure."""

from phoenix_nb.analysis.optimize._observed import Observed, observe
from phoenix_nb.analysis.optimize._optimizer import optimize
from phoenix_nb.analysis.optimize._ranking import names_by_use, steady_top_k
from phoenix_nb.analysis.optimize._template_values import RANKED_VARIABLES, ranked_value

__all__ = [
    "RANKED_VARIABLES",
    "Observed",
    "names_by_use",
    "observe",
    "optimize",
    "ranked_value",
    "steady_top_k",
]
