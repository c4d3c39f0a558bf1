from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from typing import Any

import pytest

from phoenix_nb.errors import InvalidRequestError, NotFoundError
from phoenix_nb.testing.panel_lab import ScriptedLab
from phoenix_nb_widgets import (
    ExperimentForm,
    ExperimentViewModel,
    LatestWins,
    SimulationForm,
    SimulationViewModel,
)
from phoenix_nb_widgets._forms import globs, seconds, whole


@pytest.fixture
def lab() -> Iterator[ScriptedLab]:
    lab = ScriptedLab(steps=10, delay=0.005)
    yield lab
    lab.close()


def eventually(condition: Callable[[], bool], within: float = 5.0) -> None:
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_loading_fills_the_choices_and_sensible_defaults(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab)
    model.load().result(5)
    form = model.state.form
    assert (form.source, form.baseline, form.candidate) == (
        "sim:realistic",
        "process-baseline-v1",
        "process-priority-v1",
    )
    assert model.state.can_start
    assert not model.state.can_stop
    model.close()


def test_start_sends_what_the_form_says_and_watches_to_the_end(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab)
    model.load().result(5)
    model.edit(critical="postgres, nginx*  postgres", duration="1h30m", seed="7")
    model.start().result(5)
    request = lab.requests[0]
    assert request.critical == ("postgres", "nginx*")  # type: ignore[union-attr]
    assert request.duration_seconds == 5400
    assert request.seed == 7
    eventually(lambda: model.state.run is not None and model.state.run.terminal)
    run = model.state.run
    assert run is not None
    assert run.verdict is not None
    assert run.verdict.state == "PROMOTE"
    assert model.state.can_start
    model.close()


def test_stop_ends_the_run_and_stopping_nothing_is_told(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab)
    with pytest.raises(InvalidRequestError):
        model.stop().result(5)
    assert "no run to stop" in model.state.error
    model.load().result(5)
    model.start().result(5)
    model.stop().result(5)
    assert model.state.run is not None
    assert model.state.run.terminal
    assert model.state.error == ""
    model.close()


def test_a_refused_action_is_in_the_state_and_in_the_future(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab)
    model.load().result(5)
    model.edit(candidate="missing")
    with pytest.raises(NotFoundError):
        model.start().result(5)
    assert model.state.error == "there is no pipeline 'missing'"
    assert "pipeline list" in model.state.hint
    assert model.state.busy == ""
    model.edit(candidate="process-minimal-v1")
    model.start().result(5)
    assert model.state.error == ""
    model.close()


