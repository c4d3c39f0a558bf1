"""The rules that are searched: what each removes from a table of series, and what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from phoenix_nb.analysis.optimize._candidate import Candidate
from phoenix_nb.analysis.optimize._observed import Observed
from phoenix_nb.analysis.optimize._patterns import literal, name_pattern
from phoenix_nb.analysis.optimize._ranking import steady_top_k
from phoenix_nb.analysis.optimize._source_rules import attribute_rules, scrape_rules
from phoenix_nb.evidence.coverage import CriticalSelector
from phoenix_nb.interfaces.optimization import RuleKind
from phoenix_nb.otlp import MetricType, attribute_text

__all__ = ["candidates", "critical_rows", "grouped_names"]

Flags = npt.NDArray[np.bool_]

_DELAYS = (2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds of life before a process is shown."""
_SIZES = (50, 20, 10, 5, 0)
"""Processes that a ranking keeps beside the critical ones."""
_MOST_PATTERNS = 400
"""Names beyond these, fewest series first, are left to rankings and delays."""


def critical_rows(observed: Observed, selectors: Sequence[CriticalSelector]) -> Flags:
    """Per series whether its process is critical."""
    if not len(observed):
        return np.zeros(0, dtype=np.bool_)
    resources = observed.dictionaries.resources
    known = {
        number: any(one.matches(resources[number].attributes) for one in selectors)
        for number in dict.fromkeys(observed.resource.tolist())
    }
    return np.array([known[number] for number in observed.resource.tolist()], dtype=np.bool_)


def grouped_names(names: Sequence[str]) -> dict[str, list[int]]:
    """Patterns of whole names and the numbers of the names they stand for.

    Names that differ only in their digits share a pattern, so that tomorrow's ``job-1834`` is meant too.
    """
    shared: dict[str, list[int]] = defaultdict(list)
    for number, name in enumerate(names):
        shared[name_pattern(name)].append(number)
    return {
        pattern if len(numbers) > 1 else literal(names[numbers[0]]): numbers
        for pattern, numbers in shared.items()
    }


def candidates(
    observed: Observed,
    critical: Flags,
    required: Sequence[str],
    rankings: Sequence[Sequence[str]],
    *,
    selectors: Sequence[CriticalSelector] = (),
    scrapes: bool = False,
    kinds: Sequence[RuleKind] = (),
) -> list[Candidate]:
    """Every rule that would remove something.

    Args:
        observed: the series to learn from.
        critical: which of them are critical.
        required: metrics that critical processes must keep.
        rankings: names that are not critical, those that use most first, one ranking per window.
        selectors: which processes are critical.
        scrapes: whether the scrape itself may become rarer.
        kinds: the only kinds wanted; empty means all.
    """
    made = [
        *_metric_rules(observed, required),
        *_point_rules(observed),
        *_sum_rules(observed, critical),
        *_process_rules(observed, critical),
        *_delay_rules(),
        *_ranking_rules(rankings),
        *attribute_rules(observed, selectors),
        *(scrape_rules() if scrapes else ()),
    ]
    wanted = [one for one in made if not kinds or one.kind in kinds]
    return [one for one in wanted if one.keys or one.mask(observed, critical).any()]


def _metric_rules(observed: Observed, required: Sequence[str]) -> list[Candidate]:
    found = []
    for metric in observed.metrics:
        if metric not in required:
            found.append(
                Candidate(
                    RuleKind.DROP_METRIC,
                    f"{metric} is dropped.",
                    partial(_metric_of_all, metric),
                    metric=metric,
                )
            )
        found.append(
            Candidate(
                RuleKind.DROP_METRIC_OF_OTHERS,
                f"{metric} is kept for critical processes only.",
                partial(_metric_of_others, metric),
                metric=metric,
            )
        )
    return found


def _metric_of_all(metric: str, seen: Observed, critical: Flags) -> Flags:
    del critical
    return np.asarray(_of_metric(seen, metric) & (seen.name >= 0), dtype=np.bool_)


def _metric_of_others(metric: str, seen: Observed, critical: Flags) -> Flags:
    return _of_metric(seen, metric) & _others(seen, critical)


def _younger(seconds: float, seen: Observed, critical: Flags) -> Flags:
    return np.asarray((seen.oldest < seconds) & _others(seen, critical), dtype=np.bool_)


def _of_metric(seen: Observed, metric: str) -> Flags:
    number = seen.metrics.index(metric) if metric in seen.metrics else -1
    return np.asarray(seen.metric == number, dtype=np.bool_)


def _others(seen: Observed, critical: Flags) -> Flags:
    return np.asarray((seen.name >= 0) & ~critical, dtype=np.bool_)


