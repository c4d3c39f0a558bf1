"""What a comparison report says in words and signs. Everything here reads; nothing measures."""

from __future__ import annotations

from phoenix_nb.interfaces.evidence import (
    Condition,
    ConditionRole,
    CoverageName,
    StaticFinding,
    StaticSafety,
    VerdictState,
)
from phoenix_nb.interfaces.monitoring import LostSeries
from phoenix_nb.reporting import formats as fmt
from phoenix_nb.reporting._comparison_data import ComparisonData
from phoenix_nb.reporting._words import CONDITION_SIGNS, Sign

__all__ = [
    "condition_figure",
    "condition_sign",
    "cost_caption",
    "coverage_sentence",
    "coverage_sign",
    "forecast",
    "last_value",
    "loss_sentence",
    "margin",
    "plain_source",
    "plan_yaml",
    "static_signs",
    "why",
    "window_rows",
]

_BASIS_WORDS = {
    "marginal": "what the change adds to or takes from a bill that already used its free tier",
    "account": "the bill of an account that sends nothing else",
}


def coverage_sentence(data: ComparisonData) -> str:
    """What became of the critical processes, one or two sentences."""
    coverage = data.coverage
    if not coverage.selectors:
        return "No process was declared critical, so nothing is known about what you would miss."
    if not coverage.critical_units:
        return (
            "No process matched a critical selector, so nothing is proven about them "
            "and the candidate cannot be promoted."
        )
    seen = fmt.count(coverage.critical_units, "process lifetime")
    if coverage.missed:
        names = ", ".join(sorted({miss.name for miss in coverage.missed}))
        return f"The candidate lost sight of {fmt.number(len(coverage.missed))} of {seen}: {names}."
    text = f"The candidate missed none of {seen}."
    if coverage.miss_rate_upper is not None:
        text += f" With that many, the rate of misses is below {fmt.percent(coverage.miss_rate_upper, 2)}."
    return text


def loss_sentence(data: ComparisonData) -> str:
    """How much would be gone."""
    if data.losses is None:
        return "not known: the payloads of this run were not kept"
    if not data.losses:
        return "nothing is lost"
    gone = sum(row.candidate_points == 0 for row in data.losses)
    processes = len({row.process for row in data.losses if row.candidate_points == 0})
    text = f"{fmt.count(gone, 'metric')} of {fmt.count(processes, 'process name')} would be gone"
    thinner = len(data.losses) - gone
    return text + (f", and {fmt.number(thinner)} would have fewer points." if thinner else ".")


def cost_caption(data: ComparisonData) -> str:
    """What the month of the cost table means."""
    seen = {(row.every, row.hosts, row.basis.value) for row in data.cost}
    parts = [
        f"{_BASIS_WORDS[basis]}, {fmt.count(hosts, 'host')}, a scrape every {fmt.duration(every)}"
        for every, hosts, basis in sorted(seen)
    ]
    return "A month of 730 hours: " + "; ".join(parts)


def plain_source(source: str) -> str:
    """A price source without anything that a browser could follow."""
    # A report refers to nothing outside itself: an address is printed without its scheme and is no link.
    return source.replace("https://", "").replace("http://", "")


def window_rows(data: ComparisonData) -> list[tuple[str, str]]:
    """What the window shows of the world, as name and value."""
    run = data.run
    length = (run.ended - run.started).total_seconds() if run.started and run.ended else None
    load = fmt.MISSING
    if run.load_low is not None and run.load_high is not None:
        load = f"{fmt.number(run.load_low)} to {fmt.number(run.load_high)} baseline points per interval"
    return [
        ("length", fmt.duration(length)),
        ("share of a day", fmt.percent(run.day_share)),
        ("load", load),
        ("hosts", fmt.number(run.hosts)),
        ("process lifetimes", fmt.number(run.processes)),
        ("processes that started", fmt.number(run.processes_started)),
        ("processes that ended", fmt.number(run.processes_ended)),
    ]


def last_value(row: LostSeries) -> str:
    """The last value of something that would be lost, with its unit."""
    if row.last_value is None:
        return fmt.MISSING
    if row.unit == "By":
        return fmt.bytes_text(row.last_value)
    return f"{fmt.number(row.last_value, 2 if abs(row.last_value) < 1000 else 0)} {row.unit}".strip()


def coverage_sign(row: CoverageName) -> Sign:
    """How the coverage of one name is shown."""
    if row.missed:
        return Sign("missed", "✕", "bad", "")
    if row.covered_in_aggregate:
        return Sign("in aggregate", "≈", "warn", "")
    return Sign("covered", "✓", "good", "")


def static_signs(findings: tuple[StaticFinding, ...]) -> list[tuple[str, Sign, str]]:
    """The static check, as name, sign and words."""
    signs = {
        StaticSafety.SAFE: Sign("safe", "✓", "good", ""),
        StaticSafety.UNSAFE: Sign("unsafe", "✕", "bad", ""),
        StaticSafety.UNKNOWN: Sign("unknown", "?", "calm", ""),
    }
    return [(finding.name, signs[finding.safety], finding.why) for finding in findings]


def condition_sign(row: Condition, decided_by: str) -> Sign:
    """How one condition is shown."""
    if row.met:
        return CONDITION_SIGNS["met"]
    return CONDITION_SIGNS[
        "decided" if row.id == decided_by and row.role is not ConditionRole.DURATION else "open"
    ]


def condition_figure(row: Condition, value: float | None) -> str:
    """A figure of a condition: shares and savings are fractions, durations are counts."""
    if row.role in {ConditionRole.SUCCESS, ConditionRole.GUARDRAIL, ConditionRole.COVERAGE}:
        return fmt.percent(value)
    return fmt.number(value, 0 if value is None or float(value).is_integer() else 3)


def margin(row: Condition) -> float | None:
    """How far the decisive end of a condition is on the good side of its bound; negative when it is not."""
    if row.bound is None:
        return None
    if row.role is ConditionRole.SUCCESS:
        return None if row.low is None else row.low - row.bound
    worst = row.high if row.high is not None else row.estimate
    if row.role is ConditionRole.DURATION:
        return None if worst is None else worst - row.bound
    return None if worst is None else row.bound - worst


def why(data: ComparisonData) -> tuple[str, str]:
    """The label and the words of what decided or blocks."""
    verdict = data.verdict
    text = next((row.text for row in verdict.conditions if row.id == verdict.decided_by), verdict.decided_by)
    open_states = {VerdictState.KEEP_RUNNING, VerdictState.INCONCLUSIVE, VerdictState.TOO_SHORT}
    return ("Blocked by" if verdict.state in open_states else "Decided by"), text


def forecast(data: ComparisonData) -> str:
    """Time to decision as a range, in words; empty when it cannot be told."""
    forecast, every = data.verdict.forecast, data.run.interval_seconds
    if forecast is None or forecast.intervals_50 is None or every is None:
        return ""
    text = f"about {fmt.duration(forecast.intervals_50 * every)} more at the present noise"
    if forecast.intervals_80 is not None and forecast.intervals_80 != forecast.intervals_50:
        text += f"; with 80 % chance within {fmt.duration(forecast.intervals_80 * every)}"
    return text


def plan_yaml(data: ComparisonData) -> str:
    """The whole plan as YAML, every default written out."""
    import yaml

    return str(
        yaml.safe_dump(data.plan.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)
    )
