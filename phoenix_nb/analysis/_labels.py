"""What each label adds to the number of distinct series: by leaving it out, alone and in pairs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phoenix_nb.otlp import Attributes, Dictionaries, attribute_text

__all__ = ["LabelContribution", "LabelPair", "label_contributions", "label_pairs"]

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LabelContribution:
    """One attribute of resources or points."""

    label: str
    """Its key."""
    values: int
    """Distinct values."""
    series: int
    """Distinct series that carry it."""
    contribution: int
    """Series that would become one with another without it."""


@dataclass(frozen=True, slots=True)
class LabelPair:
    """Two labels left out together; labels that tell the same things apart only matter together."""

    labels: tuple[str, str]
    """Their keys."""
    contribution: int
    """Series that would become one with another without both."""
    extra: int
    """What this is more than both contributions alone: how much the two stand in for each other."""


class _Series:
    """Distinct series as numbers of resource, metric name and attribute set, with labels taken away on demand."""

    def __init__(self, dictionaries: Dictionaries, keys: Ids) -> None:
        index = dictionaries.series
        self._resources = [dictionaries.resources[n].attributes for n in range(len(dictionaries.resources))]
        self._sets = list(dictionaries.attribute_sets)
        self.resource = index.key_resource[keys].astype(np.int64)
        self.metric = index.key_header[keys].astype(np.int64)
        self.set = index.key_attributes[keys].astype(np.int64)
        self._known: dict[tuple[bool, str], Ids] = {}

    def labels(self) -> dict[str, tuple[set[str], int]]:
        """Per label its values and the series that carry it."""
        found: dict[str, tuple[set[str], int]] = {}
        for ids, attributes in ((self.resource, self._resources), (self.set, self._sets)):
            numbers, counts = np.unique(ids, return_counts=True)
            for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                for key, value in attributes[number].items():
                    values, series = found.get(key, (set(), 0))
                    values.add(attribute_text(value))
                    found[key] = values, series + count
        return found

    def without(self, *labels: str) -> int:
        """Distinct series when these labels are taken away."""
        resource = self._renumbered(self.resource, self._resources, labels)
        attributes = self._renumbered(self.set, self._sets, labels)
        if not len(resource):
            return 0
        rows = np.stack([resource, self.metric, attributes], axis=1)
        return len(np.unique(rows, axis=0))

    @staticmethod
    def _renumbered(ids: Ids, attributes: Sequence[Attributes], labels: tuple[str, ...]) -> Ids:
        numbers, back = np.unique(ids, return_inverse=True)
        known: dict[tuple[tuple[str, str], ...], int] = {}
        made = []
        for number in numbers.tolist():
            rest = sorted(
                (key, attribute_text(value)) for key, value in attributes[number].items() if key not in labels
            )
            made.append(known.setdefault(tuple(rest), len(known)))
        return np.array(made, dtype=np.int64)[back.reshape(-1)]


def label_contributions(dictionaries: Dictionaries, keys: Ids) -> tuple[LabelContribution, ...]:
    """C_l = |distinct series| − |distinct series without l|, largest first.

    Args:
        dictionaries: what the keys mean.
        keys: distinct series keys.
    """
    series = _Series(dictionaries, keys)
    rows = [
        LabelContribution(label, len(values), count, len(keys) - series.without(label))
        for label, (values, count) in series.labels().items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.contribution, -row.values, row.label)))


def label_pairs(
    dictionaries: Dictionaries, keys: Ids, labels: Sequence[LabelContribution], *, most: int = 8
) -> tuple[LabelPair, ...]:
    """The same for pairs of the labels with the most values, largest contribution first.

    Args:
        dictionaries: what the keys mean.
        keys: distinct series keys.
        labels: what :func:`label_contributions` found.
        most: labels that are paired with each other.
    """
    series = _Series(dictionaries, keys)
    varied = sorted((one for one in labels if one.values > 1), key=lambda one: (-one.values, one.label))[
        :most
    ]
    rows = []
    for first, second in itertools.combinations(varied, 2):
        both = len(keys) - series.without(first.label, second.label)
        extra = both - first.contribution - second.contribution
        rows.append(LabelPair((first.label, second.label), both, extra))
    return tuple(sorted(rows, key=lambda row: (-row.contribution, row.labels)))
