"""The sections of a comparison report as objects that a notebook cell displays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from phoenix_nb.errors import JsonValue
from phoenix_nb.reporting import _sentences as words
from phoenix_nb.reporting import formats as fmt
from phoenix_nb.reporting._build import METRIC_WORDS
from phoenix_nb.reporting._charts import saving_chart, thin, volume_chart
from phoenix_nb.reporting._comparison_data import ComparisonData
from phoenix_nb.reporting._diff import changed_lines
from phoenix_nb.reporting._words import verdict_sign

__all__ = ["ComparisonPage", "Html", "html_environment", "stylesheet"]

_PAGE = Path(__file__).resolve().parent / "page"

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
        window, projection = self.data.window, self.data.verdict.projection
        reduction = window.points.reduction
        measured = (
            "no saving can be stated" if reduction is None else " ".join(words.reduction_words(reduction))
        )
        text = f"Measured in this window: {measured}. "
        if projection is None:
            text += f"No projection: {self.data.verdict.projection_reason}"
        else:
            text += f"Projected: {fmt.percent_range(projection.low, projection.high)}."
        return self._section("saving", text)

    def coverage(self) -> Html:
        """What became of the critical processes, by name."""
        return self._section("coverage", words.coverage_sentence(self.data))

    def cost(self) -> Html:
        """The month under every price model."""
        lines = [
            f"{row.title}: {fmt.money(row.saving_per_month, row.currency)} less per month"
            if row.saving_per_month is not None
            else f"{row.title}: {row.reason or 'not available'}"
            for row in self.data.cost
        ]
        if not words.comparable_cost(self.data):
            lines = ["not compared: what an arm failed to send is no saving"]
        return self._section("cost", "\n".join(lines) or "no price model was asked for")

    def charts(self) -> Html:
        """The course of the run: the projection in one picture, what was measured in another."""
        frame, plan = self.data.frame, self.data.plan
        band = saving_chart(
            frame.elapsed_seconds, frame.low, frame.high, plan.success.target, alpha=plan.alpha
        )
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
        texts = [chart.text for chart in (band, volume) if chart is not None]
        return self._section("charts", " ".join(texts) or "no interval was finished", band, volume, rows)

    def losses(self) -> Html:
        """What the candidate no longer shows, by name, and what nobody checked."""
        return self._section("losses", words.loss_sentence(self.data))

    def configs(self) -> Html:
        """The changed lines of the configuration, and both texts."""
        lines = changed_lines(self.data.pipelines.baseline_yaml, self.data.pipelines.candidate_yaml)
        changed = sum(kind != "hunk" for kind, _ in lines)
        return self._section("configs", f"{fmt.count(changed, 'changed line')}", lines)

    def conditions(self) -> Html:
        """Every condition and how it stands."""
        verdict = self.data.verdict
        lines = [
            f"{words.condition_sign(row, verdict).word}: {row.text}" for row in words.conditions(self.data)
        ]
        return self._section("conditions", "\n".join(lines) or "the plan has no condition")

    def plan(self) -> Html:
        """What was fixed before the run."""
        return self._section("plan", f"plan {self.data.plan_hash}")

    def window(self) -> Html:
        """How typical the window is."""
        return self._section(
            "window", "\n".join(f"{name}: {value}" for name, value in words.window_rows(self.data))
        )

    def method(self) -> Html:
        """How the figures came about and what they assume."""
        return self._section("method", "method and assumptions")

    def result(self) -> dict[str, JsonValue]:
        """The result of record: what a program wants to know of this report. Fractions stay fractions."""
        data = self.data
        projection = data.verdict.projection
        return {
            "schema_version": 1,
            "experiment_id": data.experiment_id,
            "plan_hash": data.plan_hash,
            "state": data.verdict.state.value,
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
            "critical_units": data.coverage.critical_units,
            "missed": len(data.coverage.missed),
            # What an arm failed to send is no saving, whatever the arithmetic says.
            "saving_per_month": {
                row.price_model: row.saving_per_month if words.comparable_cost(data) else None
                for row in data.cost
            },
        }

    def _section(self, name: str, text: str, *arguments: object) -> Html:
        macro: Any = getattr(self._macros, name)
        return Html(f'<div class="phx">{macro(self.data, *arguments)}</div>', text)


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
        plain_source=words.plain_source,
    )
    environment.globals.update(
        coverage_sign=words.coverage_sign, reduction_words=words.reduction_words, verdict_sign=verdict_sign
    )
    return environment


@cache
def _environment() -> Any:
    environment = html_environment(_PAGE)
    environment.globals.update(
        coverage_sentence=words.coverage_sentence,
        loss_sentence=words.loss_sentence,
        cost_caption=words.cost_caption,
        window_rows=words.window_rows,
        last_value=words.last_value,
        static_signs=words.static_signs,
        comparable_cost=words.comparable_cost,
        condition_sign=words.condition_sign,
        ordered_conditions=words.conditions,
        condition_figure=words.condition_figure,
        margin=words.margin,
        why=words.why,
        forecast=words.forecast,
        plan_yaml=words.plan_yaml,
        metric_words=METRIC_WORDS,
    )
    return environment
