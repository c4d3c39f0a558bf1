"""Attribution by label, rule and process, and what a recording costs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from phoenix_nb.analysis import Dimension, label_contributions, label_pairs, process_class
from phoenix_nb.cli import main
from phoenix_nb.errors import ConflictError, InvalidRequestError, NotFoundError, SourceError
from phoenix_nb.lab import Lab, attribute_recording, price_recording
from phoenix_nb.otlp import Dictionaries
from phoenix_nb.simulation import simulate
from phoenix_nb.sources import write_recording
from tests.unit.analysis.meter_world import frames_of_series

RULES = """
receivers: {nop: {}}
processors:
  filter/one:
    error_mode: ignore
    metrics:
      resource:
        - 'not IsMatch(attributes["process.executable.name"], "^postgres")'
      metric:
        - 'name == "process.memory.virtual"'
  batch: {}
exporters: {nop: {}}
service: {pipelines: {metrics: {receivers: [nop], processors: [filter/one, batch], exporters: [nop]}}}
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recorded") / "host.parquet"
    write_recording(file, simulate("realistic", seed=2, scrapes=10, every=10.0))
    return file


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("pipelines") / "rules.yaml"
    file.write_text(RULES)
    return file


def test_labels_contribute_what_leaving_them_out_merges() -> None:
    known = Dictionaries()
    rows = [(1, "a", "x"), (1, "a", "y"), (2, "a", "x"), (2, "b", "x")]
    frames = frames_of_series(known, [({"pid": pid, "name": name}, {"state": s}) for pid, name, s in rows])
    keys = np.unique(frames.p_series_key).astype(np.int64)
    found = {one.label: one for one in label_contributions(known, keys)}
    # Without pid the first and third are one; without name the last two; without state the first two.
    assert {label: one.contribution for label, one in found.items()} == {"pid": 1, "name": 1, "state": 1}
    assert {label: one.values for label, one in found.items()} == {"pid": 2, "name": 2, "state": 2}
    pairs = {one.labels: one for one in label_pairs(known, keys, list(found.values()))}
    assert pairs["name", "pid"].contribution == 2
    assert pairs["name", "pid"].extra == 0
    assert pairs["pid", "state"].contribution == 2


def test_every_grouping_adds_up(recording: Path) -> None:
    found = attribute_recording(recording, candidate="process-priority-v1")
    saved = found.points[0] - (found.points[1] or 0)
    assert saved > 0
    for rows in found.groups.values():
        assert sum(row.saved_points for row in rows) == saved
        assert sum(row.baseline_points for row in rows) == found.points[0]
    classes = {row.name for row in found.groups[Dimension.CLASS]}
    assert {"database", "web server"} <= classes
    instances = found.groups[Dimension.INSTANCE]
    assert len(instances) > len(found.groups[Dimension.PROCESS])


def test_what_would_be_lost_is_named_with_its_last_value(recording: Path, rules: Path) -> None:
    found = attribute_recording(recording, candidate=str(rules))
    missing = sum(row.baseline_points - row.candidate_points for row in found.lost)
    assert missing == found.points[0] - (found.points[1] or 0)
    assert {row.metric for row in found.lost if row.process == "postgres"} == {"process.memory.virtual"}
    assert all(row.last_value is not None for row in found.lost)
    assert attribute_recording(recording).lost == ()


def test_rules_add_up_to_the_saving_and_say_what_only_they_save(recording: Path, rules: Path) -> None:
    found = attribute_recording(recording, candidate=str(rules))
    first, second = found.rules
    assert first.rule.startswith("not IsMatch")
    assert first.saved_series + second.saved_series == found.series[0] - (found.series[1] or 0)
    assert first.saved_points + second.saved_points == found.points[0] - (found.points[1] or 0)
    # The second rule saves of postgres only what the first leaves; the first saves all but what the second takes too.
    assert second.only_series == second.saved_series
    assert 0 < first.only_series < first.saved_series


