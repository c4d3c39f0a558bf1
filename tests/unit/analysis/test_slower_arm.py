"""A candidate that scrapes more slowly than the source is judged where it scrapes, and for what it never sees."""

from __future__ import annotations

import numpy as np
import pytest

from phoenix_nb.analysis import ArmOutput, ExperimentMeter
from phoenix_nb.interfaces import CoverageReport, Plan
from phoenix_nb.otlp import Dictionaries, Frames
from tests.unit.analysis.meter_world import SECOND, T0, Process, scrape

PLAN = Plan(critical=("db", "job"), required_metrics=("process.cpu.time",))


def measured(
    histories: list[list[str]], *, chunk: int, ratio: int = 2
) -> tuple[ExperimentMeter, CoverageReport]:
    """A run over scrapes that hold the named processes; the candidate takes every ``ratio``-th of them."""
    known = Dictionaries()
    frames = scrape(
        known,
        [
            (T0 + at * 10 * SECOND, [Process(name, pid=ord(name[0]), start=T0) for name in names])
            for at, names in enumerate(histories)
        ],
    )
    meter = ExperimentMeter(PLAN, known, period_seconds=10.0, flush_seconds=10.0 * ratio)
    for start in range(0, frames.n_payloads, chunk):
        part = frames.slice(start, start + chunk)
        taken = (np.arange(start, start + part.n_payloads) % ratio) == 0
        sent = part.where(resources=taken[part.rm_payload])
        skipped = frozenset(np.flatnonzero(~taken).tolist())
        meter.observe(part, part, ArmOutput(sent, skipped=skipped))
    meter.finish()
    return meter, meter.coverage()


@pytest.mark.parametrize("chunk", [1, 2, 3, 20])
@pytest.mark.parametrize(
    ("histories", "lost"),
    [
        # Lives on, begins between two scrapes, ends between two scrapes.
        ([["db"]] * 10, []),
        ([["db"]] * 3 + [["db", "job"]] * 6, []),
        ([["db", "job"]] * 5 + [["db"]] * 5, []),
        # Seen by the source once, between two scrapes of the candidate.
        ([["db"]] * 3 + [["db", "job"]] + [["db"]] * 6, ["job"]),
        # Begins after the candidate's last scrape: nobody can say.
        ([["db"]] * 9 + [["db", "job"]], []),
    ],
)
def test_lifetimes_between_scrapes(histories: list[list[str]], lost: list[str], chunk: int) -> None:
    _, coverage = measured(histories, chunk=chunk)
    assert [one.name for one in coverage.missed] == lost
    assert coverage.covered == coverage.critical_units - len(lost)


def test_three_scrapes_may_pass_before_it_is_known() -> None:
    quiet = [["db"]] * 5
    assert not measured([*quiet, *[["db", "job"]] * 4], chunk=4, ratio=4)[1].missed
    lost = measured([*quiet, *[["db", "job"]] * 3, *[["db"]] * 5], chunk=4, ratio=4)[1].missed
    assert [one.name for one in lost] == ["job"]


def test_an_interval_holds_one_scrape_of_the_slower_arm() -> None:
    known = Dictionaries()
    frames = scrape(known, [(T0 + at * 10 * SECOND, [Process("db", 1)]) for at in range(40)])
    meter = ExperimentMeter(PLAN, known, period_seconds=10.0, flush_seconds=20.0)
    taken = np.arange(40) % 2 == 0
    sent = frames.where(resources=taken[frames.rm_payload])
    skipped = frozenset(np.flatnonzero(~taken).tolist())
    made = [*meter.observe(frames, frames, ArmOutput(sent, skipped=skipped)), *meter.finish()]
    assert len(made) == 20
    shares = {
        one.candidate.points / one.baseline.points
        for one in made
        if one.candidate is not None and one.baseline is not None
    }
    assert shares == {0.5}


def test_without_slower_scrapes_everything_is_judged_as_it_came() -> None:
    frames: Frames = scrape(Dictionaries(), [(T0 + at * 10 * SECOND, [Process("db", 1)]) for at in range(5)])
    meter = ExperimentMeter(PLAN, frames.dictionaries, period_seconds=10.0)
    gone = frames.slice(0, 0)
    meter.observe(frames, frames, gone)
    meter.finish()
    assert [one.name for one in meter.coverage().missed] == ["db"]
