"""Chosen rules as the YAML of a stock collector: a filter and a transform processor in front of the batch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from phoenix_nb.analysis.optimize._candidate import Candidate
from phoenix_nb.analysis.optimize._ottl import NAME, critical_condition, quoted
from phoenix_nb.analysis.optimize._patterns import any_of
from phoenix_nb.collector.config import format_duration
from phoenix_nb.collector.receiving import ReceiverAsks
from phoenix_nb.errors import ConfigError
from phoenix_nb.evidence.coverage import CriticalSelector
from phoenix_nb.interfaces.optimization import RuleKind

__all__ = ["lower"]

_GROUP = "process.category"
_FILTER, _TRANSFORM = "filter/optimized", "transform/optimized"
_NANO = 1_000_000_000
_FEW = 4
_PLAIN = re.compile(r"[A-Za-z0-9_/:@ -]+")
"""A pattern that matches itself only."""
_LAST = ("batch",)
"""Processors that ours go in front of."""


def lower(
    rules: Sequence[Candidate],
    selectors: Sequence[CriticalSelector],
    base: str,
    notes: Sequence[str] = (),
    *,
    group_rest: bool = False,
    asks: ReceiverAsks | None = None,
) -> str:
    """The base configuration with the rules in it.

    Args:
        rules: what to drop.
        selectors: processes that every rule but the dropping of whole metrics spares.
        base: collector YAML.
        notes: lines of the comment at its top.
        asks: what the base's receiver asks for; ``None`` where it has no hostmetrics receiver.
        group_rest: whether a second pipeline adds up the processes that the first one drops.

    Raises:
        ConfigError: the base has no metrics pipeline.
    """
    delayed = asks is not None and not selectors
    made = _processors([one for one in rules if not (delayed and one.kind is RuleKind.DELAY)], selectors)
    rest = _rest(rules, selectors) if group_rest else {}
    config = _parsed(base)
    known = (config.get("service") or {}).get("pipelines") or {}
    pipelines = {
        name: one
        for name, one in known.items()
        if str(name).split("/", 1)[0] == "metrics" and isinstance(one, dict)
    }
    if not pipelines:
        raise ConfigError(
            "the base configuration has no metrics pipeline",
            hint="add service::pipelines::metrics with receivers and exporters",
        )
    if made:
        config["processors"] = {**(config.get("processors") or {}), **made, **rest}
        for number, (name, pipeline) in enumerate(pipelines.items()):
            present = list(pipeline.get("processors") or [])
            at = next(
                (n for n, one in enumerate(present) if str(one).split("/", 1)[0] in _LAST), len(present)
            )
            known[name] = {**pipeline, "processors": [*present[:at], *made, *present[at:]]}
            if rest:
                known[f"metrics/rest{number or ''}"] = {
                    **pipeline,
                    "processors": [*present[:at], *rest, *present[at:]],
                }
    if asks is not None:
        _set_receiver(config, asks, rules, delayed=delayed)
    comment = "".join(f"# {line}\n" for line in notes)
    return comment + yaml.safe_dump(config, sort_keys=False, width=110, allow_unicode=True)


def _set_receiver(
    config: dict[str, Any], asks: ReceiverAsks, rules: Sequence[Candidate], *, delayed: bool
) -> None:
    """Rules that the receiver itself can keep: it then does not even read what nobody wants."""
    name = next(key for key in config["receivers"] if str(key).strip() == asks.receiver)
    receiver = dict(config["receivers"][name] or {})
    factor = max((one.factor for one in rules), default=1)
    if factor > 1:
        receiver["collection_interval"] = format_duration(asks.interval * factor)
    delay = round(max((one.seconds for one in rules), default=0.0) * _NANO)
    if delayed and delay > asks.delay:
        scrapers = dict(receiver["scrapers"])
        scrapers["process"] = {**(scrapers["process"] or {}), "scrape_process_delay": format_duration(delay)}
        receiver["scrapers"] = scrapers
    config["receivers"] = {**config["receivers"], name: receiver}


def _processors(
    rules: Sequence[Candidate], selectors: Sequence[CriticalSelector]
) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    conditions = _conditions(rules, selectors)
    if conditions:
        made[_FILTER] = {"error_mode": "ignore", "metrics": conditions}
    others, everyone = _spared(selectors, "resource."), _spared((), "resource.")
    statements = [
        f'aggregate_on_attributes("sum", []) where name == {quoted(one.metric)}'
        f" and {everyone if one.everyone else others}"
        for one in rules
        if one.kind is RuleKind.ADD_UP
    ]
    transforms = [{"context": "metric", "statements": statements}] if statements else []
    # The attributes go last: conditions of other rules may look at them.
    trimmed = [
        f"delete_key(attributes, {quoted(key)}) where {_spared(() if one.everyone else selectors, '')}"
        for one in rules
        for key in one.keys
    ]
    if trimmed:
        transforms.append({"context": "resource", "statements": trimmed})
    if transforms:
        made[_TRANSFORM] = {"error_mode": "ignore", "metric_statements": transforms}
    return made


def _rest(rules: Sequence[Candidate], selectors: Sequence[CriticalSelector]) -> dict[str, dict[str, Any]]:
    """Processors that keep only what the filter drops by process, and make one group per host of it."""
    conditions = _conditions(rules, selectors)
    dropped = conditions.get("resource", [])
    if not dropped:
        return {}
    kept = " and ".join(f"not ({one})" for one in dropped)
    metrics = {"resource": [kept]} | {key: conditions[key] for key in ("metric",) if key in conditions}
    return {
        "filter/rest": {"error_mode": "ignore", "metrics": metrics},
        # A sum of counters would fall whenever a member ends; increments of counters add up.
        "cumulativetodelta/rest": {"initial_value": "drop"},
        "transform/rest": {
            "error_mode": "ignore",
            "metric_statements": [
                {
                    "context": "resource",
                    "statements": [
                        f'set(attributes["{_GROUP}"], "all other processes")',
                        f'keep_keys(attributes, ["{_GROUP}", "host.name", "os.type"])',
                    ],
                }
            ],
        },
        "groupbyattrs/rest": {},
        "transform/rest_sum": {
            "error_mode": "ignore",
            "metric_statements": [
                {
                    "context": "datapoint",
                    # Points add up only at equal times; the scraper gives every process a time of its own.
                    "statements": [
                        'set(time, TruncateTime(time, Duration("1s")))',
                        "set(start_time, time)",
                    ],
                },
                {"context": "metric", "statements": ['aggregate_on_attributes("sum")']},
            ],
        },
    }


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
        # The name first: it decides about most processes, and is cheaper than the selectors.
        resource.append(f"{_named(dropped)} and {of_resource}")
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
                "start_time_unix_nano > 0"
                f" and time_unix_nano - start_time_unix_nano < {round(one.seconds * _NANO)} and {of_point}"
            )
    found = {"resource": resource, "metric": metric, "datapoint": point}
    return {context: conditions for context, conditions in found.items() if conditions}


def _named(patterns: Sequence[str]) -> str:
    """What is true of processes with these names; few plain names are compared, which costs less than a search."""
    if len(patterns) <= _FEW and all(_PLAIN.fullmatch(one) for one in patterns):
        tests = [f'attributes["{NAME}"] == {quoted(one)}' for one in patterns]
        return f"({' or '.join(tests)})" if len(tests) > 1 else tests[0]
    return f'IsMatch(attributes["{NAME}"], {quoted(any_of(patterns))})'


def _spared(selectors: Sequence[CriticalSelector], prefix: str) -> str:
    """What is true of processes that are not critical."""
    critical = critical_condition(selectors, prefix)
    process = f'{prefix}attributes["{NAME}"] != nil'
    return f"{process} and not {critical}" if critical else process
