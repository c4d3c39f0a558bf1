"""Which rule of a configuration produces the saving: rules added one by one, and each left out once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import yaml

from phoenix_nb.analysis._output import combined_output
from phoenix_nb.errors import ConfigError
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import PipelineEngine

__all__ = ["RuleContribution", "rule_contributions"]

EngineOf = Callable[[str], Callable[[Dictionaries], PipelineEngine]]

_NEUTRAL: Final = ("memory_limiter", "batch")
"""Processors that drop nothing by rule."""
_CONTEXTS: Final = ("resource", "metric", "datapoint")


@dataclass(frozen=True, slots=True)
class RuleContribution:
    """One rule: a condition of a filter, or a whole processor."""

    processor: str
    """Id of its processor."""
    rule: str
    """The condition as written; empty for a whole processor."""
    saved_series: int
    """Distinct series fewer when it is added after the rules before it; negative when it makes more."""
    saved_points: int
    """Data points fewer, likewise."""
    only_series: int
    """Distinct series more when it alone is left out: what no other rule saves."""
    only_points: int
    """Data points more, likewise."""


@dataclass(frozen=True, slots=True)
class _Place:
    processor: str
    path: tuple[str | int, ...] = ()


def rule_contributions(
    text: str, frames: Sequence[Frames], dictionaries: Dictionaries, make_engine: EngineOf
) -> tuple[RuleContribution, ...]:
    """What every rule of a configuration saves on some payloads, in the order in which they act.

    Args:
        text: collector YAML.
        frames: payloads, in order.
        dictionaries: shared by the frames.
        make_engine: compiles collector YAML.

    Raises:
        ConfigError: the configuration cannot be read or run.
    """
    config = yaml.safe_load(text)
    if not isinstance(config, dict):
        raise ConfigError("the configuration is not a mapping", hint="give collector YAML")
    places = list(_places(config))

    def totals(removed: Sequence[_Place]) -> tuple[int, int]:
        return _totals(make_engine(_without(config, removed))(dictionaries), frames)

    steps = [totals(places[count:]) for count in range(len(places) + 1)]
    rows = []
    for at, place in enumerate(places):
        left_out = totals([place]) if len(places) > 1 else steps[0]
        rows.append(
            RuleContribution(
                processor=place.processor,
                rule=_condition(config, place),
                saved_series=steps[at][0] - steps[at + 1][0],
                saved_points=steps[at][1] - steps[at + 1][1],
                only_series=left_out[0] - steps[-1][0],
                only_points=left_out[1] - steps[-1][1],
            )
        )
    return tuple(rows)


def _pipelines(config: dict[str, Any]) -> list[dict[str, Any]]:
    found = (config.get("service") or {}).get("pipelines") or {}
    return [one for name, one in found.items() if str(name).split("/", 1)[0] == "metrics" and one]


def _places(config: dict[str, Any]) -> Iterator[_Place]:
    used = dict.fromkeys(name for pipeline in _pipelines(config) for name in pipeline.get("processors") or [])
    for name in used:
        kind = str(name).split("/", 1)[0]
        if kind in _NEUTRAL:
            continue
        settings = (config.get("processors") or {}).get(name) or {}
        paths = list(_condition_paths(settings)) if kind == "filter" else []
        yield from (_Place(name, path) for path in paths)
        if not paths:
            yield _Place(name)


def _condition_paths(settings: dict[str, Any]) -> Iterator[tuple[str | int, ...]]:
    flat = settings.get("metric_conditions") or []
    for at, one in enumerate(flat):
        if isinstance(one, str):
            yield ("metric_conditions", at)
    metrics = settings.get("metrics") or {}
    for context in _CONTEXTS:
        for at in range(len(metrics.get(context) or [])):
            yield ("metrics", context, at)


def _condition(config: dict[str, Any], place: _Place) -> str:
    value: Any = config["processors"].get(place.processor) if place.path else ""
    for step in place.path:
        value = value[step]
    return str(value).strip()


def _without(config: dict[str, Any], removed: Sequence[_Place]) -> str:
    rest = copy.deepcopy(config)
    # From the end, so that positions stay what they are.
    for place in reversed(removed):
        settings = rest["processors"].get(place.processor)
        if place.path:
            holder: Any = settings
            for step in place.path[:-1]:
                holder = holder[step]
            holder.pop(place.path[-1])
        if not place.path or not any(_condition_paths(settings)):
            for pipeline in _pipelines(rest):
                kept = [name for name in pipeline.get("processors") or [] if name != place.processor]
                pipeline["processors"] = kept
    return yaml.safe_dump(rest, sort_keys=False)


def _totals(engine: PipelineEngine, frames: Sequence[Frames]) -> tuple[int, int]:
    """Distinct series and data points of what an engine sends."""
    keys, points = [], 0
    for sent in [*(engine.process(one) for one in frames), engine.flush()]:
        output = combined_output(sent)
        if output is not None and output.n_points:
            keys.append(np.unique(output.p_series_key))
            points += output.n_points
    return (len(np.unique(np.concatenate(keys))) if keys else 0), points
