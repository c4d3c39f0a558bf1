"""What payloads cost a real collector, and what it refused, reaches the interval they belong to."""

from __future__ import annotations

import numpy as np
import pytest

from phoenix_nb.analysis import ArmOutput, ExperimentMeter
from phoenix_nb.analysis._activity import ActivityCounter
from phoenix_nb.evidence.cost import estimate_cost
from phoenix_nb.interfaces import Arm, Interval, Plan
from phoenix_nb.otlp import Dictionaries, Frames
from phoenix_nb.otlp.contracts import EngineMeasures, EngineOutput
from phoenix_nb.runtime import load_prices
from phoenix_nb.testing.contracts import sample_frames
from tests.unit.analysis.meter_world import SECOND, Process, scrape


def measures(count: int, first: int = 0) -> EngineMeasures:
    numbers = range(first, first + count)
    return EngineMeasures(
        latency_seconds=tuple((number + 1) / 1000 for number in numbers),
        cpu_seconds=tuple((number + 1) / 100 for number in numbers),
        rss_bytes=tuple(1000 * (number + 1) for number in numbers),
    )


def run(size: int) -> tuple[ExperimentMeter, list[Interval]]:
    dictionaries = Dictionaries()
    raw = sample_frames(dictionaries, 12)
    meter = ExperimentMeter(Plan(), dictionaries, period_seconds=10.0)
    made = []
    for start in range(0, 12, size):
        part = raw.slice(start, start + size)
        refused = frozenset({5 - start} if start <= 5 < start + size else ())
        arm = ArmOutput(part, refused=refused, measures=measures(part.n_payloads, start))
        made += meter.observe(part, part, arm)
    return meter, made + meter.finish()


@pytest.mark.parametrize("size", [1, 5, 12])
def test_costs_go_with_the_payload_however_calls_are_split(size: int) -> None:
    meter, intervals = run(size)
    assert len(intervals) == 12
    for number, interval in enumerate(intervals):
        arm = interval.candidate
        assert arm is not None
        assert arm.latency_p99_seconds == pytest.approx((number + 1) / 1000)
        assert arm.cpu_seconds == pytest.approx((number + 1) / 100)
        assert arm.rss_bytes == 1000 * (number + 1)
        assert arm.refused == (interval.source_points if number == 5 else 0)
        assert interval.baseline is not None
        assert interval.baseline.cpu_seconds is None
        assert interval.baseline.latency_p99_seconds is None
    usage = meter.usage(Arm.CANDIDATE)
    assert usage.cpu_seconds == pytest.approx(0.78)
    assert usage.rss_bytes == pytest.approx(6500)
    assert meter.usage(Arm.BASELINE).cpu_seconds is None


def test_a_failed_engine_is_silent_and_keeps_what_it_cost() -> None:
    dictionaries = Dictionaries()
    raw = sample_frames(dictionaries, 2)
    meter = ExperimentMeter(Plan(), dictionaries, period_seconds=10.0)
    failed = ArmOutput.of(EngineOutput({}, failure="it was killed"), dictionaries)
    intervals = meter.observe(raw, raw, failed) + meter.finish()
    assert [interval.candidate for interval in intervals] == [None, None]
    assert meter.window().points.candidate is None


def test_regrouped_payloads_are_told_apart_by_their_points() -> None:
    dictionaries = Dictionaries()
    raw = sample_frames(dictionaries, 3)
    # Everything comes in one batch: as many payloads as went in, but not the same ones.
    batch = Frames.concat([raw.where(points=raw.p_payload < 0).slice(0, 2), _joined(raw)])
    meter = ExperimentMeter(Plan(), dictionaries, period_seconds=10.0)
    intervals = meter.observe(raw, raw, ArmOutput(batch, regrouped=True)) + meter.finish()
    points = [interval.candidate.points for interval in intervals if interval.candidate is not None]
    assert points == [interval.source_points for interval in intervals]
    for interval in intervals:
        assert interval.baseline is not None
        assert interval.candidate is not None
        assert interval.candidate.bytes == interval.baseline.bytes > 0


def _joined(raw: Frames) -> Frames:
    from phoenix_nb.otlp import Decoder, encode_protobuf

    return Decoder(raw.dictionaries).protobuf([b"".join(encode_protobuf(raw))])


def test_an_arm_that_sends_nothing_has_no_active_series_and_no_bill() -> None:
    dictionaries = Dictionaries()
    # Half an hour, longer than the 20 minutes over which Grafana Cloud counts series.
    raw = scrape(dictionaries, [(at * 10 * SECOND, [Process("p0", 100)]) for at in range(180)])
    meter = ExperimentMeter(Plan(), dictionaries, period_seconds=10.0)
    meter.observe(raw, raw, raw.where(points=np.zeros(raw.n_points, dtype=np.bool_)))
    meter.finish()
    model = load_prices().get("grafana_cloud")
    sent, nothing = (estimate_cost(model, meter.usage(arm)) for arm in Arm)
    assert sent.per_month is not None
    assert sent.per_month > 0
    assert (nothing.per_month, nothing.reason) == (0.0, None)


def test_active_series_are_unknown_in_a_gap_of_the_source_only() -> None:
    counter = ActivityCounter(600.0)
    nothing, some = np.zeros(0, dtype=np.int64), np.arange(3)
    for interval, keys in ((0, some), (1, nothing), (2, nothing), (3, nothing), (20, some)):
        counter.add(interval, keys, len(keys))
    sliding = next(one for one in counter.activity() if one.sliding)
    # Read at 20, 30, 40 and 50 minutes: two intervals long, and then nothing is known until the source is back.
    assert (sliding.samples, sliding.maximum) == (5, 3)
