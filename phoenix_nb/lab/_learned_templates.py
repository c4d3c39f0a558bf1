"""Catalogue entries whose names and thresholds follow a recording."""

from __future__ import annotations

from phoenix_nb.analysis.optimize import RANKED_VARIABLES
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.lab._lab import Lab

__all__ = ["learned_template"]


def learned_template(lab: Lab, name: str, recording: str) -> str:
    """The collector YAML of a catalogue entry with everything that a recording can say filled in from it.

    Args:
        lab: whose generator fills it in.
        name: of the entry.
        recording: path of the recording.

    Raises:
        NotFoundError: no such entry, or no such file.
        SourceError: the recording cannot be read.
        InvalidRequestError: the entry ranks nothing, or the recording holds nothing to rank.
    """
    variables = {one.name for one in lab.call(lab.services.templates.get_template, name).variables}
    ranked = [one for one in RANKED_VARIABLES if one in variables]
    if not ranked:
        raise InvalidRequestError(
            f"{name} has nothing that a recording could say",
            hint=f"entries with {', '.join(RANKED_VARIABLES)} have",
            details={"template": name},
        )
    values = dict.fromkeys(ranked, f"recording:{recording}")
    return lab.call(lab.services.configs.apply_template, name, values).yaml
