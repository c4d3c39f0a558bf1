"""What a report says beyond figures: what to do next, and what nobody looked at."""

from __future__ import annotations

from phoenix_nb.interfaces import Experiment, ExperimentResults, Recommendation, StaticSafety, VerdictState

__all__ = ["NOT_CHECKED", "recommendations"]

NOT_CHECKED = (
    "alert rules, dashboards and saved queries that use a metric which is gone",
    "queries that people type by hand",
)
"""What no experiment can see."""


def recommendations(experiment: Experiment, results: ExperimentResults) -> tuple[Recommendation, ...]:
    """What to do next, most urgent first."""
    found = [_by_verdict(experiment, results)]
    coverage = results.coverage
    unsafe = sorted(one.name for one in coverage.static if one.safety is StaticSafety.UNSAFE)
    if unsafe:
        found.append(
            Recommendation(
                priority="high",
                title="The rules can lose critical processes",
                action=f"Change the rules so that {', '.join(unsafe)} stay visible whatever their values are.",
            )
        )
    if not experiment.config.plan.critical:
        found.append(
            Recommendation(
                priority="medium",
                title="Nothing was marked as critical",
                action="Name the processes that must stay visible; without them a candidate is never promoted.",
            )
        )
    if coverage.unmatched_selectors:
        names = ", ".join(coverage.unmatched_selectors)
        found.append(
            Recommendation(
                priority="medium",
                title="A critical selector matched nothing",
                action=f"Check the spelling of {names}, or run where those processes are.",
            )
        )
    order = {"high": 0, "medium": 1, "low": 2}
    return tuple(sorted(found, key=lambda one: order[one.priority]))


def _by_verdict(experiment: Experiment, results: ExperimentResults) -> Recommendation:
    verdict = results.verdict
    candidate = experiment.candidate_pipeline
    texts = {
        VerdictState.PROMOTE: ("medium", "Promote the candidate", f"Deploy {candidate} on the target nodes."),
        VerdictState.REJECT: ("high", "Keep the baseline", "Do not deploy this candidate."),
        VerdictState.KEEP_RUNNING: ("low", "Keep it running", "The run has not decided yet."),
        VerdictState.INCONCLUSIVE: (
            "medium",
            "Run longer, or compare something else",
            "The planned length was too short for a decision at this noise.",
        ),
        VerdictState.UNHEALTHY: (
            "high",
            "Repair the run first",
            "Its figures cannot be used for a decision.",
        ),
        VerdictState.TOO_SHORT: (
            "medium",
            "Run longer",
            "The window's figures are exact, a claim needs more.",
        ),
        VerdictState.DRIFT: ("medium", "Run again in a steadier time", "The saving changed during the run."),
    }
    priority, title, action = texts[verdict.state]
    return Recommendation.model_validate(
        {"priority": priority, "title": title, "action": f"{action} {verdict.reason}"}
    )
