"""``phoenix collector`` with the real collector: the same files and the same verdicts as with the built-in engine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phoenix_nb.cli import main
from phoenix_nb.otelcol import CollectorBinary

_EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "pipeline-tests"


def _phoenix(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int | str | None, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    shown = capsys.readouterr()
    return ended.value.code, shown.out, shown.err


@pytest.fixture(autouse=True)
def the_collector(collector: CollectorBinary, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PHOENIX_COLLECTOR_BINARY", str(collector.path))
    monkeypatch.chdir(tmp_path)


def test_both_engines_write_the_same_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines = []
    for time in (1, 2):
        payload = {
            "resourceMetrics": [
                {
                    "resource": {
                        "attributes": [{"key": "process.executable.name", "value": {"stringValue": name}}]
                    },
                    "scopeMetrics": [
                        {
                            "scope": {},
                            "metrics": [
                                {
                                    "name": "m",
                                    "gauge": {"dataPoints": [{"timeUnixNano": f"{time}", "asInt": "7"}]},
                                }
                            ],
                        }
                    ],
                }
                for name in ("bash", "postgres")[: 3 - time]
            ]
        }
        lines.append(json.dumps(payload))
    (tmp_path / "in.jsonl").write_text("\n".join(lines))
    for engine in ("embedded", "otelcol"):
        words = (
            "collector",
            "run",
            _EXAMPLES / "drop-helpers.yaml",
            "--input",
            "in.jsonl",
            "--engine",
            engine,
        )
        code, _, err = _phoenix(capsys, *words, "--output", f"{engine}.jsonl")
        assert code == 0, err
    found = [
        [json.loads(line) for line in (tmp_path / f"{engine}.jsonl").read_text().splitlines()]
        for engine in ("embedded", "otelcol")
    ]
    assert len(found[0]) == 1
    assert found[0] == found[1]


def test_examples_pass_in_the_real_collector(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _phoenix(capsys, "collector", "test", _EXAMPLES, "--engine", "otelcol")
    assert code == 0, out + err


def test_components_of_the_real_collector(
    capsys: pytest.CaptureFixture[str], collector: CollectorBinary
) -> None:
    code, out, _ = _phoenix(capsys, "collector", "components", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["collector"]["version"] == collector.version
    rows = {(row["kind"], row["name"]): row["otelcol"] for row in found["components"]}
    assert rows["processor", "filter"] == "runs"
