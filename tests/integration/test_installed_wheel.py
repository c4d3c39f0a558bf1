"""What a user without a checkout gets: everything that ships beside the code is in the wheel and is found there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from phoenix_nb.testing.sample_reports import sample_comparison

pytestmark = [pytest.mark.slow, pytest.mark.kernel, pytest.mark.timeout(240)]

_ROOT = Path(__file__).resolve().parents[2]
_SCRIPT = """
import asyncio, json, sys
from importlib.metadata import entry_points
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import phoenix_nb, phoenix_nb_widgets
from phoenix_nb.interfaces import Context
from phoenix_nb.reporting import notebook_path, report_notebook_path, run_report, template_root

found = [report_notebook_path(), template_root() / "phoenix", notebook_path("01_first_experiment")]
report = asyncio.run(
    run_report(Context.background(), "comparison", Path.cwd(), parameters={"data_path": "comparison.json"})
)
panels = {entry.name: entry.load().__module__ for entry in entry_points(group="phoenix_nb.panels")}
print(json.dumps({
    "packages": [phoenix_nb.__file__, phoenix_nb_widgets.__file__],
    "assets": [str(path) for path in found],
    "page": str(report.html),
    "state": report.results["result"]["state"],
    "panels": panels,
}))
"""


def test_an_installed_wheel_finds_its_notebooks_templates_and_panels(tmp_path: Path) -> None:
    wheels, site, work = (tmp_path / name for name in ("wheels", "site", "work"))
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--quiet",
    ]
    subprocess.run([*build, "--wheel-dir", str(wheels), str(_ROOT)], check=True, cwd=tmp_path)
    (wheel,) = wheels.glob("phoenix_nb-*.whl")
    # Unpacking is all that installing a pure wheel does to its packages.
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    work.mkdir()
    sample_comparison("PROMOTE", intervals=30).write(work / "comparison.json")
    # The dependencies come from this environment, the packages under test do not.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(site)],
        cwd=work,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert all(Path(path).is_relative_to(site) for path in told["packages"])
    assert all(Path(path).is_relative_to(site / "phoenix_nb" / "_share") for path in told["assets"])
    assert told["state"] == "PROMOTE"
    assert "<!DOCTYPE html>" in Path(told["page"]).read_text()
    assert {"experiment", "simulation"} <= set(told["panels"])
    assert (site / "phoenix_nb_widgets" / "static" / "keyboard.js").is_file()