def _point_rules(observed: Observed) -> list[Candidate]:
    sets = observed.dictionaries.attribute_sets
    values: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for metric, attributes in np.unique(np.stack([observed.metric, observed.attributes]), axis=1).T.tolist():
        for key, value in sets[attributes].items():
            if isinstance(value, str):
                values[observed.metrics[metric]][key, value] = None

    def rule(metric: str, key: str, value: str) -> Candidate:
        def mask(seen: Observed, critical: Flags) -> Flags:
            has = np.array(
                [
                    (found := one.get(key)) is not None and attribute_text(found) == value
                    for one in seen.dictionaries.attribute_sets
                ],
                dtype=np.bool_,
            )
            return _of_metric(seen, metric) & has[seen.attributes] & _others(seen, critical)

        return Candidate(
            RuleKind.DROP_POINTS,
            f"{metric} with {key} {value} is kept for critical processes only.",
            mask,
            metric=metric,
            attribute=(key, value),
        )

    # More values than this are no states or directions but names of things.
    return [
        rule(metric, key, value)
        for metric, pairs in values.items()
        if len(pairs) <= 16
        for key, value in pairs
    ]


def _sum_rules(observed: Observed, critical: Flags) -> list[Candidate]:
    headers = observed.dictionaries.headers
    sums = {one.name for one in headers if one.type is MetricType.SUM}
    others = _others(observed, critical)
    found = []
    for number, metric in enumerate(observed.metrics):
        if metric in sums and len(np.unique(observed.attributes[others & (observed.metric == number)])) > 1:
            text = (
                f"{metric} is one sum for other processes: its states or directions are no longer told apart."
            )
            found.append(Candidate(RuleKind.ADD_UP, text, partial(_all_but_one, metric), metric=metric))
        if metric in sums and len(np.unique(observed.attributes[critical & (observed.metric == number)])) > 1:
            text = (
                f"{metric} is one sum for every process, critical ones too: its states or directions are no longer"
                " told apart."
            )
            mask = partial(_all_but_one_of_everyone, metric)
            found.append(Candidate(RuleKind.ADD_UP, text, mask, metric=metric, everyone=True))
    return found


def _all_but_one(metric: str, seen: Observed, critical: Flags) -> Flags:
    """All series of a metric but one per process: they become one, which nothing is lost of but the attributes."""
    return _one_left(seen, np.flatnonzero(_of_metric(seen, metric) & _others(seen, critical)))


def _all_but_one_of_everyone(metric: str, seen: Observed, critical: Flags) -> Flags:
    """The same of critical processes too."""
    del critical
    return _one_left(seen, np.flatnonzero(_of_metric(seen, metric) & (seen.name >= 0)))


def _one_left(seen: Observed, rows: npt.NDArray[np.intp]) -> Flags:
    _, first = np.unique(seen.resource[rows], return_index=True)
    hit = np.zeros(len(seen), dtype=np.bool_)
    hit[rows] = True
    hit[rows[first]] = False
    return hit


def _process_rules(observed: Observed, critical: Flags) -> list[Candidate]:
    others = _others(observed, critical)
    counts = np.bincount(observed.name[others], minlength=len(observed.names))
    groups = grouped_names(observed.names)
    sized = sorted(
        ((int(counts[numbers].sum()), pattern, numbers) for pattern, numbers in groups.items()),
        key=lambda row: (-row[0], row[1]),
    )

    def rule(pattern: str, numbers: Sequence[int]) -> Candidate:
        members = frozenset(observed.names[number] for number in numbers)
        shown = observed.names[numbers[0]]
        more = f" and {len(numbers) - 1:,} names like it" if len(numbers) > 1 else ""
        matches = _name_test(pattern, members)
        return Candidate(
            RuleKind.DROP_PROCESSES,
            f"Processes named {shown}{more} are dropped.",
            lambda seen, critical: _by_name(seen, matches) & _others(seen, critical),
            patterns=(pattern,),
        )

    return [rule(pattern, numbers) for count, pattern, numbers in sized[:_MOST_PATTERNS] if count]


def _name_test(pattern: str, members: frozenset[str]) -> Callable[[str], bool]:
    if pattern == literal(next(iter(members), "")):
        # One name and nothing else: no need to search.
        return members.__contains__
    import re2

    found = re2.compile(f"^(?:{pattern})$").search
    return lambda name: name in members or found(name) is not None


def _by_name(seen: Observed, matches: Callable[[str], bool]) -> Flags:
    hit = np.array([*(matches(name) for name in seen.names), False], dtype=np.bool_)
    return np.asarray(hit[seen.name], dtype=np.bool_)


def _delay_rules() -> list[Candidate]:
    return [
        Candidate(
            RuleKind.DELAY,
            f"Other processes show when they are {seconds:g} seconds old.",
            partial(_younger, seconds),
            seconds=seconds,
        )
        for seconds in _DELAYS
    ]


def _ranking_rules(rankings: Sequence[Sequence[str]]) -> list[Candidate]:
    def rule(size: int) -> Candidate:
        kept = steady_top_k(rankings, size)
        patterns = tuple(grouped_names(kept))
        tests = [_name_test(pattern, frozenset()) for pattern in patterns]

        def keeps(name: str) -> bool:
            return any(test(name) for test in tests)

        return Candidate(
            RuleKind.TOP_K,
            f"Of the other processes only those of the {len(kept)} names that use most are kept."
            if kept
            else "Only critical processes are kept.",
            lambda seen, critical: ~_by_name(seen, keeps) & _others(seen, critical),
            patterns=patterns,
        )

    most = max(map(len, rankings), default=0)
    return [rule(size) for size in _SIZES if size < most or not size]
