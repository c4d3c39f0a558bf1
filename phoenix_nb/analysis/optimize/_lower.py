"""Chosen rules as the YAML of a stock collector: one filter processor, put in front of the batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from phoenix_nb.analysis.optimize._ottl import NAME, any_of, critical_condition, quoted
from phoenix_nb.analysis.optimize._rules import Candidate
from phoenix_nb.errors import ConfigError
from phoenix_nb.evidence.coverage import CriticalSelector
from phoenix_nb.interfaces.optimization import RuleKind

__all__ = ["lower"]

_PROCESSOR = "filter/optimized"
_NANO = 1_000_000_000
_LAST = ("batch",)
"""Processors that the filter goes in front of."""


def lower(
    rules: Sequence[Candidate], selectors: Sequence[CriticalSelector], base: str, notes: Sequence[str] = ()
) -> str:
    """The base configuration with the rules in it.

    Args:
        rules: what to drop.
        selectors: processes that every rule but the dropping of whole metrics spares.
        base: collector YAML.
        notes: lines of the comment at its top.

    Raises:
        ConfigError: the base has no metrics pipeline.
    """
    conditions = _conditions(rules, selectors)
    config = _parsed(base)
    pipelines = [
        pipeline
        for name, pipeline in (config.get("service", {}).get("pipelines") or {}).items()
        if str(name).split("/", 1)[0] == "metrics" and isinstance(pipeline, dict)
    ]
    if not pipelines:
        raise ConfigError(
            "the base configuration has no metrics pipeline",
            hint="add service::pipelines::metrics with receivers and exporters",
        )
    if conditions:
        config["processors"] = {
            **(config.get("processors") or {}),
            _PROCESSOR: {"error_mode": "ignore", "metrics": conditions},
        }
        for pipeline in pipelines:
            present = list(pipeline.get("processors") or [])
            at = next(
                (n for n, name in enumerate(present) if str(name).split("/", 1)[0] in _LAST), len(present)
            )
            pipeline["processors"] = [*present[:at], _PROCESSOR, *present[at:]]
    comment = "".join(f"# {line}\n" for line in notes)
    return comment + yaml.safe_dump(config, sort_keys=False, width=110, allow_unicode=True)


def _parsed(base: str) -> dict[str, Any]:
    try:
        config = yaml.safe_load(base)
    except yaml.YAMLError as error:
        raise ConfigError(f"the base configuration is not YAML: {error}") from error
    if not isinstance(config, dict):
        raise ConfigError("the base configuration is not a mapping", hint="give collector YAML")
    return config


def _conditions(rules: Sequence[Candidate], selectors: Sequence[CriticalSelector]) -> dict[str, list[str]]:
    of_resource, of_metric, of_point = (
        _spared(selectors, prefix) for prefix in ("", "resource.", "resource.")
    )
    resource, metric, point = [], [], []
    dropped = [pattern for one in rules if one.kind is RuleKind.DROP_PROCESSES for pattern in one.patterns]
    if dropped:
        resource.append(f'{of_resource} and IsMatch(attributes["{NAME}"], {quoted(any_of(dropped))})')
    for one in rules:
        if one.kind is RuleKind.TOP_K:
            kept = (
                f' and not IsMatch(attributes["{NAME}"], {quoted(any_of(one.patterns))})'
                if one.patterns
                else ""
            )
            resource.append(of_resource + kept)
        elif one.kind is RuleKind.DROP_METRIC:
            metric.append(f'name == {quoted(one.metric)} and resource.attributes["{NAME}"] != nil')
        elif one.kind is RuleKind.DROP_METRIC_OF_OTHERS:
            metric.append(f"name == {quoted(one.metric)} and {of_metric}")
        elif one.kind is RuleKind.DROP_POINTS:
            key, value = one.attribute
            point.append(
                f"metric.name == {quoted(one.metric)} and attributes[{quoted(key)}] == {quoted(value)} and {of_point}"
            )
        elif one.kind is RuleKind.DELAY:
            point.append(
                f"{of_point} and start_time_unix_nano > 0"
                f" and time_unix_nano - start_time_unix_nano < {round(one.seconds * _NANO)}"
            )
    found = {"resource": resource, "metric": metric, "datapoint": point}
    return {context: conditions for context, conditions in found.items() if conditions}


def _spared(selectors: Sequence[CriticalSelector], prefix: str) -> str:
    """What is true of processes that are not critical."""
    critical = critical_condition(selectors, prefix)
    process = f'{prefix}attributes["{NAME}"] != nil'
    return f"{process} and not {critical}" if critical else process
