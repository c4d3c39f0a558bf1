"""A finished comparison as people read it at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phoenix_nb.cli._output import note, say, table

if TYPE_CHECKING:
    from phoenix_nb.interfaces import (
        CostRow,
        CoverageReport,
        Experiment,
        ExperimentResults,
        PairTotals,
        Report,
        Verdict,
    )

__all__ = ["show_comparison", "show_verdict"]

_OPEN = ("KEEP_RUNNING", "INCONCLUSIVE", "TOO_SHORT")
_MOST_MISSED = 10
_METRIC_WORDS = {"data_points": "data points", "series": "series", "bytes": "bytes"}


def show_comparison(experiment: Experiment, results: ExperimentResults, report: Report | None) -> None:
    """Print verdict, window, projection, coverage and cost, in that order; warnings go to stderr."""
    show_verdict(results.verdict)
    say()
    _window(results)
    _projection(results)
    say()
    _coverage(results.coverage)
    say()
    _cost(results.cost)
    say()
    if report is not None:
        say(f"Report: {report.html}")
    say(f"Experiment: {experiment.id}, plan {results.plan_hash[:12]}")
    for sentence in results.applied:
        say(f"Receivers: {sentence}")
    for warning in results.warnings:
        note(f"warning: {warning}")


def show_verdict(verdict: Verdict) -> None:
    """Print the verdict and what decided or blocks it."""
    from phoenix_nb.reporting import verdict_sign

    sign = verdict_sign(verdict.state.value)
    say(f"{sign.glyph} {verdict.state.value}: {verdict.reason}")
    label = "Blocked by" if verdict.state.value in _OPEN else "Decided by"
    row = next((one for one in verdict.conditions if one.id == verdict.decided_by), None)
    said = row is None or row.text == verdict.reason
    say(f"  {label} {verdict.decided_by}" + ("" if said or row is None else f": {row.text}"))
    forecast = verdict.forecast
    if forecast is not None and forecast.intervals_50 is not None:
        more = f"  About {forecast.intervals_50:,} more intervals at the present noise"
        if forecast.intervals_80 not in {None, forecast.intervals_50}:
            more += f", with 80 % chance within {forecast.intervals_80:,}"
        say(f"{more}.")


def _window(results: ExperimentResults) -> None:
    from phoenix_nb.reporting import formats as fmt

    window = results.window

    def row(name: str, pair: PairTotals) -> tuple[str, str, str, str]:
        return name, fmt.number(pair.baseline), fmt.number(pair.candidate), fmt.percent(pair.reduction)

    rows = [
        row("data points", window.points),
        row("distinct series", window.series),
        row("bytes (OTLP)", window.bytes),
    ]
    baseline, candidate = results.baseline_usage, results.candidate_usage
    if (
        baseline is not None
        and candidate is not None
        and (baseline.cpu_seconds is not None or candidate.cpu_seconds is not None)
    ):
        # Only a real collector tells; there is no claim of a reduction, the guardrails judge it.
        cpu = (fmt.number(baseline.cpu_seconds, 2), fmt.number(candidate.cpu_seconds, 2))
        rows.append(("collector CPU, s", *cpu, ""))
        memory = (fmt.bytes_text(baseline.rss_bytes), fmt.bytes_text(candidate.rss_bytes))
        rows.append(("collector memory", *memory, ""))
    table(
        f"Measured in this window: {fmt.count(results.intervals, 'interval')}, exact",
        ("", "baseline", "candidate", "reduction"),
        rows,
        numeric=(1, 2, 3),
    )


def _projection(results: ExperimentResults) -> None:
    from phoenix_nb.reporting import formats as fmt

    verdict = results.verdict
    projection = verdict.projection
    if projection is None:
        say(f"Projected for typical operation: nothing. {verdict.projection_reason}")
        return
    say(
        f"Projected for typical operation: saving of {_METRIC_WORDS.get(projection.metric, projection.metric)} "
        f"{fmt.percent(projection.estimate)}, {fmt.percent_range(projection.low, projection.high)} "
        f"(valid at every look, error rate {fmt.percent(projection.alpha, 0)})"
    )


def _coverage(coverage: CoverageReport) -> None:
    from phoenix_nb.reporting import formats as fmt

    if not coverage.selectors:
        say(
            "Coverage: no process was declared critical (--critical), so nothing is known about what is lost."
        )
        return
    if not coverage.critical_units:
        say(f"Coverage: no process matched {', '.join(coverage.selectors)}, so nothing is proven.")
        return
    upper = coverage.miss_rate_upper
    table(
        f"Coverage of {fmt.count(coverage.critical_units, 'critical process lifetime')}",
        ("process", "lifetimes", "covered", "in aggregate", "missed"),
        [
            (one.name, one.units, one.covered, one.covered_in_aggregate, one.missed)
            for one in coverage.by_name
        ],
    )
    for miss in coverage.missed[:_MOST_MISSED]:
        pid = "" if miss.pid is None else f" (pid {miss.pid})"
        say(f"  ✕ lost {miss.name}{pid}, last seen {fmt.timestamp(miss.last_seen)}")
    if len(coverage.missed) > _MOST_MISSED:
        say(f"  … and {len(coverage.missed) - _MOST_MISSED:,} more")
    if upper is not None:
        say(f"  No miss; with that many lifetimes the miss rate is below {fmt.percent(upper, 2)}.")


def _cost(rows: tuple[CostRow, ...]) -> None:
    from phoenix_nb.reporting import formats as fmt

    if not rows:
        return
    first = rows[0]
    basis = "marginal" if first.basis.value == "marginal" else "of an account that sends nothing else"
    title = (
        f"Cost per month, {basis}: {fmt.count(first.hosts, 'host')}, "
        f"a scrape every {fmt.duration(first.every)}"
    )
    priced = [row for row in rows if row.saving_per_month is not None]
    if priced:
        table(
            title,
            ("price model", "as of", "baseline", "candidate", "saving", "saving, low to high"),
            [_cost_cells(row) for row in priced],
            numeric=(2, 3, 4, 5),
        )
    else:
        say(f"{title}: no price model can be computed")
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.saving_per_month is None:
            reasons.setdefault(row.reason or "not known", []).append(row.title)
    for reason, titles in reasons.items():
        say(f"  {fmt.MISSING} {'; '.join(titles)}: {reason}")


def _cost_cells(row: CostRow) -> tuple[str, ...]:
    from phoenix_nb.reporting import formats as fmt

    spread = fmt.MISSING
    if row.low is not None and row.high is not None:
        spread = f"{fmt.money(row.low, row.currency)} to {fmt.money(row.high, row.currency)}"
    amounts = (row.baseline_per_month, row.candidate_per_month, row.saving_per_month)
    return (
        row.title,
        row.as_of.isoformat(),
        *(fmt.money(amount, row.currency) for amount in amounts),
        spread,
    )
