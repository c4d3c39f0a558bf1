"""The plan: what is fixed before a run, and hashed into its report."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from phoenix_nb.errors import JsonValue, PlanError
from phoenix_nb.interfaces._value import Value

__all__ = [
    "GuardrailKind",
    "GuardrailRule",
    "Plan",
    "SuccessMetric",
    "SuccessRule",
    "parse_plan",
    "plan_hash",
]


class SuccessMetric(StrEnum):
    """What the saving is measured in."""

    DATA_POINTS = "data_points"
    SERIES = "series"
    BYTES = "bytes"


class SuccessRule(Value):
    """What the candidate must achieve."""

    metric: SuccessMetric = SuccessMetric.DATA_POINTS
    """What the saving is measured in: the ratio of totals of both arms."""
    target: float = Field(default=0.40, gt=0, lt=1)
    """Smallest saving that is worth the change, a fraction."""


class GuardrailKind(StrEnum):
    """What must not get worse; only a real collector is measured."""

    LATENCY_P99 = "latency_p99"
    """99th percentile of processing latency, by its logarithm."""
    LATENCY_ABOVE = "latency_above"
    """Share of payloads whose processing takes longer than a threshold; asks nothing of rare samples."""
    CPU_SECONDS = "cpu_seconds"
    """CPU time of the collector."""


class GuardrailRule(Value):
    """A harm that is tolerated up to a margin."""

    kind: GuardrailKind
    """What is guarded."""
    margin: float = Field(gt=0, allow_inf_nan=False)
    """Largest tolerated increase, a fraction: of the baseline's amount, or for ``latency_above`` of all payloads."""
    threshold_seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """Only for ``latency_above``, and needed there: latency that is too long, seconds."""

    @model_validator(mode="after")
    def _threshold_where_it_counts(self) -> Self:
        if (self.kind is GuardrailKind.LATENCY_ABOVE) != (self.threshold_seconds is not None):
            message = "threshold_seconds goes with latency_above, and with nothing else"
            raise ValueError(message)
        return self


