"""Which collector is used, and what is said when there is none. Collectors here are small scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from phoenix_nb.errors import UnavailableError
from phoenix_nb.otelcol import build_collector, cache_folder, find_collector, probe_collector

SCRIPT = """#!/bin/sh
if [ "$1" = --version ]; then echo "{name} version v{version}"; exit; fi
cat <<'LIST'
receivers: [{{name: otlp}}]
exporters: [{{name: {exporter}}}]
processors: [{{name: batch}}, {{name: filter}}]
LIST
"""


def place(path: Path, name: str = "otelcol", version: str = "0.159.0", exporter: str = "otlp_http") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(SCRIPT.format(name=name, version=version, exporter=exporter))
    path.chmod(0o755)
    return path


def test_places_are_looked_at_in_their_order(tmp_path: Path) -> None:
    environment = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    workspace = tmp_path / ".phoenix"

    def found() -> str:
        return find_collector(workspace=workspace, environment=environment).name

    place(tmp_path / "cache" / "phoenix" / "otelcol-0.120.0" / "otelcol", "older")
    assert found() == "older"
    place(cache_folder(environment) / "otelcol", "cached")
    assert found() == "cached"
    place(workspace / "bin" / "otelcol", "workspace")
    assert found() == "workspace"
    place(tmp_path / "bin" / "otelcol-contrib", "path")
    assert found() == "path"
    own = place(tmp_path / "mine", "mine")
    assert find_collector(own, workspace=workspace, environment=environment).name == "mine"


def test_a_collector_says_what_it_is(tmp_path: Path) -> None:
    made = probe_collector(place(tmp_path / "c", "otelcol-ours", "0.130.1", "otlphttp"))
    assert (made.name, made.version, made.exporter_type) == ("otelcol-ours", "0.130.1", "otlphttp")
    assert made.components["processors"] == ("batch", "filter")


def test_what_does_not_work_is_passed_over_unless_it_was_asked_for(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    broken = tmp_path / "bin" / "otelcol"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(UnavailableError, match="exit code 3") as refused:
        find_collector(environment=environment)
    assert "phoenix collector install" in refused.value.hint
    place(cache_folder(environment) / "otelcol", "cached")
    assert find_collector(environment=environment).name == "cached"
    with pytest.raises(UnavailableError, match="exit code 3"):
        find_collector(broken, environment=environment)
    with pytest.raises(UnavailableError, match="there is no collector at"):
        find_collector(tmp_path / "nothing", environment=environment)


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo hello", "does not tell its version"),
        (
            '[ "$1" = --version ] && echo "x version 0.1.0" || echo "receivers: [{name: nop}]"',
            "no otlp receiver",
        ),
        (
            '[ "$1" = --version ] && echo "x version 0.1.0" || echo "receivers: [{name: otlp}]"',
            "no OTLP/HTTP",
        ),
        ('[ "$1" = --version ] && echo "x version 0.1.0" || echo "{"', "cannot be read"),
    ],
)
def test_a_program_that_cannot_be_used_says_why(tmp_path: Path, script: str, said: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    with pytest.raises(UnavailableError, match=said):
        probe_collector(program)


def test_building_without_go_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="there is no Go on the PATH"):
        build_collector(tmp_path / "new", environment={"PATH": str(tmp_path)})
    assert not (tmp_path / "new").exists()


def test_a_failed_build_leaves_nothing_and_tells_gos_words(tmp_path: Path) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text("#!/bin/sh\necho 'go: module lookup disabled' >&2\nexit 1\n")
    go.chmod(0o755)
    with pytest.raises(UnavailableError, match="module lookup disabled"):
        build_collector(tmp_path / "new", environment={"PATH": f"{go.parent}:/usr/bin:/bin"})
    assert list((tmp_path / "new").iterdir()) == []


def test_what_is_built_already_is_kept(tmp_path: Path) -> None:
    program = place(tmp_path / "otelcol")
    before = program.read_text()
    assert build_collector(tmp_path, environment={"PATH": ""}) == program
    assert program.read_text() == before
