"""What a comparison report says in words and signs. Everything here reads; nothing measures."""

from __future__ import annotations

from phoenix_nb.interfaces.evidence import (
    Condition,
    ConditionRole,
    CoverageName,
    StaticFinding,
    StaticSafety,
    Verdict,
    VerdictState,
)
from phoenix_nb.interfaces.monitoring import LostSeries
from phoenix_nb.reporting import formats as fmt
from phoenix_nb.reporting._comparison_data import ComparisonData
from phoenix_nb.reporting._words import CONDITION_SIGNS, Sign

__all__ = [
    "comparable_cost",
    "condition_figure",
    "condition_sign",
    "conditions",
    "cost_caption",
    "coverage_sentence",
    "coverage_sign",
    "forecast",
    "last_value",
    "loss_sentence",
    "margin",
    "plain_source",
    "plan_yaml",
    "reduction_words",
    "static_signs",
    "why",
    "window_rows",
]

_AGAINST = {VerdictState.REJECT, VerdictState.UNHEALTHY, VerdictState.DRIFT}
_OPEN = {VerdictState.KEEP_RUNNING, VerdictState.INCONCLUSIVE, VerdictState.TOO_SHORT}
_SUBJECTS = (
    ("saving:", "The saving target"),
    ("coverage:missed", "Coverage of the critical processes"),
    ("coverage:", "What is known about the critical processes"),
    ("guardrail:", "A guardrail"),
    ("gate:", "The health of the run"),
    ("duration:", "The length of the run"),
    ("identical_arms", "Equal arms"),
    ("drift", "An effect that changed"),
)
"""Beginnings of condition ids and what those conditions are about."""

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


def condition_sign(row: Condition, verdict: Verdict) -> Sign:
    """How one condition is shown: only a verdict against the candidate makes an unmet one a violated one."""
    if row.met:
        return CONDITION_SIGNS["met"]
    return CONDITION_SIGNS[
        "decided" if verdict.state in _AGAINST and row.id == verdict.decided_by else "open"
    ]


def conditions(data: ComparisonData) -> list[Condition]:
    """The conditions: those that are not met first, what decided or blocks before the others."""
    decided_by = data.verdict.decided_by
    return sorted(data.verdict.conditions, key=lambda row: (row.met, row.id != decided_by))


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
    """The label and the words of what decided or blocks; what the verdict's sentence has said is not said again."""
    verdict = data.verdict
    row = next((row for row in verdict.conditions if row.id == verdict.decided_by), None)
    label = "Blocked by" if verdict.state in _OPEN else "Decided by"
    if row is None:
        return label, verdict.decided_by
    if row.text.rstrip(".").casefold() not in verdict.reason.casefold():
        return label, row.text
    return label, _subject(row, data)


def _subject(row: Condition, data: ComparisonData) -> str:
    """What a condition is about, and how far from its bound it is."""
    subject = next((words for start, words in _SUBJECTS if row.id.startswith(start)), row.role.value)
    short = margin(row)
    if row.role is ConditionRole.SUCCESS and short is not None and short < 0:
        return f"{subject}: the lower end of the interval is {fmt.number(-100 * short, 1)} percentage points short"
    if row.id == "coverage:missed" and data.coverage.missed:
        return f"{subject}: {fmt.count(len(data.coverage.missed), 'process lifetime')} missed"
    if row.role is ConditionRole.DURATION and short is not None and short < 0:
        return f"{subject}: {fmt.count(round(-short), 'interval')} short"
    return subject


def comparable_cost(data: ComparisonData) -> bool:
    """Whether the bills may be compared: what an arm failed to send is no saving, whatever the verdict says."""
    return data.verdict.state is not VerdictState.UNHEALTHY and data.window.points.reduction is not None


def reduction_words(reduction: float) -> tuple[str, str]:
    """A reduction of data points as a figure and what it counts, without a sign to trip over."""
    if reduction == 0:
        return fmt.percent(0.0), "fewer data points: both sent the same number"
    return fmt.percent(abs(reduction)), "fewer data points" if reduction > 0 else "more data points"


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
