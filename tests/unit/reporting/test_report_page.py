from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from phoenix_nb.interfaces.evidence import ConditionRole
from phoenix_nb.reporting import (
    ComparisonPage,
    ComparisonParameters,
    cell_parameters,
    report_notebook_path,
    stylesheet,
    template_root,
)
from phoenix_nb.reporting._words import CONDITION_SIGNS, VERDICT_SIGNS
from phoenix_nb.testing.sample_reports import sample_comparison

STATES = sorted(VERDICT_SIGNS)
PARTS = (
    "head",
    "saving",
    "coverage",
    "cost",
    "charts",
    "losses",
    "configs",
    "conditions",
    "plan",
    "window",
    "method",
)


class _Checker(HTMLParser):
    """Notes what an accessible page must have."""

    void = frozenset({"br", "meta", "img", "input", "hr", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.problems: list[str] = []
        self.tables = self.captions = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag not in self.void:
            self.open.append(tag)
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if "id" in given:
            self.ids.append(given["id"] or "")
        if tag == "th" and given.get("scope") not in {"row", "col"}:
            self.problems.append("a th without scope")
        if tag == "svg" and not (given.get("role") == "img" and given.get("aria-label")):
            self.problems.append("an svg without words")
        for name in ("src", "href"):
            if name in given and not (given[name] or "").startswith("#"):
                self.problems.append(f"{tag} {name}={given[name]}")

    def handle_endtag(self, tag: str) -> None:
        # SVG children may close themselves; every other element must be closed in order.
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in self.void:
            self.problems.append(f"</{tag}> where <{self.open[-1:]}> is open")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.void:
            self.open.pop()


def _whole(state: str, **more: object) -> str:
    page = ComparisonPage(sample_comparison(state, intervals=150, **more))  # type: ignore[arg-type]
    return "".join(getattr(page, part)().html for part in PARTS)


@pytest.mark.parametrize("state", STATES)
def test_every_verdict_makes_a_sound_page(state: str) -> None:
    html = _whole(state)
    checker = _Checker()
    checker.feed(html)
    assert checker.problems == []
    assert checker.open == []
    assert checker.tables == checker.captions > 0
    assert len(checker.ids) == len(set(checker.ids))
    # The contents must lead somewhere.
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(checker.ids)


@pytest.mark.parametrize("state", STATES)
def test_the_verdict_is_word_and_symbol_and_comes_first(state: str) -> None:
    page = ComparisonPage(sample_comparison(state, intervals=150))
    head = page.head().html
    assert VERDICT_SIGNS[state].word in head
    assert VERDICT_SIGNS[state].glyph in head
    assert head.index("verdict") < head.index("<nav")
    assert page.data.verdict.reason.split(" ")[0] in head


def test_signs_differ_without_colour() -> None:
    for signs in (VERDICT_SIGNS, CONDITION_SIGNS):
        assert len({(sign.word, sign.glyph) for sign in signs.values()}) == len(signs)
        assert len({sign.glyph for sign in signs.values()}) == len(signs)


def test_measured_and_projected_stand_apart() -> None:
    html = ComparisonPage(sample_comparison("PROMOTE")).saving().html
    measured, projected = html.split('<div class="box projected">')
    assert "Measured in this window" in measured
    assert "interval" not in measured.replace("says nothing", "")
    assert "Projected to typical operation" in projected
    assert "between" in projected


def test_no_projection_says_why_and_shows_no_figure() -> None:
    page = ComparisonPage(sample_comparison("TOO_SHORT", intervals=30))
    projected = page.saving().html.split('<div class="box projected">')[1]
    assert "No projection" in projected
    reason = page.data.verdict.projection_reason
    assert reason is not None
    assert reason in projected
    assert "%" not in projected
    assert "no band to draw" in page.charts().html


def test_an_unhealthy_run_shows_no_saving_anywhere() -> None:
    page = ComparisonPage(sample_comparison("UNHEALTHY"))
    assert "No saving can be stated" in page.saving().html
    assert "$" not in page.cost().html
    result = page.result()
    assert result["points_reduction"] is None
    assert set(result["saving_per_month"].values()) == {None}  # type: ignore[union-attr]


def test_a_miss_is_named() -> None:
    page = ComparisonPage(sample_comparison("REJECT"))
    html = page.coverage().html
    assert "postgres" in html
    assert "2214" in html
    assert "lost sight of 1 of" in page.coverage().text


def test_a_silent_candidate_saves_no_money_whatever_the_verdict() -> None:
    data = sample_comparison("REJECT")
    nothing = data.window.points.model_copy(update={"candidate": 0, "reduction": None})
    silent = data.model_copy(update={"window": data.window.model_copy(update={"points": nothing})})
    page = ComparisonPage(silent)
    assert "$" not in page.cost().html
    assert set(page.result()["saving_per_month"].values()) == {None}  # type: ignore[union-attr]


@pytest.mark.parametrize("state", STATES)
def test_what_decided_is_said_once_and_only_a_verdict_against_it_is_a_violation(state: str) -> None:
    data = sample_comparison(state, intervals=150)
    row = data.verdict.conditions[0].model_copy(
        update={
            "id": "saving:data_points",
            "role": ConditionRole.SUCCESS,
            "met": False,
            "low": 0.345,
            "bound": 0.4,
        }
    )
    row = row.model_copy(update={"text": "The saving lies between 34.5 % and 41.7 %."})
    verdict = data.verdict.model_copy(
        update={
            "conditions": (*(one for one in data.verdict.conditions if one.id != row.id), row),
            "decided_by": row.id,
            "reason": "A person has to decide: the saving lies between 34.5 % and 41.7 %.",
        }
    )
    page = ComparisonPage(data.model_copy(update={"verdict": verdict}))
    head = page.head().html
    assert head.count("between 34.5 % and 41.7 %") == 1
    assert "the lower end of the interval is 5.5 percentage points short" in head
    against = state in {"REJECT", "UNHEALTHY", "DRIFT"}
    assert ("violated" in page.conditions().html) == against
    # What is not met stands first.
    assert page.conditions().text.startswith("violated" if against else "not met")


def test_more_points_are_no_negative_saving() -> None:
    data = sample_comparison("INCONCLUSIVE")
    for reduction, words in (
        (0.25, "25.0\u00a0% fewer"),
        (-0.25, "25.0\u00a0% more"),
        (0.0, "the same number"),
    ):
        points = data.window.points.model_copy(update={"reduction": reduction})
        page = ComparisonPage(
            data.model_copy(update={"window": data.window.model_copy(update={"points": points})})
        )
        assert words in page.saving().text


def test_every_public_name_is_there() -> None:
    import phoenix_nb.reporting as package

    assert all(hasattr(package, name) for name in package.__all__)
    assert set(package.__all__) <= set(dir(package))


def test_an_unknown_cost_gives_its_reason() -> None:
    data = sample_comparison("PROMOTE")
    html = ComparisonPage(data).cost().html
    unknown = next(row for row in data.cost if row.baseline_per_month is None)
    assert unknown.reason is not None
    assert unknown.reason in html
    assert all(row.as_of.isoformat() in html for row in data.cost)


def test_values_are_escaped() -> None:
    data = sample_comparison("PROMOTE", intervals=150)
    assert data.losses is not None
    evil = '<script>alert("x")</script>'
    changed = data.model_copy(
        update={
            "name": evil,
            "experiment_id": evil,
            "losses": (data.losses[0].model_copy(update={"process": evil, "metric": evil}),),
            "notes": (evil,),
            "pipelines": data.pipelines.model_copy(update={"candidate_yaml": evil, "candidate_name": evil}),
        }
    )
    page = ComparisonPage(changed)
    assert "<script" not in "".join(getattr(page, part)().html for part in PARTS)


def test_nothing_refers_to_the_outside() -> None:
    for state in ("PROMOTE", "TOO_SHORT"):
        html = _whole(state)
        assert not re.search(r"https?://", html)
    sheets = [stylesheet(), *(path.read_text() for path in (template_root() / "phoenix").iterdir())]
    for text in sheets:
        assert not re.search(r"https?://|@import|url\(|<script", text)


def test_the_parameters_cell_equals_its_model() -> None:
    assert cell_parameters(report_notebook_path()) == ComparisonParameters().model_dump()


def test_the_report_notebook_keeps_no_output() -> None:
    import json

    notebook = json.loads(report_notebook_path().read_text())
    assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in notebook["cells"])
    assert "widgets" not in notebook["metadata"]


def test_text_forms_are_there_and_stable() -> None:
    page = ComparisonPage(sample_comparison("PROMOTE"))
    for part in PARTS:
        shown = getattr(page, part)()
        assert shown.text
        assert repr(shown) == shown.text == getattr(page, part)()._repr_mimebundle_()["text/plain"]


def test_a_large_run_stays_a_small_page() -> None:
    page = ComparisonPage(sample_comparison("PROMOTE", intervals=20_000))
    assert sum(len(getattr(page, part)().html) for part in PARTS) < 500_000
