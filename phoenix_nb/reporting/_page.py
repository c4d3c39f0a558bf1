"""The sections of a comparison report as objects that a notebook cell displays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from phoenix_nb.errors import JsonValue
from phoenix_nb.reporting import formats as fmt
from phoenix_nb.reporting._charts import saving_chart, thin, volume_chart
from phoenix_nb.reporting._comparison_data import ComparisonData, CoverageName, LossLine
from phoenix_nb.reporting._diff import changed_lines
from phoenix_nb.reporting._words import CONDITION_SIGNS, Sign, verdict_sign

__all__ = ["ComparisonPage", "Html", "html_environment", "stylesheet"]

_PAGE = Path(__file__).resolve().parent / "page"

_BASIS_WORDS = {
    "marginal": "what the change adds to or takes from a bill that already used its free tier",
    "account": "the bill of an account that sends nothing else",
}

SECTIONS = (
    ("saving", "Saving"),
    ("coverage", "Coverage"),
    ("cost", "Cost"),
    ("course", "Course"),
    ("losses", "Losses"),
    ("configuration", "Configuration"),
    ("conditions", "Conditions"),
    ("plan", "Plan"),
    ("window", "Window"),
    ("method", "Method"),
)


@cache
def stylesheet() -> str:
    """The style sheet that reports, panels and HTML reprs share."""
    return (_PAGE / "phoenix.css").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of a page and the same in plain words."""

    html: str
    """The markup; every value in it is escaped."""
    text: str
    """One or a few lines for displays without HTML."""

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        """HTML, and the words for plain displays."""
        del include, exclude
        return {"text/html": self.html, "text/plain": self.text}

    def __repr__(self) -> str:
        return self.text


class ComparisonPage:
    """One comparison as the sections of a page; nothing here computes a figure.

    Args:
        data: what the page shows.
        title: heading of the page; empty takes the experiment's name.
    """

    def __init__(self, data: ComparisonData, *, title: str = "") -> None:
        self.data = data
        self.title = title or data.name
        self.sign = verdict_sign(data.verdict.state)
        self._macros = _environment().get_template("sections.html.j2").module

    @classmethod
    def load(cls, data_path: str, *, title: str = "") -> ComparisonPage:
        """Read the file that lies beside the report.

        Raises:
            NotFoundError: there is no such file.
            InvalidRequestError: it is not a comparison file.
        """
        return cls(ComparisonData.read(Path(data_path)), title=title)

    def style(self) -> Html:
        """The style sheet, for reading the notebook itself; the exported page brings its own."""
        return Html(f"<style>{stylesheet()}</style>", "style sheet")

    def head(self) -> Html:
        """Title, facts and the verdict."""
        return self._section(
            "head", f"{self.sign.word}: {self.data.verdict.reason}", self.title, SECTIONS, self.sign
        )

    def saving(self) -> Html:
        """What was measured, and beside it what is projected."""
        window, projection = self.data.window, self.data.projection
        text = f"Measured in this window: {fmt.percent(window.points.reduction)} fewer data points. "
        if projection is None:
            text += f"No projection: {self.data.projection_reason}"
        else:
            text += f"Projected: {fmt.percent_range(projection.low, projection.high)}."
        return self._section("saving", text)

    def coverage(self) -> Html:
        """What became of the critical processes, by name."""
        return self._section("coverage", _coverage_sentence(self.data))

    def cost(self) -> Html:
        """The month under every price model."""
        lines = [
            f"{row.title}: {fmt.money(row.saving_per_month, row.currency)} less per month"
            if row.saving_per_month is not None
            else f"{row.title}: {row.reason or 'not available'}"
            for row in self.data.cost
        ]
        if self.data.verdict.state == "UNHEALTHY":
            lines = ["not compared: the run was unhealthy"]
        return self._section("cost", "\n".join(lines) or "no price model was asked for")

    def charts(self) -> Html:
        """The course of the run: the projection in one picture, what was measured in another."""
        frame, plan = self.data.frame, self.data.plan
        alpha = self.data.projection.alpha if self.data.projection is not None else plan.alpha
        band = saving_chart(frame.elapsed_seconds, frame.low, frame.high, plan.target, alpha=alpha)
        volume = volume_chart(frame.elapsed_seconds, frame.baseline_points, frame.candidate_points)
        rows = [
            {
                "index": frame.index[i],
                "elapsed": frame.elapsed_seconds[i],
                "baseline": frame.baseline_points[i],
                "candidate": frame.candidate_points[i],
                "low": frame.low[i],
                "high": frame.high[i],
            }
            for i in thin(len(frame.index), limit=12)
        ]
        words = [chart.text for chart in (band, volume) if chart is not None]
        return self._section("charts", " ".join(words) or "no interval was finished", band, volume, rows)

    def losses(self) -> Html:
        """What the candidate no longer shows, by name, and what nobody checked."""
        return self._section("losses", _loss_sentence(self.data))

    def configs(self) -> Html:
        """The changed lines of the configuration, and both texts."""
        lines = changed_lines(self.data.pipelines.baseline_yaml, self.data.pipelines.candidate_yaml)
        changed = sum(kind != "hunk" for kind, _ in lines)
        return self._section("configs", f"{fmt.count(changed, 'changed line')}", lines)

    def conditions(self) -> Html:
        """Every condition and how it stands."""
        lines = [f"{CONDITION_SIGNS[row.status].word}: {row.name}" for row in self.data.conditions]
        return self._section("conditions", "\n".join(lines) or "the plan has no condition")

    def plan(self) -> Html:
        """What was fixed before the run."""
        return self._section("plan", f"plan {self.data.plan.hash}")

    def window(self) -> Html:
        """How typical the window is."""
        return self._section(
            "window", "\n".join(f"{name}: {value}" for name, value in _window_rows(self.data))
        )

    def method(self) -> Html:
        """How the figures came about and what they assume."""
        return self._section("method", "method and assumptions")

    def result(self) -> dict[str, JsonValue]:
        """The result of record: what a program wants to know of this report. Fractions stay fractions."""
        data = self.data
        projection = data.projection
        return {
            "schema_version": 1,
            "experiment_id": data.experiment_id,
            "plan_hash": data.plan.hash,
            "state": data.verdict.state,
            "decided_by": data.verdict.decided_by,
            "reason": data.verdict.reason,
            "points_reduction": data.window.points.reduction,
            "series_reduction": data.window.series.reduction,
            "bytes_reduction": data.window.bytes.reduction,
            "projection": None
            if projection is None
            else {
                "estimate": projection.estimate,
                "low": projection.low,
                "high": projection.high,
                "alpha": projection.alpha,
            },
            "critical_units": data.coverage.units,
            "missed": len(data.coverage.missed),
            # What an arm failed to send is no saving, whatever the arithmetic says.
            "saving_per_month": {
                row.price_model: None if data.verdict.state == "UNHEALTHY" else row.saving_per_month
                for row in data.cost
            },
        }

    def _section(self, name: str, text: str, *arguments: object) -> Html:
        macro: Any = getattr(self._macros, name)
        return Html(f'<div class="phx">{macro(self.data, *arguments)}</div>', text)


