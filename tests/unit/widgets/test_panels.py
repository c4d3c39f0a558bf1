from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

import pytest

from phoenix_nb.reporting import message_html, run_html, run_text, simulation_html
from phoenix_nb.reporting._band import band_svg
from phoenix_nb.testing.panel_lab import ScriptedLab
from phoenix_nb_widgets import ExperimentPanel, SimulationPanel


@pytest.fixture
def lab() -> Iterator[ScriptedLab]:
    lab = ScriptedLab(steps=10, delay=0.005)
    yield lab
    lab.close()


def live_widgets() -> int:
    # The public attribute is deprecated and has no successor.
    from ipywidgets.widgets.widget import _instances

    return len(_instances)


def eventually(condition: Callable[[], bool], within: float = 5.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize("kind", [ExperimentPanel, SimulationPanel])
def test_close_leaves_no_widget(lab: ScriptedLab, kind: type[ExperimentPanel]) -> None:
    before = live_widgets()
    panel = kind(lab, period=0.01)
    assert live_widgets() > before
    eventually(lambda: not panel._start.disabled)
    panel._start.click()
    eventually(lambda: "running" in panel.text or "completed" in panel.text)
    panel.close()
    panel.close()
    assert live_widgets() == before
    assert repr(panel) == f"{kind.__name__}(closed)"


def test_start_by_click_and_the_run_is_shown(lab: ScriptedLab) -> None:
    panel = ExperimentPanel(lab, period=0.01)
    eventually(
        lambda: not panel._start.disabled and panel._fields["candidate"].value == "process-priority-v1"
    )
    panel._fields["critical"].value = "postgres"
    panel._start.click()
    eventually(lambda: "Promote" in panel._live.value)
    assert lab.requests[0].critical == ("postgres",)  # type: ignore[union-attr]
    eventually(lambda: not panel._start.disabled)
    assert panel._stop.disabled
    assert "completed, 720 of 720 intervals, promote" in panel._status.value
    panel.close()


def test_an_error_of_an_action_is_in_the_panel(lab: ScriptedLab) -> None:
    panel = ExperimentPanel(lab, period=0.01)
    eventually(lambda: not panel._start.disabled and bool(panel._fields["candidate"].value))
    panel.experiment.edit(candidate="missing", duration="")
    eventually(lambda: panel._fields["candidate"].value == "missing")
    panel._start.click()
    eventually(lambda: "there is no pipeline" in panel._message.value)
    assert 'role="alert"' in panel._message.value
    panel.close()


def test_showing_a_run_again_closes_the_former_panel(lab: ScriptedLab) -> None:
    first = ExperimentPanel(lab)
    first.experiment.load().result(5)
    first.experiment.start().result(5)
    run = first.experiment.run_id
    second = ExperimentPanel(lab, experiment_id=run)
    third = ExperimentPanel(lab, experiment_id=run)
    assert second.closed
    assert not third.closed
    assert not first.closed
    for panel in (first, third):
        panel.close()


def test_text_forms_are_stable(lab: ScriptedLab) -> None:
    panel = ExperimentPanel(lab, period=0.01)
    eventually(lambda: panel.text.startswith("No run yet"))
    assert repr(panel) == "ExperimentPanel(No run yet. Fill in the form and press Start.)"
    bundle = panel._repr_mimebundle_()
    assert bundle["text/plain"] == repr(panel)
    assert "application/vnd.jupyter.widget-view+json" in bundle
    panel.close()
    assert set(panel._repr_mimebundle_()) == {"text/plain"}


def test_what_is_being_typed_is_not_put_back(lab: ScriptedLab) -> None:
    panel = ExperimentPanel(lab, period=0.01)
    eventually(lambda: panel._fields["duration"].value == "60s")
    panel._fields["duration"].value = "5m"
    panel.experiment.edit(seed="4")
    eventually(lambda: panel._fields["seed"].value == "4")
    assert panel._fields["duration"].value == "5m"
    assert panel.experiment.state.form.duration == "5m"
    panel.close()


def test_the_newest_state_is_shown_whatever_arrives_last(lab: ScriptedLab) -> None:
    panel = ExperimentPanel(lab, period=0.01)
    panel.experiment.load().result(5)
    old = panel.experiment.state
    panel.experiment.edit(seed="4")
    panel._render(old)
    assert panel._fields["seed"].value == "4"
    panel.close()


def test_every_field_has_a_label(lab: ScriptedLab) -> None:
    for panel in (ExperimentPanel(lab), SimulationPanel(lab)):
        assert all(field.description for field in panel._fields.values())
        assert panel._start.description == "Start"
        assert panel._stop.description == "Stop"
        panel.close()


def test_values_are_escaped_in_panels(lab: ScriptedLab) -> None:
    evil = "<script>1</script>"
    assert "<script" not in message_html(evil, evil)
    panel = ExperimentPanel(lab)
    model = panel.experiment
    model.load().result(5)
    model.start().result(5)
    eventually(lambda: model.state.run is not None and model.state.run.terminal)
    run = model.state.run
    assert run is not None
    html = run_html(run.model_copy(update={"problem": evil, "notes": (evil, "The pilot is over.")}))
    assert "<script" not in html
    assert "<li>The pilot is over.</li>" in html
    assert "Remarks" not in run_html(run)
    assert run_html(None) == simulation_html(None) == ""
    assert run_text(None, "loading") == "loading …"
    panel.close()


def test_a_run_that_goes_on_is_too_short_only_so_far(lab: ScriptedLab) -> None:
    panel = ExperimentPanel(lab)
    model = panel.experiment
    model.load().result(5)
    model.start().result(5)
    eventually(lambda: model.state.run is not None and model.state.run.terminal)
    run = model.state.run
    assert run is not None
    assert run.verdict is not None
    assert run.points is not None
    verdict = run.verdict.model_copy(
        update={"state": "TOO_SHORT", "reason": "The pilot is not over.", "projection_reason": "No pilot."}
    )
    points = run.points.model_copy(update={"reduction": None})
    ended = run.model_copy(
        update={"verdict": verdict, "points": points, "low": (), "high": (), "elapsed_seconds": ()}
    )
    live = ended.model_copy(update={"terminal": False, "state": "running"})
    assert "too short so far" in run_text(live, "")
    assert run_text(ended, "").endswith("too short")
    for shown, words in (
        (live, ("Too short so far", "Measured so far", "Not estimable yet")),
        (ended, ("Too short", "Measured in this window", "No projection")),
    ):
        assert all(word in run_html(shown) for word in (*words, "No saving can be stated", "No pilot."))
    panel.close()


def test_blockers_are_told_once_and_not_all(lab: ScriptedLab) -> None:
    panel = ExperimentPanel(lab)
    panel.experiment.load().result(5)
    panel.experiment.start().result(5)
    eventually(
        lambda: panel.experiment.state.run is not None and panel.experiment.state.run.verdict is not None
    )
    run = panel.experiment.state.run
    assert run is not None
    assert run.verdict is not None
    row = run.verdict.conditions[0]
    rows = [row.model_copy(update={"text": f"Condition {n} is open.", "blocks": True}) for n in range(6)]
    verdict = run.verdict.model_copy(
        update={"conditions": tuple(rows), "reason": "Not yet: condition 0 is open."}
    )
    html = run_html(run.model_copy(update={"verdict": verdict}))
    assert html.count("Blocks promotion") == 1
    assert "Condition 0" not in html
    assert "Condition 3 is open. And 2 more." in html
    panel.close()


def test_the_band_is_sound_and_says_what_it_shows() -> None:
    svg = band_svg((10.0, 20.0, 30.0), (None, 0.3, 0.35), (None, 0.6, 0.5), 0.4)
    root = ET.fromstring(svg)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == "Projected saving now 35.0 to 50.0 percent, target 40 percent"
    assert "http" not in svg
    assert band_svg((10.0,), (None,), (None,), 0.4) == ""
    assert band_svg((), (), (), None) == ""
    long = tuple(float(i) for i in range(1, 50_001))
    assert len(band_svg(long, (0.3,) * 50_000, (0.5,) * 50_000, None)) < 12_000
