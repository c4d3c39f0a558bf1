"""What each step of a pipeline removed, and what became of one process."""

from phoenix_nb.analysis.explain._backends import BackendView, Merged
from phoenix_nb.analysis.explain._explain import Explanation, Fate, explain, fate_of_process
from phoenix_nb.analysis.explain._resolved import resolved_config
from phoenix_nb.analysis.explain._tally import Change, StepChange

__all__ = [
    "BackendView",
    "Change",
    "Explanation",
    "Fate",
    "Merged",
    "StepChange",
    "explain",
    "fate_of_process",
    "resolved_config",
]