def test_a_defect_is_shown_too(lab: ScriptedLab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> str:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(lab, "start_comparison", broken)
    model = ExperimentViewModel(lab)
    model.load().result(5)
    with pytest.raises(ZeroDivisionError):
        model.start().result(5)
    assert model.state.error == "ZeroDivisionError: oops"
    model.close()


def test_a_failure_that_the_panel_shows_is_no_news_for_the_log(
    lab: ScriptedLab, caplog: pytest.LogCaptureFixture
) -> None:
    model = ExperimentViewModel(lab)
    model.load().result(5)
    model.edit(candidate="missing")
    wait([model.start()])
    assert "there is no pipeline" in model.state.error
    model.close()
    del model
    gc.collect()
    assert caplog.text == ""


def test_pressing_twice_is_pressing_once(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab)
    model.load().result(5)
    gate = threading.Event()
    accept = lab.start_comparison

    async def slow(request: Any) -> str:
        await asyncio.to_thread(gate.wait, 5)
        return await accept(request)

    lab.start_comparison = slow  # type: ignore[method-assign]
    first, second = model.start(), model.start()
    gate.set()
    assert first is second
    first.result(5)
    assert len(lab.requests) == 1
    model.close()


def test_a_stored_run_is_shown_again(lab: ScriptedLab) -> None:
    first = ExperimentViewModel(lab)
    first.load().result(5)
    first.start().result(5)
    experiment_id = first.run_id
    first.close()
    again = ExperimentViewModel(lab, run_id=experiment_id)
    again.load().result(5)
    assert again.state.run is not None
    assert again.state.run.experiment_id == experiment_id
    eventually(lambda: again.state.run is not None and again.state.run.terminal)
    again.close()


def test_an_unknown_run_is_told(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab, run_id="exp_none")
    with pytest.raises(NotFoundError):
        model.load().result(5)
    assert "exp_none" in model.state.error
    # The form is usable all the same.
    assert model.state.pipelines
    model.close()


def test_closing_ends_the_watch_and_not_the_run(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab)
    model.load().result(5)
    model.start().result(5)
    seen: list[object] = []
    model.on_change(seen.append)
    model.close()
    model.close()
    time.sleep(0.05)
    count = len(seen)
    time.sleep(0.05)
    assert len(seen) == count
    assert model.run_id is not None
    view = lab.submit(lab.run_view(model.run_id)).result(5)
    assert not view.terminal


def test_a_listener_that_fails_stops_nobody(lab: ScriptedLab, caplog: pytest.LogCaptureFixture) -> None:
    model = ExperimentViewModel(lab)
    seen: list[object] = []

    def broken(_: object) -> None:
        raise RuntimeError("viewer")

    model.on_change(broken)
    forget = model.on_change(seen.append)
    model.load().result(5)
    assert seen
    assert "broken" in caplog.text
    forget()
    count = len(seen)
    model.edit(seed="3")
    assert len(seen) == count
    model.close()


def test_a_failing_viewer_raises_when_asked_to(lab: ScriptedLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOENIX_DEBUG_CALLBACKS", "1")
    model = ExperimentViewModel(lab)

    def broken(_: object) -> None:
        raise RuntimeError("viewer")

    model.on_change(broken)
    with pytest.raises(RuntimeError, match="viewer"):
        model.edit(seed="3")
    model.close()


def test_a_watch_that_breaks_is_told(lab: ScriptedLab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: str) -> Any:
        raise ConnectionError("the hub is gone")
        yield

    monkeypatch.setattr(lab, "watch_run", broken)
    model = ExperimentViewModel(lab)
    model.load().result(5)
    model.start().result(5)
    eventually(lambda: "the hub is gone" in model.state.error)
    model.close()


def test_simulations_start_count_and_stop(lab: ScriptedLab) -> None:
    model = SimulationViewModel(lab)
    model.load().result(5)
    model.edit(seed="11", duration="2m", processes="50")
    model.start().result(5)
    request = lab.requests[0]
    assert (request.profile, request.seed, request.duration_seconds) == ("realistic", 11, 120)  # type: ignore[union-attr]
    eventually(lambda: model.state.run is not None and bool(model.state.run.points))
    model.stop().result(5)
    assert model.state.run is not None
    assert model.state.run.terminal
    model.close()


@pytest.mark.parametrize(
    ("form", "word"),
    [
        (ExperimentForm(), "source"),
        (ExperimentForm(source="host", baseline="a", candidate=" "), "candidate"),
        (ExperimentForm(source="host", baseline="a", candidate="b", duration="soon"), "duration"),
        (ExperimentForm(source="host", baseline="a", candidate="b", duration="0s"), "duration"),
        (ExperimentForm(source="host", baseline="a", candidate="b", every="-1"), "every"),
        (ExperimentForm(source="host", baseline="a", candidate="b", seed="x"), "seed"),
    ],
)
def test_what_cannot_be_read_names_its_field(form: ExperimentForm, word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word) as refused:
        form.request()
    assert refused.value.hint
    assert refused.value.details["field"] == word


@pytest.mark.parametrize(
    "form",
    [
        SimulationForm(),
        SimulationForm(profile="realistic", duration=""),
        SimulationForm(profile="realistic", processes="0"),
        SimulationForm(profile="realistic", seed="1.5"),
    ],
)
def test_a_simulation_form_is_checked(form: SimulationForm) -> None:
    with pytest.raises(InvalidRequestError):
        form.request()


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("60s", 60), ("10 m", 600), ("1h30m", 5400), ("250ms", 0.25), ("", None), ("2D", 172800)],
)
def test_lengths_of_time(text: str, expected: float | None) -> None:
    assert seconds(text, "duration") == expected


def test_small_readers() -> None:
    assert globs(" a,b\n c ,, a") == ("a", "b", "c")
    assert globs("") == ()
    assert whole("", "seed") is None
    assert whole(" 12 ", "seed") == 12


class TestLatestWins:
    def test_a_burst_becomes_few_updates_and_the_last_one_arrives(self, lab: ScriptedLab) -> None:
        seen: list[int] = []
        throttle = LatestWins(lab, seen.append, period=0.02)
        for value in range(1000):
            throttle.offer(value)
        eventually(lambda: bool(seen) and seen[-1] == 999)
        assert len(seen) < 50
        assert seen == sorted(seen)

    def test_at_most_ten_per_second(self, lab: ScriptedLab) -> None:
        seen: list[int] = []
        throttle = LatestWins(lab, seen.append)
        start = time.monotonic()
        value = 0
        while time.monotonic() - start < 0.55:
            throttle.offer(value)
            value += 1
            time.sleep(0.001)
        eventually(lambda: seen[-1] == value - 1)
        assert len(seen) <= 9

    def test_a_later_value_is_handed_on_too(self, lab: ScriptedLab) -> None:
        seen: list[int] = []
        throttle = LatestWins(lab, seen.append, period=0.001)
        throttle.offer(1)
        eventually(lambda: seen == [1])
        time.sleep(0.02)
        throttle.offer(2)
        eventually(lambda: seen == [1, 2])

    def test_closed_means_quiet(self, lab: ScriptedLab) -> None:
        seen: list[int] = []
        throttle = LatestWins(lab, seen.append, period=0.001)
        throttle.close()
        throttle.offer(1)
        time.sleep(0.02)
        assert seen == []


def test_no_edit_is_lost_between_threads(lab: ScriptedLab) -> None:
    model = ExperimentViewModel(lab)
    model.load().result(5)
    names = ("critical", "duration", "every", "seed")

    def type_into(name: str) -> None:
        for number in range(200):
            model.edit(**{name: str(number)})

    typing = [threading.Thread(target=type_into, args=(name,)) for name in names]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in typing:
            thread.start()
        for thread in typing:
            thread.join(10)
    finally:
        sys.setswitchinterval(interval)
    assert {getattr(model.state.form, name) for name in names} == {"199"}
    model.close()
