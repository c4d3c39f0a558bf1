"""Coverage of critical lifetimes: reuse of pids, short lives, lost metrics, aggregates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from phoenix_nb.analysis import ExperimentMeter
from phoenix_nb.errors import PlanError
from phoenix_nb.evidence.coverage import parse_selector, parse_selectors
from phoenix_nb.interfaces.evidence import Interval
from phoenix_nb.interfaces.plan import Plan
from phoenix_nb.otlp import Attributes, Dictionaries, Frames, FramesBuilder, Resource
from tests.unit.analysis.meter_world import CPU, DISK, MEMORY, SCOPE, SECOND, T0, Process, scrape

POSTGRES = Process("postgres", 10, start=1)
BASH = Process("bash", 12, start=2)


def measure_run(raw: Frames, candidate: Frames, plan: Plan) -> tuple[ExperimentMeter, list[Interval]]:
    meter = ExperimentMeter(plan, raw.dictionaries, period_seconds=10)
    return meter, meter.observe(raw, raw, candidate) + meter.finish()


def steady(*alive: Process, count: int = 6) -> Frames:
    return scrape(Dictionaries(), [(k * 10 * SECOND, alive) for k in range(count)])


def rewritten(frames: Frames, change: Callable[[Attributes], Attributes]) -> Frames:
    """The same payloads with other resource attributes."""
    known = frames.dictionaries
    ids = [
        known.resources.intern(Resource(change(known.resources[r].attributes))) for r in frames.rm_resource
    ]
    return frames.replace(rm_resource=np.array(ids, dtype=np.int32))


def without_metric(frames: Frames, name: str, *, only: str = "") -> Frames:
    known = frames.dictionaries
    gone = np.array([h.name == name for h in known.headers])[frames.p_header]
    if only:
        named = [r.attributes.get("process.executable.name") == only for r in known.resources]
        gone &= np.array(named)[frames.p_resource]
    return frames.where(points=~gone)


def aggregated(frames: Frames, *, spoil: float = 0.0, keep_name: bool = True) -> Frames:
    """One series per executable name, metric and point attributes: the sum over its processes."""
    known = frames.dictionaries
    builder = FramesBuilder(known)
    for payload in frames.payloads():
        builder.begin_payload(int(payload.arrival[0]))
        sums: dict[tuple[object, int, int], float] = {}
        kinds: dict[tuple[object, int, int], bool] = {}
        for at in range(payload.n_points):
            name = known.resources[int(payload.p_resource[at])].attributes.get("process.executable.name")
            key = (name if keep_name else "", int(payload.p_header[at]), int(payload.p_attributes[at]))
            whole = int(payload.p_kind[at]) == 1
            kinds[key] = whole
            sums[key] = sums.get(key, 0) + float(payload.p_int[at] if whole else payload.p_double[at])
        for (executable, header, attributes), value in sums.items():
            attributes_of: dict[str, object] = (
                {"process.executable.name": executable} if keep_name else {"group": "all"}
            )
            builder.begin_resource(Resource(Attributes.of(attributes_of))).begin_scope(SCOPE)
            builder.begin_metric(known.headers[header])
            number = value + spoil
            whole = kinds[executable, header, attributes]
            time = int(payload.p_time[0])
            builder.number_point(
                known.attribute_sets[attributes], 0, time, int(number) if whole else float(number)
            )
    return builder.finish()


def test_everything_kept_is_covered() -> None:
    raw = steady(POSTGRES, BASH)
    meter, intervals = measure_run(raw, raw, Plan(critical=("postgres",)))
    report = meter.coverage()
    assert (report.critical_units, report.covered, report.covered_in_aggregate, report.missed) == (
        1,
        1,
        0,
        (),
    )
    assert report.miss_rate_upper == pytest.approx(0.95)
    assert [(i.critical_units, i.missed) for i in intervals] == [(1, ())] * 6
    assert all(i.baseline and i.baseline.critical_covered == 1 for i in intervals)


def test_a_dropped_process_is_named() -> None:
    raw = steady(POSTGRES, BASH)
    kept = [r.attributes.get("process.executable.name") != "postgres" for r in raw.dictionaries.resources]
    meter, intervals = measure_run(
        raw, raw.where(points=np.array(kept)[raw.p_resource]), Plan(critical=("post*",))
    )
    report = meter.coverage()
    assert report.miss_rate_upper is None
    assert [(m.name, m.pid) for m in report.missed] == [("postgres", 10)]
    assert report.missed[0].start.timestamp() == pytest.approx(T0 / SECOND - 1000)
    assert report.missed[0].last_seen.timestamp() == pytest.approx(T0 / SECOND + 50)
    assert all(i.missed == (f"postgres/10@{T0 - 1000 * SECOND + 1}",) for i in intervals)
    assert all(i.candidate and i.candidate.critical_covered == 0 for i in intervals)


def test_a_lost_required_metric_is_a_miss_and_another_is_not() -> None:
    raw = steady(POSTGRES, BASH)
    plan = Plan(critical=("postgres",))
    meter, _ = measure_run(raw, without_metric(raw, "process.memory.usage"), plan)
    assert len(meter.coverage().missed) == 1
    assert meter.tracker.arms["candidate"].units[0].lacking == {"process.memory.usage"}
    meter, _ = measure_run(raw, without_metric(raw, "process.disk.io"), plan)
    assert meter.coverage().missed == ()
    meter, _ = measure_run(raw, without_metric(raw, "process.memory.usage", only="bash"), plan)
    assert meter.coverage().missed == ()


def test_one_missed_interval_is_enough() -> None:
    raw = steady(POSTGRES, count=8)
    keep = raw.p_payload != 4
    meter, intervals = measure_run(raw, raw.where(points=keep), Plan(critical=("postgres",)))
    assert [bool(i.missed) for i in intervals] == [False] * 4 + [True] + [False] * 3
    assert len(meter.coverage().missed) == 1
    assert meter.tracker.arms["candidate"].units[0].missed == 1


def test_a_reused_pid_is_another_lifetime() -> None:
    first, second = Process("postgres", 10, start=1), Process("postgres", 10, start=2)
    raw = scrape(Dictionaries(), [(k * 10 * SECOND, [first if k < 3 else second]) for k in range(6)])
    meter, _ = measure_run(raw, raw, Plan(critical=("postgres",)))
    assert meter.coverage().critical_units == 2
    # The candidate shows only the first lifetime: the same pid must not cover the second.
    meter, _ = measure_run(raw, raw.where(points=raw.p_payload < 3), Plan(critical=("postgres",)))
    report = meter.coverage()
    assert (report.critical_units, report.covered, len(report.missed)) == (2, 1, 1)


def test_both_lifetimes_of_a_pid_in_one_interval_are_kept_apart() -> None:
    first, second = Process("postgres", 10, start=1), Process("postgres", 10, start=2, command_line="again")
    raw = scrape(Dictionaries(), [(0, [first, second]), (10 * SECOND, [second])])
    again = [r.attributes.get("process.command_line") == "again" for r in raw.dictionaries.resources]
    candidate = raw.where(points=np.array(again)[raw.p_resource])
    meter, _ = measure_run(raw, candidate, Plan(critical=("postgres",)))
    assert [m.start.timestamp() for m in meter.coverage().missed] == pytest.approx([T0 / SECOND - 1000])
    assert meter.coverage().covered == 1


def test_a_changed_command_line_is_the_same_lifetime() -> None:
    names = [Process("postgres", 10, start=1, command_line=f"postgres: worker {k}") for k in range(6)]
    raw = scrape(Dictionaries(), [(k * 10 * SECOND, [names[k]]) for k in range(6)])
    meter, _ = measure_run(raw, raw, Plan(critical=("postgres",)))
    assert meter.coverage().critical_units == 1


def test_processes_seen_once_count() -> None:
    jobs = [Process("backup", 100 + k, start=k) for k in range(6)]
    raw = scrape(Dictionaries(), [(k * 10 * SECOND, [POSTGRES, jobs[k]]) for k in range(6)])
    meter, _ = measure_run(raw, raw, Plan(critical=("backup", "postgres")))
    report = meter.coverage()
    assert report.covered == 7
    assert [(n.name, n.units, n.covered, n.missed) for n in report.by_name] == [
        ("postgres", 1, 1, 0),
        ("backup", 6, 6, 0),
    ]
    assert report.miss_rate_upper == pytest.approx(1 - 0.05 ** (1 / 7))
    meter, _ = measure_run(raw, raw.where(points=raw.p_payload != 2), Plan(critical=("backup",)))
    assert [m.pid for m in meter.coverage().missed] == [102]


def test_without_start_times_the_resource_stands_in() -> None:
    raw = steady(POSTGRES)
    raw = raw.replace(p_start=np.zeros(raw.n_points, dtype=np.uint64))
    meter, _ = measure_run(raw, raw, Plan(critical=("postgres",)))
    report = meter.coverage()
    assert (report.critical_units, report.covered) == (1, 1)
    meter, _ = measure_run(raw, raw.where(points=raw.p_payload != 1), Plan(critical=("postgres",)))
    assert meter.coverage().missed[0].start.timestamp() == pytest.approx(T0 / SECOND)


def test_a_changed_start_time_is_covered_by_the_pid() -> None:
    raw = steady(POSTGRES, BASH)
    candidate = raw.replace(p_start=raw.p_start + np.uint64(5 * SECOND))
    meter, _ = measure_run(raw, candidate, Plan(critical=("postgres",)))
    assert (meter.coverage().covered, meter.coverage().missed) == (1, ())


def test_a_deleted_pid_is_covered_in_aggregate() -> None:
    raw = steady(POSTGRES, Process("postgres", 11, start=3), BASH)
    plan = Plan(critical=("postgres",))
    meter, intervals = measure_run(raw, rewritten(raw, lambda a: a.without("process.pid")), plan)
    report = meter.coverage()
    assert (report.covered, report.covered_in_aggregate, report.missed) == (0, 2, ())
    assert report.miss_rate_upper is None
    assert all(i.candidate and i.candidate.critical_in_aggregate == 2 for i in intervals)
    allowed, _ = measure_run(
        raw,
        rewritten(raw, lambda a: a.without("process.pid")),
        plan.model_copy(update={"allow_aggregate": True}),
    )
    assert allowed.coverage().miss_rate_upper == pytest.approx(1 - 0.05 ** (1 / 2))


def test_sums_of_an_aggregate_must_equal_their_parts() -> None:
    raw = steady(POSTGRES, Process("postgres", 11, start=3), BASH)
    plan = Plan(critical=("postgres",), allow_aggregate=True)
    meter, _ = measure_run(raw, aggregated(raw), plan)
    assert meter.coverage().covered_in_aggregate == 2
    assert meter.tracker.arms["candidate"].mismatches == []
    assert meter.coverage().miss_rate_upper is not None
    meter, _ = measure_run(raw, aggregated(raw, spoil=1.0), plan)
    worst = meter.tracker.arms["candidate"].mismatches
    assert {m.metric for m in worst} == {"process.cpu.time", "process.memory.usage"}
    assert worst[0].relative_error == pytest.approx(2 / 23)
    assert meter.coverage().miss_rate_upper is None
    assert "process.cpu.time" in meter.coverage().unequal_aggregates[0]


def test_an_aggregate_without_the_name_covers_nothing() -> None:
    raw = steady(POSTGRES, BASH)
    meter, _ = measure_run(
        raw, aggregated(raw, keep_name=False), Plan(critical=("postgres",), allow_aggregate=True)
    )
    assert [m.name for m in meter.coverage().missed] == ["postgres"]


def test_attributes_moved_to_the_points_still_cover() -> None:
    raw = steady(POSTGRES, BASH)
    known = raw.dictionaries
    builder = FramesBuilder(known)
    for payload in raw.payloads():
        builder.begin_payload(0).begin_resource(Resource()).begin_scope(SCOPE)
        for at in range(payload.n_points):
            builder.begin_metric(known.headers[int(payload.p_header[at])])
            own = dict(known.attribute_sets[int(payload.p_attributes[at])].items())
            process = dict(known.resources[int(payload.p_resource[at])].attributes.items())
            builder.number_point(
                Attributes.of({**own, **process}), int(payload.p_start[at]), int(payload.p_time[at]), 1
            )
    meter, _ = measure_run(raw, builder.finish(), Plan(critical=("postgres", "bash")))
    assert (meter.coverage().covered, meter.coverage().missed) == (2, ())


def test_what_the_source_never_had_cannot_be_missed() -> None:
    raw = scrape(Dictionaries(), [(k * 10 * SECOND, [POSTGRES]) for k in range(4)], metrics=(DISK,))
    meter, intervals = measure_run(raw, raw, Plan(critical=("postgres",)))
    report = meter.coverage()
    assert (report.critical_units, report.covered, report.missed, report.miss_rate_upper) == (1, 0, (), None)
    assert [i.critical_units for i in intervals] == [1] * 4
    only_cpu = scrape(Dictionaries(), [(k * 10 * SECOND, [POSTGRES]) for k in range(4)], metrics=(CPU,))
    meter, _ = measure_run(only_cpu, only_cpu, Plan(critical=("postgres",)))
    assert meter.coverage().covered == 1
    assert {MEMORY.name} <= set(meter.plan.required_metrics)


def test_hosts_are_kept_apart() -> None:
    one, two = Process("postgres", 10, start=1, host="a"), Process("postgres", 10, start=1, host="b")
    raw = steady(one, two)
    meter, _ = measure_run(raw, raw, Plan(critical=("postgres",)))
    assert meter.coverage().critical_units == 2
    is_a = [r.attributes.get("host.name") == "a" for r in raw.dictionaries.resources]
    meter, _ = measure_run(
        raw, raw.where(points=np.array(is_a)[raw.p_resource]), Plan(critical=("postgres",))
    )
    assert (meter.coverage().covered, len(meter.coverage().missed)) == (1, 1)


def test_a_lifetime_counts_once_for_several_selectors_and_strangers_are_warned_of() -> None:
    raw = steady(POSTGRES, BASH)
    meter, _ = measure_run(raw, raw, Plan(critical=("postgres", "post*", "path:/usr/bin/*", "mysqld")))
    report = meter.coverage()
    assert report.critical_units == 2
    assert report.unmatched_selectors == ("mysqld",)


@pytest.mark.parametrize(
    ("text", "hit"),
    [
        ("postgres", True),
        ("Postgres", False),
        ("post", False),
        ("post*", True),
        ("p[oa]stgre?", True),
        ("name:postgres", True),
        ("re:gres$", True),
        ("re:^gres", False),
        ("path:/usr/lib/*", True),
        ("path:re:^/usr/lib/", True),
        ("command:*postgres", True),
        ("command_line:*-D /data*", True),
        ("command_line:-D", False),
        ("command_line:re:-D /data", True),
        ("owner:postgres", True),
        ("owner:root", False),
        ("cgroup:/system.slice/*", True),
        ("cgroup:re:postgresql@\\d+", True),
    ],
)
def test_selectors(text: str, hit: bool) -> None:
    process = Attributes.of(
        {
            "process.executable.name": "postgres",
            "process.executable.path": "/usr/lib/postgresql/16/bin/postgres",
            "process.command": "/usr/lib/postgresql/16/bin/postgres",
            "process.command_line": "postgres -D /data/16",
            "process.owner": "postgres",
            "process.cgroup": "/system.slice/postgresql@16.service",
        }
    )
    assert parse_selector(text).matches(process) is hit


def test_selectors_look_at_argument_lists_and_at_nothing_else() -> None:
    listed = Attributes.of({"process.command_args": ["java", "-jar", "shop.jar"]})
    assert parse_selector("command_line:*shop.jar").matches(listed)
    assert not parse_selector("*").matches(listed)
    assert not parse_selector("*").matches(Attributes.of({"process.executable.name": 7}))


@pytest.mark.parametrize("text", ["", "  ", "path:", "re:", "re:(", "path:re:[z-a]"])
def test_bad_selectors_are_refused(text: str) -> None:
    with pytest.raises(PlanError):
        parse_selector(text)


def test_equal_selectors_count_once() -> None:
    assert [s.text for s in parse_selectors(["a", " a", "b"])] == ["a", "b"]