class Plan(Value):
    """Criteria, margins, critical selectors, durations and alpha of one experiment.

    Every value has a default; a report prints all of them.
    """

    success: SuccessRule = SuccessRule()
    """What the candidate must achieve."""
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Error rate of each claim, over the whole run and every look at it."""
    critical: tuple[str, ...] = ()
    """Selectors of processes that must stay visible; a bare glob matches the whole executable name, case-sensitive."""
    required_metrics: tuple[str, ...] = Field(
        default=("process.cpu.time", "process.memory.usage"), min_length=1
    )
    """Metrics that a critical process must keep."""
    allow_aggregate: bool = False
    """Whether a critical process may be covered by a series without its pid."""
    max_miss_rate: float | None = Field(default=None, gt=0, lt=1)
    """When set, PROMOTE needs a certificate that the miss rate is below it."""
    value_tolerance: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """When set, PROMOTE needs the values of kept series to equal the source's up to this fraction; 0 is exactly."""
    require_coverage: bool = True
    """Whether PROMOTE needs critical processes that were seen and kept; false only for data without processes."""
    planned_intervals: int | None = Field(default=None, ge=1)
    """T_max, intervals after the warm-up; ``None`` takes what the run's duration gives."""
    warmup_intervals: int = Field(default=3, ge=0)
    """Intervals that count in the window only."""
    grace_intervals: int = Field(default=2, ge=0)
    """Intervals to wait before a miss is verified and an interval is closed, event time."""
    pilot_intervals: int = Field(default=60, ge=20)
    """Intervals from which the correlation of the noise is learned."""
    min_blocks: int = Field(default=6, ge=6)
    """T_min is the pilot and this many blocks."""
    guardrails: tuple[GuardrailRule, ...] = (
        GuardrailRule(kind=GuardrailKind.LATENCY_P99, margin=0.10),
        GuardrailRule(kind=GuardrailKind.CPU_SECONDS, margin=0.05),
    )
    """Used only when a real collector runs; the embedded engine is never measured as one."""
    max_parity_gap: float = Field(default=0.001, ge=0, lt=1)
    """Largest tolerated relative difference of received points between the arms, per block."""
    max_late_share: float = Field(default=0.01, ge=0, le=1)
    """Largest tolerated share of late points."""
    stop_when_decided: bool = False
    """Whether the run ends at PROMOTE or REJECT instead of at its planned end."""
    price_models: tuple[str, ...] = ()
    """Price models to show, by id; empty shows all of the price book."""

    @field_validator("critical", "required_metrics", "price_models")
    @classmethod
    def _texts(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        for text in texts:
            if not text.strip():
                message = "an entry is empty"
                raise ValueError(message)
        # The same selector twice means nothing more than once.
        return tuple(dict.fromkeys(texts))

    @field_validator("guardrails")
    @classmethod
    def _one_rule_each(cls, rules: tuple[GuardrailRule, ...]) -> tuple[GuardrailRule, ...]:
        kinds = [rule.kind for rule in rules]
        if len(set(kinds)) != len(kinds):
            message = "a kind is guarded twice"
            raise ValueError(message)
        return rules


def plan_hash(plan: Plan) -> str:
    """SHA-256 of the plan's canonical JSON (sorted keys, all defaults written out), 64 hexadecimal digits."""
    canonical = json.dumps(plan.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def parse_plan(text: str) -> Plan:
    """Read a plan from YAML or JSON text; what is not said keeps its default, empty text is the default plan.

    Strict: an unknown or repeated key, a text where a number belongs, or a single name where a list belongs is refused.

    Raises:
        PlanError: with one line ``path::to::key: message`` per problem; ``details["problems"]`` holds them as
            ``{path, message}``.

    Example:
        >>> parse_plan("success: {target: 0.5}").success.target
        0.5
    """
    data = _load(text)
    if data is None:
        return Plan()
    if not isinstance(data, dict):
        raise _refused([("", f"the plan must be a mapping of keys, not {_kind(data)}")])
    try:
        encoded = json.dumps(data)
    except (TypeError, ValueError, RecursionError) as exc:
        message = "only texts, numbers, booleans, lists and mappings can be used"
        raise _refused([("", message)]) from exc
    try:
        return Plan.model_validate_json(encoded, strict=True)
    except ValidationError as exc:
        raise _refused([_problem(dict(error)) for error in exc.errors(include_url=False)]) from exc


def _load(text: str) -> Any:
    import yaml

    class _Loader(yaml.SafeLoader):
        """Safe YAML that refuses a key that is there twice; the plain loader would take the last one silently."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[Hashable] = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if isinstance(key, Hashable) and key in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"key {key!r} is there twice", problem_mark=key_node.start_mark
                    )
                if isinstance(key, Hashable):
                    seen.add(key)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader
    except yaml.MarkedYAMLError as exc:
        where = f"line {exc.problem_mark.line + 1}" if exc.problem_mark else "the plan"
        raise _refused([(where, exc.problem or "this is not YAML")]) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        first = (str(exc).splitlines() or ["this is not YAML"])[0]
        raise _refused([("", first)]) from exc


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "something else")


_WORDS = {
    "extra_forbidden": "there is no such key",
    "tuple_type": "a list is needed",
    "float_type": "a number is needed",
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "bool_type": "true or false is needed",
    "string_type": "a text is needed",
    "model_type": "a mapping of keys is needed",
    "model_attributes_type": "a mapping of keys is needed",
    "missing": "this key is needed",
    "finite_number": "a finite number is needed",
}


def _problem(error: dict[str, Any]) -> tuple[str, str]:
    path = "::".join(str(part) for part in error["loc"])
    message = _WORDS.get(error["type"])
    if message is None:
        message = str(error["msg"]).removeprefix("Value error, ")
        message = message.replace("Input should be", "it must be")
    return path, message


def _refused(problems: list[tuple[str, str]]) -> PlanError:
    lines = [f"{path}: {message}" if path else message for path, message in problems]
    listed: list[JsonValue] = [{"path": path, "message": message} for path, message in problems]
    return PlanError(
        "the plan cannot be used: " + "; ".join(lines),
        hint="correct the keys named; every key that is left out keeps its default",
        details={"problems": listed},
    )