def test_processes_share_the_bill(recording: Path) -> None:
    models = ["new_relic", "amazon_prometheus"]
    priced = price_recording(recording, models=models, hosts=3)
    found = attribute_recording(recording, models=models, hosts=3)
    for at, estimate in enumerate(priced.estimates):
        assert estimate.per_month is not None
        amounts = [one.per_month[at] for one in found.costs]
        assert sum(amount for amount in amounts if amount is not None) == pytest.approx(estimate.per_month)
    assert [one.per_month[0] for one in found.costs] == sorted(
        (one.per_month[0] for one in found.costs), key=lambda amount: -(amount or 0)
    )


def test_a_recording_is_priced_per_interval_host_and_price(recording: Path) -> None:
    one = price_recording(recording, models=["amazon_prometheus"], every=60.0)
    many = price_recording(recording, models=["amazon_prometheus"], every=30.0, hosts=2)
    assert one.estimates[0].per_month is not None
    assert many.estimates[0].per_month == pytest.approx(4 * one.estimates[0].per_month)
    two = price_recording(recording, models=["amazon_prometheus"], candidate="process-minimal-v1")
    assert two.comparison is not None
    saving = two.comparison.rows[0].saving_per_month
    assert saving is not None
    assert saving > 0
    assert {factor: row.rows[0].saving_per_month for factor, row in two.savings_by_price} == {
        factor: pytest.approx(factor * saving) for factor in (0.5, 0.8, 1.25, 2.0)
    }
    assert [h.saving for h in two.projections[0].horizons] == [
        pytest.approx(n * saving) for n in (1, 3, 6, 12)
    ]


def test_bad_input_is_refused(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        price_recording(tmp_path / "missing.jsonl")
    with pytest.raises(NotFoundError):
        price_recording(recording, candidate="no-such-pipeline")
    with pytest.raises(NotFoundError):
        price_recording(recording, models=["no_such_model"])
    with pytest.raises(InvalidRequestError):
        price_recording(recording, every=0.0)
    with pytest.raises(InvalidRequestError):
        price_recording(recording, factors=[-1.0], candidate="process-minimal-v1")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("postgres", "database"),
        ("nginx", "web server"),
        ("python3.11", "application"),
        ("bash", "shell and helper"),
        ("kworker/0:1", "kernel"),
        ("shop-api", "other"),
        ("shovel", "other"),
    ],
)
def test_process_classes(name: str, expected: str) -> None:
    assert process_class(name) == expected


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_the_commands_print_one_object(
    recording: Path, rules: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cost = printed(capsys, "cost", "--recording", str(recording), "--every", "30s", "--hosts", "5", "--json")
    assert (cost["every"], cost["hosts"], cost["saving"]) == (30.0, 5, None)
    split = printed(
        capsys,
        "attribute",
        "--recording",
        str(recording),
        "--candidate",
        str(rules),
        "--by",
        "class",
        "--json",
    )
    assert split["cost_by"] == "class"
    assert len(split["rules"]) == 2  # type: ignore[arg-type]  # JSON of a list
    out = tmp_path / "best.yaml"
    best = printed(
        capsys, "optimize", "--recording", str(recording), "--critical", "postgres*,nginx", "--target", "0.5",
        "--out", str(out), "--json",
    )  # fmt: skip
    assert best["unseen_saving"] >= 0.5  # type: ignore[operator]  # JSON of a number
    assert out.read_text() == best["yaml"]


def test_a_notebook_gets_the_same_configuration(recording: Path) -> None:
    with Lab.open(":memory:") as lab:
        made = lab.optimize(recording, critical="postgres*", target=0.5)
        assert made.unseen_saving >= 0.5
        with pytest.raises(ConflictError):
            lab.optimize(recording, critical=["*"], target=0.95)


def test_an_unreachable_target_ends_with_one_and_the_best(
    recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "best.yaml"
    words = [
        "optimize",
        "--recording",
        str(recording),
        "--critical",
        "*",
        "--target",
        "0.9",
        "--out",
        str(out),
    ]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--json"])
    assert ended.value.code == 1
    found = json.loads(capsys.readouterr().out)
    assert 0 < found["error"]["details"]["best"]["saving"] < 0.9
    assert not out.exists()
