"""The meter: intervals by event time, exact totals, the same answer for any split into calls."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from phoenix_nb.analysis import Dimension, ExperimentMeter, StreamSummary, attribution, lost_series
from phoenix_nb.errors import InvalidRequestError
from phoenix_nb.evidence.coverage import parse_selectors
from phoenix_nb.interfaces.evidence import Arm, Interval
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.otlp import Dictionaries, Frames, encode_protobuf, measure
from tests.unit.analysis.meter_world import SECOND, T0, Process, scrape

HOST = [Process("postgres", 10), Process("nginx", 11), Process("bash", 12), Process("bash", 13)]
PLAN = Plan(critical=("postgres",))


def drop(frames: Frames, *, metric: str = "", process: str = "") -> Frames:
    """What a filter would leave."""
    known = frames.dictionaries
    gone = np.zeros(frames.n_points, dtype=np.bool_)
    if metric:
        gone |= np.array([header.name == metric for header in known.headers], dtype=np.bool_)[frames.p_header]
    if process:
        named = [r.attributes.get("process.executable.name") == process for r in known.resources]
        gone |= np.array(named, dtype=np.bool_)[frames.p_resource]
    return frames.where(points=~gone)


def run(
    raw: Frames,
    candidate: Frames | None,
    *,
    plan: Plan = PLAN,
    chunk: int = 1000,
    period: float | None = 10.0,
) -> tuple[ExperimentMeter, list[Interval]]:
    meter = ExperimentMeter(plan, raw.dictionaries, period_seconds=period)
    made: list[Interval] = []
    for start in range(0, raw.n_payloads, chunk):
        stop = min(start + chunk, raw.n_payloads)
        part = raw.slice(start, stop)
        made += meter.observe(part, part, None if candidate is None else candidate.slice(start, stop))
    return meter, made + meter.finish()


def regular(count: int, *, period: int = 10, known: Dictionaries | None = None) -> Frames:
    return scrape(known or Dictionaries(), [(k * period * SECOND, HOST) for k in range(count)])


def test_one_interval_per_scrape_with_exact_totals() -> None:
    raw = regular(12)
    candidate = drop(raw, metric="process.disk.io")
    meter, intervals = run(raw, candidate)
    assert [i.index for i in intervals] == list(range(12))
    assert [i.source_points for i in intervals] == [16] * 12
    assert [i.warmup for i in intervals] == [True] * 3 + [False] * 9
    for interval, sent, kept in zip(intervals, measure(raw).bytes, measure(candidate).bytes, strict=True):
        assert interval.baseline is not None
        assert interval.candidate is not None
        assert (interval.baseline.points, interval.candidate.points) == (16, 12)
        assert (interval.baseline.bytes, interval.candidate.bytes) == (sent, kept)
        assert (interval.baseline.series, interval.candidate.series) == (16, 12)
        assert interval.candidate.points_in == 16
        assert (interval.critical_units, interval.candidate.critical_covered, interval.missed) == (1, 1, ())
    window = meter.window()
    assert (window.points.baseline, window.points.candidate, window.points.reduction) == (192, 144, 0.25)
    assert (window.series.baseline, window.series.candidate) == (16, 12)
    assert window.bytes.baseline == sum(len(text) for text in encode_protobuf(raw))
    assert meter.window(healthy=False).points.reduction is None


def test_times_inside_a_scrape_differ_without_splitting_it() -> None:
    known = Dictionaries()
    raw = scrape(known, [(k * SECOND, HOST) for k in range(30)], spread=130_000_000)
    _, intervals = run(raw, raw, period=1.0)
    assert [i.source_points for i in intervals] == [16] * 30


def test_a_period_slightly_off_never_splits_a_scrape() -> None:
    raw = scrape(Dictionaries(), [(round(k * 10.013 * SECOND), HOST) for k in range(2000)])
    _, intervals = run(raw, raw)
    assert [i.source_points for i in intervals] == [16] * 2000
    assert sum(i.skipped_before for i in intervals) == 0


def test_gaps_are_skipped_and_counted_never_zero() -> None:
    times = [0, 10, 20, 60, 70]
    raw = scrape(Dictionaries(), [(t * SECOND, HOST) for t in times])
    _, intervals = run(raw, raw)
    assert [i.skipped_before for i in intervals] == [0, 0, 0, 3, 0]
    assert [i.source_points for i in intervals] == [16] * 5


def test_a_late_payload_is_counted_and_left_out() -> None:
    times = [0, 10, 20, 30, 40, 50, 10, 60, 70, 80, 90]
    raw = scrape(Dictionaries(), [(t * SECOND + k, HOST) for k, t in enumerate(times)])
    meter, intervals = run(raw, raw)
    assert len(intervals) == 10
    assert [i.source_points for i in intervals] == [16] * 10
    assert sum(i.late_points for i in intervals) == 16
    assert meter.window().points.baseline == 16 * 11


def test_payloads_out_of_order_within_the_grace_find_their_interval() -> None:
    times = [0, 10, 30, 20, 40, 50]
    raw = scrape(Dictionaries(), [(t * SECOND, HOST) for t in times])
    _, intervals = run(raw, raw)
    assert [i.source_points for i in intervals] == [16] * 6
    assert [i.skipped_before for i in intervals] == [0] * 6
    assert [round(i.start.timestamp()) for i in intervals] == [T0 // SECOND - 5 + 10 * k for k in range(6)]


def test_a_clock_that_jumps_back_makes_late_points() -> None:
    times = [k * 10 for k in range(20)] + [k * 10 for k in range(20)]
    raw = scrape(Dictionaries(), [(t * SECOND + k, HOST) for k, t in enumerate(times)])
    _, intervals = run(raw, raw)
    late = sum(i.late_points for i in intervals)
    assert late + sum(i.source_points for i in intervals) == raw.n_points
    assert late >= 16 * 17


def test_duplicates_are_counted_and_kept() -> None:
    raw = scrape(Dictionaries(), [(k * 10 * SECOND, HOST) for k in (0, 1, 1, 2)])
    for chunk in (1, 4):
        meter, intervals = run(raw, raw, chunk=chunk)
        assert [i.source_points for i in intervals] == [16, 32, 16]
        assert [i.duplicate_points for i in intervals] == [0, 16, 0]
        assert [i.baseline.series if i.baseline else 0 for i in intervals] == [16, 16, 16]
        assert meter.window().points.baseline == 64


def test_a_silent_arm_is_missing_and_never_zero() -> None:
    raw = regular(6)
    meter = ExperimentMeter(PLAN, raw.dictionaries, period_seconds=10)
    made = []
    for k in range(6):
        part = raw.slice(k, k + 1)
        made += meter.observe(part, part, None if k == 3 else part)
    made += meter.finish()
    assert [i.candidate is None for i in made] == [False, False, False, True, False, False]
    assert made[3].missed == (meter.tracker.units[0].key,)
    window = meter.window()
    assert (window.points.baseline, window.points.candidate, window.points.reduction) == (96, None, None)
    assert meter.usage(Arm.CANDIDATE).intervals == 5
    assert len(meter.coverage().missed) == 1


def test_an_acknowledged_empty_output_is_zero() -> None:
    raw = regular(6)
    nothing = raw.where(points=np.zeros(raw.n_points, dtype=np.bool_))
    meter, intervals = run(raw, nothing)
    assert [i.candidate.points if i.candidate else None for i in intervals] == [0] * 6
    assert meter.window().points.reduction == 1.0
    assert all(i.missed for i in intervals)


def test_a_regrouped_output_lands_in_its_intervals() -> None:
    raw = regular(12)
    meter = ExperimentMeter(PLAN, raw.dictionaries, period_seconds=10)
    made = []
    for start in range(0, 12, 2):
        part = raw.slice(start, start + 2)
        joined = part.replace(
            arrival=part.arrival[-1:], rm_payload=np.zeros(part.n_resources, dtype=np.int32)
        )
        made += meter.observe(part, part, joined)
    made += meter.finish()
    assert [i.candidate.points if i.candidate else None for i in made] == [16] * 12
    assert all(not i.missed for i in made)


def test_the_period_is_learned() -> None:
    raw = scrape(Dictionaries(), [(round(k * 2.0003 * SECOND), HOST) for k in range(30)])
    for chunk in (1, 7, 30):
        meter, intervals = run(raw, raw, period=None, chunk=chunk)
        assert meter.period_seconds == 2.0
        assert len(intervals) == 30
    short = scrape(Dictionaries(), [(0, HOST)])
    meter, intervals = run(short, short, period=None)
    assert len(intervals) == 1
    assert meter.period_seconds == 1.0


def test_no_payload_at_all() -> None:
    meter, intervals = run(Frames.empty(Dictionaries()), None)
    assert intervals == []
    assert meter.usage(Arm.BASELINE).intervals == 0
    assert meter.window().points.reduction is None
    with pytest.raises(InvalidRequestError, match="finished"):
        meter.observe(Frames.empty(meter.dictionaries), None, None)


def test_payloads_without_any_time_are_late_until_one_has_a_time() -> None:
    shared = Dictionaries()
    timed = scrape(shared, [(10, HOST)])
    timeless = scrape(shared, [(-T0, HOST)], spread=0)
    assert not timeless.p_time.any()
    meter = ExperimentMeter(PLAN, shared, period_seconds=10)
    assert meter.observe(timeless, timeless, timeless) == []
    made = [*meter.observe(timed, timed, timed), *meter.finish()]
    assert [one.source_points for one in made] == [timed.n_points]
    assert made[0].late_points == timed.n_points
    assert meter.window().points.baseline == 2 * timed.n_points


def test_frames_of_another_run_are_refused() -> None:
    meter = ExperimentMeter(PLAN, Dictionaries(), period_seconds=10)
    with pytest.raises(InvalidRequestError, match="other dictionaries"):
        meter.observe(regular(1), None, None)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[int, list[Process]]]:
    """Scrapes with churn, gaps, jitter, duplicates and payloads out of order."""
    scrapes: list[tuple[int, list[Process]]] = []
    at = 0
    for _ in range(draw(st.integers(1, 25))):
        at += draw(st.sampled_from([0, 10, 10, 10, 10, 20, 40]))
        jitter = draw(st.integers(-2, 2)) * SECOND
        back = draw(st.sampled_from([0, 0, 0, 0, 10, 50])) * SECOND
        alive = draw(st.lists(st.integers(0, 5), min_size=0, max_size=5, unique=True))
        scrapes.append((at * SECOND + jitter - back, [Process(f"p{n % 3}", 100 + n) for n in alive]))
    return scrapes


# The lifetime of a late payload is known before it is counted; its place among the lifetimes must not depend on that.
_LATE = [
    (0, [Process("p0", 100)]),
    (-50 * SECOND, [Process("p0", 100), Process("p1", 101), Process("p2", 102)]),
    *[(0, [])] * 18,
    (0, [Process("p1", 104), Process("p0", 100), Process("p2", 105)]),
    (0, [Process("p0", 100), Process("p1", 101)]),
]
# A payload out of order opens a bin behind the newest one; payloads that came before it do not know that bin.
_BEHIND = [
    (0, [Process("p0", 100), Process("p1", 101), Process("p2", 102)]),
    (-10 * SECOND, [Process("p0", 100), Process("p1", 101), Process("p2", 102)]),
    (-50 * SECOND, [Process("p0", 100)]),
    (0, []),
    (-10 * SECOND, [Process("p0", 100)]),
    *[(0, [])] * 2,
    (10 * SECOND, [Process("p0", 100)]),
    (11 * SECOND, [Process("p0", 100)]),
    *[(10 * SECOND, [])] * 11,
]


@settings(max_examples=60, deadline=None)
@example(scrapes=_LATE, chunk=1, learn=False)
@example(scrapes=_BEHIND, chunk=1, learn=True)
@given(scrapes=histories(), chunk=st.integers(1, 9), learn=st.booleans())
def test_any_split_gives_the_same_answer(
    scrapes: list[tuple[int, list[Process]]], chunk: int, learn: bool
) -> None:
    raw = scrape(Dictionaries(), scrapes)
    candidate = drop(raw, metric="process.disk.io", process="p1")
    plan = Plan(critical=("p*",))
    period = None if learn else 10.0
    meter, whole = run(raw, candidate, plan=plan, period=period)
    other, parts = run(raw, candidate, plan=plan, period=period, chunk=chunk)
    assert parts == whole
    assert other.window() == meter.window()
    assert other.coverage() == meter.coverage()
    assert other.usage(Arm.CANDIDATE) == meter.usage(Arm.CANDIDATE)
    # Every point is in one interval or late.
    in_intervals = sum(i.source_points for i in whole)
    if whole:
        assert in_intervals + sum(i.late_points for i in whole) == raw.n_points
    swapped = ExperimentMeter(plan, raw.dictionaries, period_seconds=period)
    mirrored = swapped.observe(raw, candidate, raw) + swapped.finish()
    assert [(i.baseline, i.candidate) for i in mirrored] == [(i.candidate, i.baseline) for i in whole]


@settings(max_examples=40, deadline=None)
@given(scrapes=histories())
def test_the_meter_agrees_with_a_naive_one(scrapes: list[tuple[int, list[Process]]]) -> None:
    """Counting point by point in plain Python, for scrapes that come in order."""
    ordered = sorted(scrapes, key=lambda one: one[0])
    raw = scrape(Dictionaries(), ordered)
    candidate = drop(raw, process="p1")
    _, intervals = run(raw, candidate)
    points: dict[int, int] = defaultdict(int)
    series: dict[int, set[int]] = defaultdict(set)
    kept: dict[int, int] = defaultdict(int)
    newest, number = None, 0
    for at in range(raw.n_payloads):
        one = raw.payload(at)
        if one.n_points:
            middle = sorted(one.p_time.tolist())[(one.n_points - 1) // 2]
            if newest is None:
                newest = middle
            step = (middle - newest + 5 * SECOND) // (10 * SECOND)
            if step > 0:
                nominal = newest + step * 10 * SECOND
                newest = middle if abs(middle - nominal) <= 5 * SECOND else nominal
                number += step
        points[number] += one.n_points
        series[number] |= set(one.p_series_key.tolist())
        kept[number] += candidate.payload(at).n_points
    expected = [(points[n], len(series[n]), kept[n]) for n in sorted(points) if points[n]]
    found = [
        (i.source_points, i.baseline.series, i.candidate.points)
        for i in intervals
        if i.baseline is not None and i.candidate is not None
    ]
    assert found == expected


def test_usage_counts_activity_windows() -> None:
    """Two hours at 10 s: 16 steady series and one short-lived process per hour."""
    scrapes = [
        (k * 10 * SECOND, [*HOST, Process("job", 1000 + k // 360)] if k % 360 == 100 else HOST)
        for k in range(720)
    ]
    raw = scrape(Dictionaries(), scrapes)
    meter, intervals = run(raw, drop(raw, process="bash"), chunk=60)
    usage = meter.usage(Arm.BASELINE)
    assert len(intervals) == usage.intervals == 720
    assert usage.window_seconds == 7200
    assert usage.points == 720 * 16 + 2 * 4
    assert usage.series == 16 + 8
    hour = usage.activity_over(3600)
    assert hour is not None
    assert (hour.samples, hour.mean, hour.maximum) == (2, 20.0, 20)
    two = usage.activity_over(7200)
    assert two is not None
    assert (two.samples, two.mean) == (1, 24.0)
    day = usage.activity_over(86400)
    assert day is not None
    assert (day.samples, day.mean) == (0, None)
    sliding = usage.activity_over(1200)
    assert sliding is not None
    # Read at minutes 20, 21, ... 120; the jobs at 1000 s and 4600 s are active for 20 minutes each.
    assert sliding.samples == 101
    expected = [
        16 + 4 * any(end - 1200 <= job < end for job in (1000, 4600)) for end in range(1200, 7201, 60)
    ]
    assert sliding.mean == pytest.approx(np.mean(expected))
    assert sliding.maximum == 20
    assert usage.p95_points_per_minute == 16 * 6
    assert [m.name for m in usage.metrics] == ["process.cpu.time", "process.memory.usage", "process.disk.io"]
    assert [m.points for m in usage.metrics] == [usage.points // 2, usage.points // 4, usage.points // 4]
    assert sum(m.json_bytes for m in usage.metrics) == usage.json_bytes
    assert sum(m.series for m in usage.metrics) == usage.series
    assert meter.usage(Arm.CANDIDATE).series == 8 + 8


def test_the_json_proxy_meets_the_published_sizes() -> None:
    """Cost reference: 1005 bytes with 60 characters of command line, 1225 with 300, 789 trimmed."""
    from phoenix_nb.analysis._json_proxy import JsonProxy
    from phoenix_nb.otlp import Attributes, FramesBuilder, Resource
    from tests.unit.analysis.meter_world import CPU, DISK, MEMORY, SCOPE

    def size(**attributes: object) -> float:
        known = Dictionaries()
        builder = FramesBuilder(known).begin_payload(T0).begin_resource(Resource(Attributes.of(attributes)))
        builder.begin_scope(SCOPE)
        for header, key, values in (
            (CPU, "state", ("user", "system", "wait")),
            (DISK, "direction", ("read", "write")),
            (MEMORY, "", ("",)),
        ):
            builder.begin_metric(header)
            for value in values:
                builder.number_point(Attributes.of({key: value} if key else {}), 1, T0, 5)
        raw = builder.finish()
        series = raw.p_series
        return float(JsonProxy(known).sizes()[series].mean())

    kept = {
        "process.pid": 12345,
        "process.executable.name": "postgres",
        "process.owner": "postgres",
        "host.name": "shop-host-1.example.org",
    }
    rest = {
        "process.parent_pid": 1234,
        "process.executable.path": "/usr/lib/postgresql/16/bin/postgres",
        "process.command": "/usr/lib/postgresql/16/bin/postgres",
        "os.type": "linux",
    }
    assert size(**kept, **rest, **{"process.command_line": "x" * 60}) == pytest.approx(1005, rel=0.05)
    assert size(**kept, **rest, **{"process.command_line": "x" * 300}) == pytest.approx(1225, rel=0.05)
    assert size(**kept) == pytest.approx(789, rel=0.05)


def test_lost_series_name_what_is_gone() -> None:
    raw = regular(5)
    candidate = drop(raw, metric="process.disk.io", process="nginx")
    before, after = (StreamSummary(raw.dictionaries, parse_selectors(["postgres"])) for _ in range(2))
    before.add(raw)
    after.add(candidate)
    rows = lost_series(before, after)
    assert {(row.process, row.metric) for row in rows if not row.candidate_points} == {
        ("nginx", "process.cpu.time"),
        ("nginx", "process.memory.usage"),
        ("nginx", "process.disk.io"),
        ("postgres", "process.disk.io"),
        ("bash", "process.disk.io"),
    }
    disk = next(row for row in rows if (row.process, row.metric) == ("postgres", "process.disk.io"))
    assert (disk.baseline_points, disk.candidate_points, disk.last_value) == (5, 0, 1000.0)
    assert [row.process for row in rows if row.critical] == ["postgres"]


def test_attribution_adds_up() -> None:
    raw = regular(5)
    candidate = drop(raw, metric="process.disk.io", process="nginx")
    meter, _ = run(raw, candidate)
    for dimension in Dimension:
        rows = attribution(meter, dimension)
        window = meter.window().points
        assert window.baseline is not None
        assert window.candidate is not None
        assert sum(row.saved_points for row in rows) == window.baseline - window.candidate
        assert sum(row.share_of_saving or 0 for row in rows) == pytest.approx(1)
        assert sum(row.share_of_baseline for row in rows) == pytest.approx(1)
    by_metric = {row.name: row for row in attribution(meter)}
    assert by_metric["process.disk.io"].candidate_points == 0
    assert by_metric["process.disk.io"].saved_points == 20