def _coverage_sentence(data: ComparisonData) -> str:
    coverage = data.coverage
    if not coverage.selectors:
        return "No process was declared critical, so nothing is known about what you would miss."
    if not coverage.units:
        return (
            "No process matched a critical selector, so nothing is proven about them "
            "and the candidate cannot be promoted."
        )
    seen = fmt.count(coverage.units, "process lifetime")
    if coverage.missed:
        names = ", ".join(sorted({miss.name for miss in coverage.missed}))
        return f"The candidate lost sight of {fmt.number(len(coverage.missed))} of {seen}: {names}."
    text = f"The candidate missed none of {seen}."
    if coverage.miss_rate_upper is not None:
        text += f" With that many, the rate of misses is below {fmt.percent(coverage.miss_rate_upper, 2)}."
    return text


def _loss_sentence(data: ComparisonData) -> str:
    if not data.losses:
        return "nothing is lost"
    gone = sum(row.candidate_points == 0 for row in data.losses)
    processes = len({row.process for row in data.losses if row.candidate_points == 0})
    text = f"{fmt.count(gone, 'metric')} of {fmt.count(processes, 'process name')} would be gone"
    thinner = len(data.losses) - gone
    return text + (f", and {fmt.number(thinner)} would have fewer points." if thinner else ".")


def _cost_caption(data: ComparisonData) -> str:
    seen = {(row.every, row.hosts, row.basis.value) for row in data.cost}
    parts = [
        f"{_BASIS_WORDS[basis]}, {fmt.count(hosts, 'host')}, a scrape every {fmt.duration(every)}"
        for every, hosts, basis in sorted(seen)
    ]
    return "A month of 730 hours: " + "; ".join(parts)


def _plain_source(source: str) -> str:
    # A report refers to nothing outside itself: an address is printed without its scheme and is no link.
    return source.replace("https://", "").replace("http://", "")


def _window_rows(data: ComparisonData) -> list[tuple[str, str]]:
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


def _last_value(row: LossLine) -> str:
    if row.last_value is None:
        return fmt.MISSING
    if row.unit == "By":
        return fmt.bytes_text(row.last_value)
    return f"{fmt.number(row.last_value, 2 if abs(row.last_value) < 1000 else 0)} {row.unit}".strip()


def _coverage_sign(row: CoverageName) -> Sign:
    if row.missed:
        return Sign("missed", "✕", "bad", "")
    if row.in_aggregate:
        return Sign("in aggregate", "≈", "warn", "")
    return Sign("covered", "✓", "good", "")


def _static_sign(safe: bool | None) -> Sign:
    if safe is None:
        return Sign("Rules unknown", "?", "calm", "")
    return Sign("Rules safe", "✓", "good", "") if safe else Sign("Rules unsafe", "✕", "bad", "")


def html_environment(folder: Path) -> Any:
    """A Jinja environment over ``folder`` that escapes every value and formats figures as reports do."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        percent=fmt.percent,
        percent_range=fmt.percent_range,
        number=fmt.number,
        money=fmt.money,
        bytes=fmt.bytes_text,
        duration=fmt.duration,
        timestamp=fmt.timestamp,
        plain_source=_plain_source,
    )
    environment.globals.update(coverage_sign=_coverage_sign, verdict_sign=verdict_sign)
    return environment


@cache
def _environment() -> Any:
    environment = html_environment(_PAGE)
    environment.globals.update(
        coverage_sentence=_coverage_sentence,
        loss_sentence=_loss_sentence,
        cost_caption=_cost_caption,
        window_rows=_window_rows,
        last_value=_last_value,
        static_sign=_static_sign,
        condition_sign=CONDITION_SIGNS.__getitem__,
    )
    return environment
